// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signatures of paths: HMAC-SHA-256 over salt and path, in base64.

use std::fmt;

use base64::Engine;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::error::UrlError;
use super::source::URL_SAFE;

/// Bytes of a whole signature.
const WHOLE: usize = 32;

/// A key and its salt; the two are secret, and `Debug` leaves them out.
#[derive(Clone)]
struct Pair {
    key: Vec<u8>,
    salt: Vec<u8>,
}

/// The keys that signatures are made and checked with. Without any, every signature passes.
#[derive(Clone)]
pub struct Keys {
    pairs: Vec<Pair>,
    trusted: Vec<String>,
    size: usize,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            pairs: Vec::new(),
            trusted: Vec::new(),
            size: WHOLE,
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("pairs", &self.pairs.len())
            .field("trusted", &self.trusted.len())
            .field("size", &self.size)
            .finish()
    }
}

/// Why keys cannot be used. Says nothing of what they are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A key or a salt is not hexadecimal.
    #[error("{what} number {number} is not hexadecimal")]
    Hex {
        /// `key` or `salt`.
        what: &'static str,
        /// Which one, from 1.
        number: usize,
    },
    /// There are more of the one than of the other.
    #[error("there are {keys} keys and {salts} salts")]
    Count {
        /// How many keys.
        keys: usize,
        /// How many salts.
        salts: usize,
    },
    /// Signatures have 1 to 32 bytes.
    #[error("signatures of {size} bytes: 1 to 32 are possible")]
    Size {
        /// The size asked for, in bytes.
        size: usize,
    },
}

impl Keys {
    /// Keys and salts as lists of hexadecimal texts, the first key with the first salt; what is
    /// signed with any pair is valid, and new signatures are made with the first.
    ///
    /// # Errors
    /// [`KeyError::Count`], [`KeyError::Hex`].
    pub fn from_hex(keys: &[&str], salts: &[&str]) -> Result<Self, KeyError> {
        if keys.len() != salts.len() {
            return Err(KeyError::Count {
                keys: keys.len(),
                salts: salts.len(),
            });
        }
        let read = |what, number, text| hex(text).ok_or(KeyError::Hex { what, number });
        let mut pairs = Vec::new();
        for (index, (key, salt)) in keys.iter().zip(salts).enumerate() {
            pairs.push(Pair {
                key: read("key", index + 1, key)?,
                salt: read("salt", index + 1, salt)?,
            });
        }
        Ok(Self {
            pairs,
            ..Self::default()
        })
    }

    /// Makes signatures the first `size` bytes of the HMAC.
    ///
    /// # Errors
    /// [`KeyError::Size`] unless it is 1 to 32.
    pub fn with_size(mut self, size: usize) -> Result<Self, KeyError> {
        if !(1..=WHOLE).contains(&size) {
            return Err(KeyError::Size { size });
        }
        self.size = size;
        Ok(self)
    }

    /// Lets paths pass that have one of these texts for a signature.
    #[must_use]
    pub fn with_trusted(mut self, trusted: Vec<String>) -> Self {
        self.trusted = trusted;
        self
    }

    /// Whether there are no keys, so that every signature passes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The signature of `path`, which is all behind the signature's place, with its first slash.
    /// `None` without keys.
    #[must_use]
    pub fn sign(&self, path: &str) -> Option<String> {
        let pair = self.pairs.first()?;
        Some(URL_SAFE.encode(&self.digest(pair, path)[..self.size]))
    }

    /// Passes what is signed with any pair of keys, trusted, or anything where there are no keys.
    /// Takes as long for wrong bytes at the end as at the start.
    ///
    /// # Errors
    /// [`UrlError::Signature`].
    pub fn verify(&self, signature: &str, path: &str) -> Result<(), UrlError> {
        if self.pairs.is_empty() {
            return Ok(());
        }
        let trusted = self.trusted.iter().fold(0, |found, text| {
            found | text.as_bytes().ct_eq(signature.as_bytes()).unwrap_u8()
        });
        if trusted == 1 {
            return Ok(());
        }
        let given = URL_SAFE
            .decode(signature)
            .map_err(|_| UrlError::Signature {
                reason: "is no base64 without padding",
            })?;
        let found = self.pairs.iter().fold(0, |found, pair| {
            let right = &self.digest(pair, path)[..self.size];
            found | right.ct_eq(&given).unwrap_u8()
        });
        if found == 1 {
            Ok(())
        } else {
            Err(UrlError::Signature {
                reason: "does not fit the path",
            })
        }
    }

