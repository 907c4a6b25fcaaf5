//! Watches the memory that memory pools do not count: what the process really holds.

use std::time::Duration;

/// How often the process's size is looked at.
const INTERVAL: Duration = Duration::from_millis(20);

/// Ends when the process has grown by more than `growth` bytes since the call; never where its size cannot be read.
pub(crate) async fn outgrown(growth: usize) {
    let Some(start) = resident() else {
        return std::future::pending().await;
    };
    let mut interval = tokio::time::interval(INTERVAL);
    loop {
        interval.tick().await;
        if resident().is_some_and(|now| now > start.saturating_add(growth)) {
            return;
        }
    }
}

/// Bytes of the process in memory, where the system tells.
pub(crate) fn resident() -> Option<usize> {
    const PAGE: usize = 4096;
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * PAGE)
}
