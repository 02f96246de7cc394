// SPDX-License-Identifier: MIT OR Apache-2.0
//! A result as a blob: a mark, the length of a header and the header in JSON, the file, and
//! BLAKE3 over the key and all before.

use bytes::{Bytes, BytesMut};
use framemill_thumbs::Format;
use serde_json::{json, Value};

use super::{Key, Stored};

const MARK: &[u8; 8] = b"fmthumb1";
const DIGEST: usize = 32;
/// Longest header in bytes.
const MOST_HEADER: usize = 64 << 10;

/// Where the result of a key lies, below a place's prefix.
pub(super) fn name_of(key: &Key) -> String {
    let hex = blake3::Hash::from_bytes(*key).to_hex();
    format!("{}/{hex}", &hex[..2])
}

/// The key of a result that lies there.
pub(super) fn key_of(name: &str) -> Option<Key> {
    let (start, hex) = name.split_once('/')?;
    let hash = blake3::Hash::from_hex(hex).ok()?;
    hex.starts_with(start).then(|| *hash.as_bytes())
}

fn digest(key: &Key, body: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(key).update(body);
    hasher.finalize()
}

pub(super) fn write(key: &Key, result: &Stored) -> Bytes {
    let Stored {
        body,
        format,
        size,
        modified,
        instead_of,
        warnings,
    } = result;
    let mut warnings = warnings.clone();
    warnings.truncate(16);
    let header = json!({
        "format": format.extension(),
        "size": size,
        "modified": modified,
        "instead_of": instead_of.map(Format::extension),
        "warnings": warnings,
    });
    let header = header.to_string();
    let mut blob = BytesMut::with_capacity(MARK.len() + 4 + header.len() + body.len() + DIGEST);
    blob.extend_from_slice(MARK);
    blob.extend_from_slice(&(header.len() as u32).to_le_bytes());
    blob.extend_from_slice(header.as_bytes());
    blob.extend_from_slice(body);
    let digest = digest(key, &blob);
    blob.extend_from_slice(digest.as_bytes());
    blob.freeze()
}

/// The result in a blob; `None` unless every byte of it is as it was written for this key.
pub(super) fn read(key: &Key, blob: &Bytes) -> Option<Stored> {
    let end = blob.len().checked_sub(DIGEST)?;
    let (content, found) = blob.split_at(end);
    let found: [u8; DIGEST] = found.try_into().ok()?;
    if digest(key, content) != blake3::Hash::from_bytes(found) {
        return None;
    }
    let rest = content.strip_prefix(MARK)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    let header = rest.get(..length).filter(|_| length <= MOST_HEADER)?;
    let header: Value = serde_json::from_slice(header).ok()?;
    let format = |name: &str| Format::from_extension(header[name].as_str()?);
    let size = header["size"].as_array().and_then(|size| {
        let side = |at: usize| u32::try_from(size.get(at)?.as_u64()?).ok();
        Some((side(0)?, side(1)?))
    });
    let warnings = header["warnings"].as_array().into_iter().flatten();
    Some(Stored {
        body: blob.slice(MARK.len() + 4 + length..end),
        format: format("format")?,
        size,
        modified: header["modified"].as_u64(),
        instead_of: format("instead_of"),
        warnings: warnings
            .filter_map(|text| text.as_str().map(str::to_owned))
            .collect(),
    })
}
