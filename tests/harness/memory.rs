//! What processes have in memory.

use crate::stack::Stack;

/// No process of the system may ever have more resident than this, whatever is sent to it: MiB.
///
/// It is what Lambda gives to these functions; the query function, which has more and a budget of its own for
/// statements, is not among them.
pub const MOST: u64 = 512;

/// The most memory that a process ever had resident, in MiB; `None` for one that has ended.
pub fn peak(pid: i32) -> Option<u64> {
    Some(kib(pid, "VmHWM:")? / 1024)
}

/// What a process has for its data, in bytes, resident or not; `None` for one that has ended.
pub fn data(pid: i32) -> Option<u64> {
    Some(kib(pid, "VmData:")? * 1024)
}

fn kib(pid: i32, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(field))?;
    value.trim().trim_end_matches(" kB").parse().ok()
}

/// Asserts that the runner and every function but `query` stayed within [`MOST`]; answers the peaks, for the report.
pub fn assert_bounded(stack: &Stack) -> Vec<(String, u64)> {
    let run = stack.run_now().expect("it runs");
    let functions = run.functions.iter().filter(|(name, _)| *name != "query");
    let functions =
        functions.flat_map(|(name, found)| found.pids.iter().map(move |pid| (name.as_str(), *pid)));
    let peaks: Vec<_> = std::iter::once(("runner", run.pid))
        .chain(functions)
        .filter_map(|(name, pid)| Some((name.to_owned(), peak(pid)?)))
        .collect();
    assert!(!peaks.is_empty());
    assert!(
        peaks.iter().all(|(_, peak)| *peak <= MOST),
        "more than {MOST} MiB resident: {peaks:?}"
    );
    peaks
}
