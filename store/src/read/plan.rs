// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which ranges to fetch so that a list of extents costs few requests and few unwanted bytes.

use std::ops::Range;

/// A stretch of bytes in a blob.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Extent {
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub len: u64,
}

impl Extent {
    /// One past the last byte (at most `u64::MAX`).
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(self.len)
    }
}

/// How extents are joined into fetches. Sizes are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtentOptions {
    /// Extents this far apart or nearer may share a fetch.
    pub max_gap: u64,
    /// The most that one fetch has, unless a single extent is larger.
    pub max_fetch: u64,
}

impl Default for ExtentOptions {
    /// Gaps up to 64 KiB, fetches up to 4 MiB.
    fn default() -> Self {
        Self {
            max_gap: 64 << 10,
            max_fetch: 4 << 20,
        }
    }
}

/// One request, and the extents that it serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Bytes to fetch; empty where all its extents are.
    pub range: Range<u64>,
    /// Indexes of the extents that lie within.
    pub extents: Range<usize>,
}

/// The unwanted bytes that a plan may fetch: a tenth of the wanted ones and 64 KiB.
fn slack(wanted: u64) -> u64 {
    wanted / 10 + (64 << 10)
}

/// Fetches that serve every extent in the order given, whatever that order is.
///
/// Each fetch serves neighbours in the list. In all, the fetches exceed the sum of the extents'
/// lengths by at most a tenth and 64 KiB; the narrowest gaps get that budget first, since each
/// of them saves one request whatever its width. Extents that touch or overlap cost none of it.
pub fn plan_fetches(extents: &[Extent], options: &ExtentOptions) -> Vec<Fetch> {
    let joinable = joinable(extents, options);
    let mut fetches: Vec<Fetch> = Vec::new();
    for (index, extent) in extents.iter().enumerate() {
        if let Some(fetch) = fetches.last_mut() {
            let joined = join(&fetch.range, extent);
            let free = extent.len == 0 || gap(&fetch.range, extent) == 0;
            let small = joined.end - joined.start <= options.max_fetch || joined == fetch.range;
            if small && (free || joinable[index]) {
                fetch.range = joined;
                fetch.extents.end = index + 1;
                continue;
            }
        }
        fetches.push(Fetch {
            range: extent.offset..extent.end(),
            extents: index..index + 1,
        });
    }
    fetches
}

/// For every extent, whether the gap between it and the one before may be fetched too.
fn joinable(extents: &[Extent], options: &ExtentOptions) -> Vec<bool> {
    let wanted = extents
        .iter()
        .fold(0u64, |sum, extent| sum.saturating_add(extent.len));
    // An empty extent has no place of its own: gaps are between those around it.
    let mut gaps = Vec::new();
    let mut before: Option<Range<u64>> = None;
    for (index, extent) in extents.iter().enumerate().filter(|(_, e)| e.len > 0) {
        if let Some(before) = before {
            gaps.push((gap(&before, extent), index));
        }
        before = Some(extent.offset..extent.end());
    }
    gaps.retain(|(gap, _)| *gap <= options.max_gap);
    gaps.sort_unstable();
    let mut budget = slack(wanted);
    let mut joinable = vec![false; extents.len()];
    for (gap, index) in gaps {
        let Some(rest) = budget.checked_sub(gap) else {
            break;
        };
        budget = rest;
        joinable[index] = true;
    }
    joinable
}

/// Bytes between a range and an extent on either side of it; none where either is empty.
fn gap(range: &Range<u64>, extent: &Extent) -> u64 {
    if range.is_empty() || extent.len == 0 {
        return 0;
    }
    let ahead = extent.offset.saturating_sub(range.end);
    ahead.max(range.start.saturating_sub(extent.end()))
}

/// The smallest range that covers both; empty ones count for nothing.
fn join(range: &Range<u64>, extent: &Extent) -> Range<u64> {
    if extent.len == 0 {
        return range.clone();
    }
    if range.is_empty() {
        return extent.offset..extent.end();
    }
    range.start.min(extent.offset)..range.end.max(extent.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extents(list: &[(u64, u64)]) -> Vec<Extent> {
        let extent = |&(offset, len)| Extent { offset, len };
        list.iter().map(extent).collect()
    }

    fn ranges(list: &[(u64, u64)]) -> Vec<(u64, u64)> {
        let fetches = plan_fetches(&extents(list), &ExtentOptions::default());
        fetches
            .into_iter()
            .map(|fetch| (fetch.range.start, fetch.range.end))
            .collect()
    }

    #[test]
    fn neighbours_share_a_fetch_in_any_order() {
        assert_eq!(ranges(&[(0, 10), (10, 5), (20, 5)]), [(0, 25)]);
        assert_eq!(ranges(&[(20, 5), (10, 5), (0, 10)]), [(0, 25)]);
        assert_eq!(ranges(&[(5, 5), (7, 1), (0, 0), (5, 5)]), [(5, 10)]);
        assert_eq!(ranges(&[(0, 0), (7, 0), (9, 4)]), [(9, 13)]);
        assert_eq!(ranges(&[]), []);
    }

    #[test]
    fn far_extents_do_not() {
        assert_eq!(ranges(&[(0, 1), (65_537, 1)]), [(0, 65_538)]);
        assert_eq!(ranges(&[(0, 1), (65_538, 1)]), [(0, 1), (65_538, 65_539)]);
    }

    #[test]
    fn fetches_are_bounded_unless_one_extent_is_not() {
        let big = 5 << 20;
        let got = ranges(&[(0, 3 << 20), (3 << 20, 3 << 20), (0, big), (big, 1)]);
        assert_eq!(
            got,
            [(0, 3 << 20), (3 << 20, 6 << 20), (0, big), (big, big + 1)]
        );
    }

    #[test]
    fn the_narrowest_gaps_get_the_budget() {
        // A budget of 64 KiB pays for 60,000 + 4 × 1,000 bytes, but not for both wide gaps.
        let got = ranges(&[
            (0, 1),
            (60_001, 1),
            (120_002, 1),
            (121_003, 1),
            (122_004, 1),
            (123_005, 1),
            (124_006, 1),
        ]);
        assert_eq!(got, [(0, 60_002), (120_002, 124_007)]);
    }
}
