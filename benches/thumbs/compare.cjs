// SPDX-License-Identifier: MIT OR Apache-2.0
// Thumbnails of ours, sharp's and vipsthumbnail's in turns: `compare.cjs OURS MEDIA ROUNDS COUNT`.
// `scripts/thumbs-bench.sh` prepares everything and calls it.
'use strict';
const { execFileSync, spawnSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const sharp = require('sharp');
const { quality } = require('./quality.cjs');

const CASES = [
  { name: '13.4 MP baseline JPEG to 300 px JPEG', file: 'photo13.jpg', width: 300, to: 'jpg' },
  { name: '20.4 MP baseline JPEG to 300 px WebP', file: 'photo20.jpg', width: 300, to: 'webp' },
  { name: '3.7 MP PNG, filtered, to 256 px WebP', file: 'photo3.png', width: 256, to: 'webp' },
  { name: '3.7 MP PNG, unfiltered, to 256 px WebP', file: 'plain3.png', width: 256, to: 'webp' },
  { name: 'GIF of 24 frames to 200 px animated WebP', file: 'bunny.gif', width: 200, to: 'webp', animated: true },
];
const QUALITY = 80;
const TOOLS = ['ours', 'sharp', 'vipsthumbnail'];

// Both have one thread, as ours, and no cache of results.
sharp.concurrency(1);
sharp.cache(false);
const environment = { ...process.env, VIPS_CONCURRENCY: '1' };

function bySharp(kind, bytes) {
  const picture = sharp(bytes, { animated: Boolean(kind.animated) }).resize({ width: kind.width });
  const coded = kind.to === 'jpg' ? picture.jpeg({ quality: QUALITY }) : picture.webp({ quality: QUALITY });
  return coded.toBuffer();
}

// In a process of its own: prints the CPU time of a picture in milliseconds.
async function sharpProcess(kind, file, out, count) {
  const bytes = fs.readFileSync(file);
  fs.writeFileSync(out, await bySharp(kind, bytes));
  const begun = process.cpuUsage();
  for (let i = 0; i < count; i++) await bySharp(kind, bytes);
  const used = process.cpuUsage(begun);
  if (count > 0) console.log((used.user + used.system) / 1000 / count);
}

// Arguments that make a picture once, and `count` times more where the tool tells or lets us tell
// the CPU time of those.
function command(tool, kind, setup, count) {
  const file = path.join(setup.media, kind.file);
  const out = result(tool, kind, setup);
  if (tool === 'ours') {
    const options = `w:${kind.width}/q:${QUALITY}/f:${kind.to}`;
    return [setup.ours, file, options, out, String(count)];
  }
  if (tool === 'sharp') {
    return [process.execPath, __filename, '--sharp', String(CASES.indexOf(kind)), file, out, String(count)];
  }
  const source = kind.animated ? `${file}[n=-1]` : file;
  const files = Array(count + 1).fill(source);
  return ['vipsthumbnail', '-s', `${kind.width}x`, '-o', `${path.resolve(out)}[Q=${QUALITY},strip]`, ...files];
}

function result(tool, kind, setup) {
  return path.join(setup.media, `${path.parse(kind.file).name}.${tool}.${kind.to}`);
}

// What /usr/bin/time says of a command.
function timed(format, args) {
  const run = spawnSync('/usr/bin/time', ['-f', format, ...args], { env: environment, encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`${args.join(' ')}: ${run.stderr}`);
  return run.stderr.trim().split('\n').pop().split(' ').map(Number);
}

function cpu(tool, kind, setup) {
  if (tool !== 'vipsthumbnail') {
    const [program, ...args] = command(tool, kind, setup, setup.count);
    const stdio = ['ignore', 'pipe', 'ignore'];
    return Number(execFileSync(program, args, { env: environment, encoding: 'utf8', stdio }));
  }
  const total = (count) => timed('%U %S', command(tool, kind, setup, count)).reduce((a, b) => a + b);
  return ((total(setup.count) - total(0)) * 1000) / setup.count;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// The whole source, resized by Lanczos3 without any shortcut; tools round halves of pixels apart.
function reference(kind, setup, size) {
  const file = path.join(setup.media, kind.file);
  const name = path.join(setup.media, path.parse(kind.file).name);
  if (kind.animated) {
    const out = `${name}.reference`;
    fs.rmSync(out, { recursive: true, force: true });
    fs.mkdirSync(out);
    const scale = `scale=${size.width}:${size.height}:flags=lanczos+accurate_rnd+full_chroma_int`;
    execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', file, '-vf', scale, `${out}/%03d.png`]);
    return fs.readdirSync(out).sort().map((frame) => path.join(out, frame));
  }
  const side = (field) => Number(execFileSync('vipsheader', ['-f', field, file], { encoding: 'utf8' }));
  const out = `${name}.reference.png`;
  const factors = [String(size.width / side('width')), '--vscale', String(size.height / side('height'))];
  execFileSync('vips', ['resize', file, out, ...factors, '--kernel', 'lanczos3']);
  return [out];
}

async function rows(kind, setup) {
  const times = Object.fromEntries(TOOLS.map((tool) => [tool, []]));
  for (let round = 0; round < setup.rounds; round++) {
    const turn = TOOLS.map((_, i) => TOOLS[(i + round) % TOOLS.length]);
    for (const tool of turn) times[tool].push(cpu(tool, kind, setup));
  }
  const out = [];
  for (const tool of TOOLS) {
    const [peak] = timed('%M', command(tool, kind, setup, 0));
    const file = result(tool, kind, setup);
    const { width, height, pageHeight } = await sharp(file, { animated: true }).metadata();
    const size = { width, height: pageHeight ?? height };
    const found = await quality(file, reference(kind, setup, size));
    const ratio = median(times.ours.map((ours, round) => ours / times[tool][round]));
    out.push([
      tool === 'ours' ? kind.name : '',
      tool,
      median(times[tool]).toFixed(1),
      `${Math.min(...times[tool]).toFixed(1)}–${Math.max(...times[tool]).toFixed(1)}`,
      tool === 'ours' ? '' : ratio.toFixed(2),
      `${size.width}×${size.height}`,
      fs.statSync(file).size,
      found.psnr.toFixed(2),
      found.ssim.toFixed(4),
      (peak / 1024).toFixed(1),
    ]);
  }
  return out;
}

async function main([ours, media, rounds, count]) {
  const setup = { ours, media, rounds: Number(rounds), count: Number(count) };
  const load = () => os.loadavg()[0].toFixed(1);
  const before = load();
  const table = [];
  for (const kind of CASES) table.push(...(await rows(kind, setup)));
  const vips = execFileSync('vips', ['--version'], { encoding: 'utf8' }).trim();
  console.log(`${os.cpus().length} × ${os.cpus()[0].model}, load ${before} to ${load()}`);
  console.log(`sharp ${sharp.versions.sharp} (vips ${sharp.versions.vips}); vipsthumbnail of ${vips}; node ${process.version}`);
  console.log(`medians of ${rounds} rounds of ${count} pictures, in turns; ratios are medians of pairs\n`);
  const head = ['picture', 'tool', 'CPU ms', 'least–most', 'ours ×', 'size', 'bytes', 'PSNR Y', 'SSIM Y', 'peak MiB'];
  for (const row of [head, head.map(() => '---'), ...table]) console.log(`| ${row.join(' | ')} |`);
}

const args = process.argv.slice(2);
const done = args[0] === '--sharp'
  ? sharpProcess(CASES[Number(args[1])], args[2], args[3], Number(args[4]))
  : main(args);
done.catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
