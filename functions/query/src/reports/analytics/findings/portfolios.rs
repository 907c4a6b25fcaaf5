//! Which portfolios gained and lost, and which moved most.

use super::{Answers, Finding, counted};
use crate::catalogue::Grid;
use crate::figures;

pub(super) fn findings(answers: &Answers) -> Vec<Finding> {
    let Some(changes) = answers.grid("portfolio-changes") else {
        return vec![Finding::unknown("portfolios")];
    };
    if changes.rows.is_empty() {
        return vec![Finding::new(
            "No portfolio has been evaluated yet.",
            "Start the exchanges; a portfolio is evaluated when every ticker it holds has a price.",
        )];
    }
    let mut findings = vec![gains(changes)];
    findings.push(match answers.grid("portfolio-statistics") {
        Some(grid) => spread(grid),
        None => Finding::unknown("how far portfolios swing"),
    });
    findings
}

fn name(grid: &Grid, row: usize) -> &str {
    grid.text(row, "portfolio").unwrap_or_default()
}

/// The rows with the lowest and the highest number of a column.
fn extremes(grid: &Grid, column: &str) -> Option<(usize, usize)> {
    let number = |row: &usize| grid.number(*row, column);
    let rows = || (0..grid.rows.len()).filter(|row| number(row).is_some());
    let by = |a: &usize, b: &usize| {
        let (a, b) = (number(a).unwrap_or_default(), number(b).unwrap_or_default());
        a.total_cmp(&b)
    };
    Some((rows().min_by(by)?, rows().max_by(by)?))
}

fn gains(grid: &Grid) -> Finding {
    let sum = |column| -> f64 {
        let rows = 0..grid.rows.len();
        rows.filter_map(|row| grid.number(row, column)).sum()
    };
    let (first, last) = (sum("first_nav"), sum("last_nav"));
    let whole = format!(
        "{} together are worth {}, {} since the first evaluations ({})",
        counted(grid.rows.len() as f64, "portfolio", "portfolios"),
        figures::fixed(last, 2),
        figures::signed(&format!("{:.2}", last - first)),
        figures::fixed(first, 2),
    );
    let moved = (0..grid.rows.len()).any(|row| grid.number(row, "windows") > Some(1.0));
    let Some((worst, best)) = extremes(grid, "gained_pct").filter(|_| moved) else {
        return Finding::new(
            format!("{whole}; none has more than one evaluation yet."),
            "Wait for more windows before anything is concluded.",
        );
    };
    let pct = |row| {
        let value = grid.number(row, "gained_pct").unwrap_or_default();
        figures::signed(&format!("{value:.2}"))
    };
    let sentence = format!(
        "{whole}; {} did best with {} %, {} worst with {} %.",
        name(grid, best),
        pct(best),
        name(grid, worst),
        pct(worst)
    );
    let advice = if last < first {
        format!(
            "The whole lost: go through the holdings of {} first.",
            name(grid, worst)
        )
    } else {
        format!(
            "The whole gained or held: ask what {} holds that {} does not.",
            name(grid, best),
            name(grid, worst)
        )
    };
    Finding::new(sentence, advice)
}

fn spread(grid: &Grid) -> Finding {
    let Some((calm, wild)) = extremes(grid, "Biggest_Spread") else {
        return Finding::unknown("how far portfolios swing");
    };
    let figure = |row| {
        figures::fixed(
            grid.number(row, "Biggest_Spread").unwrap_or_default() * 100.0,
            0,
        )
    };
    if figure(wild) == figure(calm) {
        return Finding::new(
            format!(
                "No portfolio swings more than another: {} % of the average lie between the lowest and the highest valuation of each.",
                figure(wild)
            ),
            "Nothing has to be done; look again over a longer time.",
        );
    }
    Finding::new(
        format!(
            "{} swings most: {} % of its average lie between its lowest and its highest valuation, against {} % of {}.",
            name(grid, wild),
            figure(wild),
            figure(calm),
            name(grid, calm)
        ),
        format!(
            "Whoever wants to sleep well takes from {} and adds to {}.",
            name(grid, wild),
            name(grid, calm)
        ),
    )
}
