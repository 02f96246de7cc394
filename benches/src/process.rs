// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs run to their end, with wall clock and CPU time.

use std::collections::HashMap;
use std::process::{Command, Output, Stdio};
use std::time::Instant;

/// What a run cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Seconds from start to end.
    pub wall_s: f64,
    /// User and system seconds of the whole process tree.
    pub cpu_s: f64,
}

/// The command as one would type it, home folders and all.
#[must_use]
pub fn shown(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let name = program.rsplit('/').next().unwrap_or_default().to_owned();
    let args = command.get_args().map(|a| a.to_string_lossy().into_owned());
    std::iter::once(name)
        .chain(args)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs a command; gives what it printed.
///
/// # Errors
/// A text with the command and what it wrote to standard error.
pub fn run(command: &mut Command) -> Result<Output, String> {
    let text = shown(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("{text}: {e}"))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{text}: {}: {}", output.status, said.trim()))
}

/// Runs a command and gives what it cost. Only one may run at a time: CPU time
/// is that of all children that have ended meanwhile.
///
/// # Errors
/// As [`run`].
pub fn metered(command: &mut Command) -> Result<Cost, String> {
    let before = children_cpu_s()?;
    let start = Instant::now();
    run(command)?;
    let wall_s = start.elapsed().as_secs_f64();
    let cpu_s = children_cpu_s()? - before;
    Ok(Cost { wall_s, cpu_s })
}

/// Seconds of a clock tick: Linux gives user space 10 ms on every architecture.
pub const TICK_S: f64 = 0.01;

/// User and system seconds of all ended and awaited children, theirs included.
fn children_cpu_s() -> Result<f64, String> {
    let stat = std::fs::read_to_string("/proc/self/stat").map_err(|e| e.to_string())?;
    let times = Times::of(&stat).ok_or("/proc/self/stat: not as expected")?;
    Ok(times.children_s)
}

/// User and system seconds of this process, and of all that it has started, ended or not.
///
/// # Errors
/// The system's.
pub fn tree_cpu_s() -> Result<f64, String> {
    let all = std::fs::read_dir("/proc").map_err(|e| e.to_string())?;
    let stats = all.flatten().filter_map(|process| {
        let pid: u32 = process.file_name().to_str()?.parse().ok()?;
        // It may have ended meanwhile.
        let stat = std::fs::read_to_string(process.path().join("stat")).ok()?;
        Some((pid, Times::of(&stat)?))
    });
    let processes: HashMap<u32, Times> = stats.collect();
    let ours = |mut pid: u32| loop {
        match processes.get(&pid) {
            _ if pid == std::process::id() => return true,
            Some(times) => pid = times.parent,
            None => return false,
        }
    };
    let tree = processes.iter().filter(|(pid, _)| ours(**pid));
    Ok(tree.map(|(_, times)| times.own_s + times.children_s).sum())
}

/// What `/proc/PID/stat` tells.
struct Times {
    parent: u32,
    own_s: f64,
    children_s: f64,
}

impl Times {
    fn of(stat: &str) -> Option<Self> {
        // The second field is a name in brackets that may hold anything; the parent is the
        // fourth, utime the 14th.
        let after = stat.rsplit(')').next()?;
        let fields: Vec<&str> = after.split_whitespace().collect();
        let ticks = |n: usize| fields.get(n)?.parse::<f64>().ok();
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            own_s: (ticks(11)? + ticks(12)?) * TICK_S,
            children_s: (ticks(13)? + ticks(14)?) * TICK_S,
        })
    }
}

/// The middle of the values; 0 of none.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_childs_time_is_counted() {
        let loops = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
        let cost = metered(Command::new("sh").args(["-c", loops])).unwrap();
        assert!(
            cost.cpu_s > 0.0 && cost.cpu_s < cost.wall_s + 0.1,
            "{cost:?}"
        );
        assert!(metered(&mut Command::new("false")).is_err());
    }

    #[test]
    fn what_was_started_is_counted_while_it_runs() {
        let before = tree_cpu_s().unwrap();
        let mut child = Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(300));
        let with_child = tree_cpu_s().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(with_child > before, "{before} {with_child}");
        assert!(crate::machine::busy_s().unwrap() > with_child - before);
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
