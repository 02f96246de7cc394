// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was used latest, up to a number of bytes.

use std::borrow::Borrow;
use std::hash::Hash;

use lru::LruCache;

/// Values by key, of which those that have not been used for longest leave first.
#[derive(Debug)]
pub struct Shelf<K: Hash + Eq, V> {
    held: LruCache<K, (V, u64)>,
    bytes: u64,
    most: u64,
}

impl<K: Hash + Eq + Clone, V> Shelf<K, V> {
    /// An empty one for `most` bytes.
    #[must_use]
    pub fn new(most: u64) -> Self {
        Self {
            held: LruCache::unbounded(),
            bytes: 0,
            most,
        }
    }

    /// Bytes of what is held.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// A value, which counts as used now.
    pub fn get<Q>(&mut self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.held.get(key).map(|held| &held.0)
    }

    /// The bytes that a value was put with.
    #[must_use]
    pub fn weight(&self, key: &K) -> Option<u64> {
        self.held.peek(key).map(|held| held.1)
    }

    /// Holds a value of so many bytes; gives the keys of those that had to leave for it, its own
    /// where it is larger than all there is.
    pub fn put(&mut self, key: K, value: V, bytes: u64) -> Vec<K> {
        self.remove(&key);
        if bytes > self.most {
            return vec![key];
        }
        self.held.push(key, (value, bytes));
        self.bytes += bytes;
        let mut left = Vec::new();
        while self.bytes > self.most {
            let Some((key, (_, bytes))) = self.held.pop_lru() else {
                break;
            };
            self.bytes -= bytes;
            left.push(key);
        }
        left
    }

    /// Lets go of a value.
    pub fn remove(&mut self, key: &K) {
        if let Some((_, bytes)) = self.held.pop(key) {
            self.bytes -= bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_leaves_first() {
        let mut shelf = Shelf::new(10);
        assert!(shelf.put('a', 1, 4).is_empty());
        assert!(shelf.put('b', 2, 4).is_empty());
        assert_eq!(shelf.get(&'a'), Some(&1));
        assert_eq!(shelf.put('c', 3, 4), ['b']);
        assert_eq!((shelf.bytes(), shelf.get(&'b')), (8, None));
        assert!(shelf.put('a', 5, 6).is_empty());
        assert_eq!((shelf.bytes(), shelf.weight(&'a')), (10, Some(6)));
        assert_eq!(shelf.put('d', 0, 11), ['d']);
        assert_eq!(shelf.put('e', 0, 10), ['c', 'a']);
        shelf.remove(&'e');
        assert_eq!(shelf.bytes(), 0);
    }
}
