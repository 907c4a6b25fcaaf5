//! What was measured, as a table.

use std::time::Duration;

use crate::cases::Case;
use crate::start::Start;

/// The starts of one case.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// With the program in the page cache.
    pub(crate) warm: Vec<Start>,
    /// With the program on the disk alone.
    pub(crate) cold: Vec<Start>,
}

/// Prints the table; tells whether every budget was kept.
pub(crate) fn print(rows: &[(Case, Measured)]) -> bool {
    println!();
    println!(
        "{:<10}{:<34}{:>8}{:>9}{:>9}{:>9}{:>9}{:>11}{:>10}",
        "function",
        "first answer",
        "budget",
        "median",
        "p95",
        "max",
        "ready",
        "from disk",
        "peak MiB"
    );
    let mut kept = true;
    for (case, measured) in rows {
        let answered = sorted(&measured.warm, |start| start.answered);
        let median = middle(&answered);
        let over = case.budget.is_some_and(|budget| median > budget);
        kept &= !over;
        let budget = case
            .budget
            .map_or("-".to_owned(), |budget| budget.as_millis().to_string());
        let every = measured.warm.iter().chain(&measured.cold);
        let peak = every.map(|start| start.peak).max().unwrap_or_default();
        println!(
            "{:<10}{:<34}{budget:>8}{:>9}{:>9}{:>9}{:>9}{:>11}{peak:>10}{}",
            case.function,
            case.asked,
            ms(median),
            ms(answered[(answered.len() * 95).div_ceil(100) - 1]),
            ms(answered[answered.len() - 1]),
            ms(middle(&sorted(&measured.warm, |start| start.asked))),
            ms(middle(&sorted(&measured.cold, |start| start.answered))),
            if over { "  over budget" } else { "" },
        );
    }
    kept
}

fn sorted(starts: &[Start], time: fn(&Start) -> Duration) -> Vec<Duration> {
    let mut times: Vec<Duration> = starts.iter().map(time).collect();
    times.sort_unstable();
    times
}

fn middle(sorted: &[Duration]) -> Duration {
    sorted[sorted.len() / 2]
}

fn ms(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e3)
}
