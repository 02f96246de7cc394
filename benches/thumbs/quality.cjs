// SPDX-License-Identifier: MIT OR Apache-2.0
// How near a result is to what was wanted: PSNR and SSIM of brightness.
'use strict';
const sharp = require('sharp');

// Brightness of each frame (ITU-R BT.601).
async function brightness(file) {
  const { pages } = await sharp(file).metadata();
  const frames = [];
  for (let page = 0; page < (pages ?? 1); page++) {
    const { data, info } = await sharp(file, { page }).removeAlpha().toColourspace('srgb').raw()
      .toBuffer({ resolveWithObject: true });
    const light = new Float64Array(info.width * info.height);
    for (let i = 0; i < light.length; i++) {
      light[i] = 0.299 * data[3 * i] + 0.587 * data[3 * i + 1] + 0.114 * data[3 * i + 2];
    }
    frames.push({ light, width: info.width, height: info.height });
  }
  return frames;
}

function squaredError(a, b) {
  let sum = 0;
  for (let i = 0; i < a.light.length; i++) sum += (a.light[i] - b.light[i]) ** 2;
  return sum / a.light.length;
}

// SSIM of squares of 8 by 8, every 4 pixels.
function similarity(a, b) {
  const [c1, c2] = [(0.01 * 255) ** 2, (0.03 * 255) ** 2];
  let [total, count] = [0, 0];
  for (let top = 0; top + 8 <= a.height; top += 4) {
    for (let left = 0; left + 8 <= a.width; left += 4) {
      let [sa, sb, saa, sbb, sab] = [0, 0, 0, 0, 0];
      for (let y = top; y < top + 8; y++) {
        for (let x = left; x < left + 8; x++) {
          const [p, q] = [a.light[y * a.width + x], b.light[y * a.width + x]];
          sa += p; sb += q; saa += p * p; sbb += q * q; sab += p * q;
        }
      }
      const [ma, mb] = [sa / 64, sb / 64];
      const [va, vb, vab] = [saa / 64 - ma * ma, sbb / 64 - mb * mb, sab / 64 - ma * mb];
      total += ((2 * ma * mb + c1) * (2 * vab + c2)) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
      count += 1;
    }
  }
  return total / count;
}

// Of a file's frames against the files of the frames that are wanted.
async function quality(file, wanted) {
  const found = await brightness(file);
  if (found.length !== wanted.length) throw new Error(`${file}: ${found.length} frames for ${wanted.length}`);
  let [error, ssim] = [0, 0];
  for (const [index, frame] of found.entries()) {
    const [other] = await brightness(wanted[index]);
    if (other.width !== frame.width || other.height !== frame.height) throw new Error(`${file}: another size`);
    error += squaredError(frame, other) / found.length;
    ssim += similarity(frame, other) / found.length;
  }
  return { psnr: 10 * Math.log10(255 ** 2 / error), ssim };
}

module.exports = { quality };
