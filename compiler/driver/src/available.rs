//! How much memory the machine has for one more process.

use std::path::Path;

/// Bytes that can be had without pushing anything else out, as the system says; `None` where it says nothing.
#[must_use]
pub fn available_memory() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(Path::new(path)).ok();
    let machine = read("/proc/meminfo").and_then(|text| of_machine(&text));
    let group = read("/sys/fs/cgroup/memory.max").zip(read("/sys/fs/cgroup/memory.current")).and_then(|(max, now)| of_group(&max, &now));
    [machine, group].into_iter().flatten().min()
}

/// `MemAvailable:   123 kB`, of Linux.
fn of_machine(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// What a container may have beyond what it has; `max` is no limit.
fn of_group(max: &str, now: &str) -> Option<u64> {
    Some(max.trim().parse::<u64>().ok()?.saturating_sub(now.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{of_group, of_machine};

    #[test]
    fn what_the_system_says_is_read() {
        assert_eq!(of_machine("MemTotal:       100 kB\nMemFree:  3 kB\nMemAvailable:     42 kB\n"), Some(43008));
        assert_eq!(of_machine("MemTotal:       100 kB\n"), None);
        assert_eq!(of_machine("MemAvailable: 18446744073709551615 kB\n"), None);
        assert_eq!((of_group("max\n", "7\n"), of_group("100\n", "7\n"), of_group("5\n", "7\n")), (None, Some(93), Some(0)));
    }
}
