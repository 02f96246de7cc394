// SPDX-License-Identifier: MIT OR Apache-2.0
//! How much memory there is. Tasks keep nothing on disk: their inputs and outputs
//! are in stores.

use std::env;
use std::fs;

/// Bytes of memory that this worker may use: the least of what the platform, its
/// control group and the machine give; `None` where nobody says.
pub fn memory() -> Option<u64> {
    let lambda = env::var("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").ok();
    let lambda = lambda.and_then(|mib| mib.parse::<u64>().ok());
    let group = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ];
    let group = group.iter().filter_map(|path| {
        // Without a limit there is a word, or a number that no machine has.
        let text = fs::read_to_string(path).ok()?;
        text.trim().parse::<u64>().ok()
    });
    let machine = fs::read_to_string("/proc/meminfo").ok();
    let machine = machine.and_then(|text| total(&text));
    let limits = lambda.map(|mib| mib << 20).into_iter();
    limits.chain(group).chain(machine).min()
}

/// `MemTotal` of `/proc/meminfo`, in bytes.
fn total(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|l| l.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_says() {
        assert_eq!(
            total("MemTotal:       16384 kB\nMemFree: 1 kB"),
            Some(16 << 20)
        );
        assert_eq!(total("MemFree: 1 kB"), None);
    }
}
