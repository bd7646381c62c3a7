//! What the generator itself uses of the machine.

use rustix::time::{ClockId, clock_gettime};

/// Returns the processor time of the calling thread, in nanoseconds.
pub(super) fn thread_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// Returns the resident memory of this process in bytes; 0 where `/proc` does not say.
pub(super) fn rss_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB"));
    kib.and_then(|kib| kib.trim().parse::<u64>().ok()).map_or(0, |kib| kib * 1_024)
}

/// Returns how many descriptors this process has open, sockets and files; 0 where `/proc` does not say.
pub(super) fn descriptors() -> u64 {
    let folder = "/proc/self/fd";
    // Since Linux 6.2 the folder's size is the number; before, it is 0 and they are counted.
    match std::fs::metadata(folder).map(|folder| folder.len()) {
        Ok(0) => std::fs::read_dir(folder).map_or(0, |entries| entries.count() as u64),
        Ok(count) => count,
        Err(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something() {
        let before = thread_cpu_ns();
        let megabyte = rss_bytes() >> 20;
        let open: Vec<_> = (0..50).map(|_| std::fs::File::open("/dev/null")).collect();
        assert!(descriptors() > open.len() as u64 || !cfg!(target_os = "linux"));
        assert!(thread_cpu_ns() > before);
        assert!(megabyte > 0 || !cfg!(target_os = "linux"));
    }
}
