//! What this machine is and gives to a process.

use rustix::process::{Resource, getrlimit};

/// Returns this machine's name, for a person to read.
pub(crate) fn host() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "unknown".to_owned() } else { name }
}

/// Returns how many cores this process may use.
pub(crate) fn cores() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    u32::try_from(cores).unwrap_or(u32::MAX)
}

/// Returns the machine's memory in bytes; 0 where the system does not tell.
pub(crate) fn mem_bytes() -> u64 {
    #[cfg(target_os = "linux")]
    {
        let info = rustix::system::sysinfo();
        let (total, unit): (u64, u64) = (info.totalram, info.mem_unit.into());
        total.saturating_mul(unit)
    }
    #[cfg(not(target_os = "linux"))]
    0
}

/// Returns how many files and sockets a process may have open: the hard limit, to which a node raises its own.
pub(crate) fn open_files() -> Option<u64> {
    getrlimit(Resource::Nofile).maximum
}