    fn digest(&self, pair: &Pair, path: &str) -> [u8; WHOLE] {
        // HMAC takes keys of any length; the type only knows that for the general case.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&pair.key) else {
            unreachable!("HMAC takes keys of any length")
        };
        mac.update(&pair.salt);
        mac.update(path.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let bytes = text.as_bytes();
    if !bytes.len().is_multiple_of(2) {
        return None;
    }
    bytes
        .chunks_exact(2)
        .map(|pair| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to_hex(text: &str) -> String {
        text.bytes().map(|byte| format!("{byte:02x}")).collect()
    }

    fn keys(pairs: &[(&str, &str)]) -> Keys {
        let keys: Vec<String> = pairs.iter().map(|pair| to_hex(pair.0)).collect();
        let salts: Vec<String> = pairs.iter().map(|pair| to_hex(pair.1)).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let salts: Vec<&str> = salts.iter().map(String::as_str).collect();
        Keys::from_hex(&keys, &salts).unwrap()
    }

    const VECTORS: [(&str, &str, &str, &str); 2] = [
        (
            "secret",
            "hello",
            "/rs:fill:300:400:0/g:sm/aHR0cDovL2V4YW1w/bGUuY29tL2ltYWdl/cy9jdXJpb3NpdHku/anBn.png",
            "oKfUtW34Dvo2BGQehJFR4Nr0_rIjOtdtzJ3QFsUcXH8",
        ),
        (
            "test-key",
            "test-salt",
            "/rs:fill:4:4/plain/local:///test1.png",
            "My9d3xq_PYpVHsPrCyww0Kh1w5KZeZhIlWhsa4az1TI",
        ),
    ];

    #[test]
    fn imgproxys_vectors() {
        for (key, salt, path, signature) in VECTORS {
            let keys = keys(&[(key, salt)]);
            assert_eq!(keys.sign(path).as_deref(), Some(signature));
            assert_eq!(keys.verify(signature, path), Ok(()));
            for wrong in [
                format!("{path}/"),
                path.to_uppercase(),
                path[1..].to_owned(),
            ] {
                assert!(keys.verify(signature, &wrong).is_err(), "{wrong}");
            }
            for wrong in ["", "A", &signature[1..], &format!("{signature}="), "unsafe"] {
                assert!(keys.verify(wrong, path).is_err(), "{wrong}");
            }
        }
    }

    #[test]
    fn any_pair_is_valid_and_the_first_one_signs() {
        let both = keys(&[("a", "b"), ("secret", "hello")]);
        assert_eq!(both.verify(VECTORS[0].3, VECTORS[0].2), Ok(()));
        let signature = both.sign("/x").unwrap();
        assert_eq!(keys(&[("a", "b")]).verify(&signature, "/x"), Ok(()));
        assert!(keys(&[("a", "c")]).verify(&signature, "/x").is_err());
    }

    #[test]
    fn signatures_can_be_cut() {
        let cut = keys(&[("secret", "hello")]).with_size(8).unwrap();
        let (_, _, path, whole) = VECTORS[0];
        let signature = cut.sign(path).unwrap();
        assert_eq!(signature.len(), 11);
        assert!(whole.starts_with(&signature[..10]));
        assert_eq!(cut.verify(&signature, path), Ok(()));
        assert!(cut.verify(whole, path).is_err());
        for size in [0, 33] {
            let error = cut.clone().with_size(size).unwrap_err();
            assert_eq!(error, KeyError::Size { size });
        }
    }

    #[test]
    fn trusted_signatures_and_absent_keys_pass() {
        let trusting = keys(&[("a", "b")]).with_trusted(vec!["tea".into()]);
        assert_eq!(trusting.verify("tea", "/x"), Ok(()));
        assert!(trusting.verify("tee", "/x").is_err());
        assert_eq!(Keys::default().verify("anything", "/x"), Ok(()));
        assert_eq!(Keys::default().sign("/x"), None);
    }

    #[test]
    fn wrong_keys_are_refused_without_being_shown() {
        let error = Keys::from_hex(&["00"], &[]).unwrap_err();
        assert_eq!(error, KeyError::Count { keys: 1, salts: 0 });
        let error = Keys::from_hex(&["00", "5ecre7"], &["00", "0"]).unwrap_err();
        assert_eq!(error.to_string(), "key number 2 is not hexadecimal");
        let debug = format!("{:?}", keys(&[("secret", "hello")]));
        assert_eq!(debug, "Keys { pairs: 1, trusted: 0, size: 32 }");
    }
}
