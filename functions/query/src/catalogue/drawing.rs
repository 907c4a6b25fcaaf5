//! What is drawn of an answer.

use chrono::{DateTime, Utc};

use super::{Drawing, Grid};
use crate::charts::{self, Series};

/// The most bars and lines that can be told apart.
const MOST_BARS: usize = 24;
const MOST_LINES: usize = 8;
/// The longest name below a bar, in characters.
const LONGEST_NAME: usize = 24;

/// Where a chart is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paper {
    /// A page, whose style sheet chooses between a wide and a narrow one.
    Page,
    /// A file of its own.
    File,
}

/// The chart of an answer as SVG; none where nothing suits it, or where there is nothing to draw.
pub(crate) fn draw(drawing: Drawing, grid: &Grid, paper: Paper) -> Option<String> {
    match drawing {
        Drawing::None => None,
        Drawing::Bars {
            names,
            value,
            x_axis,
            y_axis,
        } => {
            let bars = bars(grid, names, value);
            let draw = match paper {
                Paper::Page => charts::bars_figure,
                Paper::File => charts::bars,
            };
            (!bars.is_empty()).then(|| {
                let title = format!("{} by {}", subject(y_axis), x_axis.to_lowercase());
                draw(&title, x_axis, y_axis, &bars)
            })
        }
        Drawing::Lines {
            series,
            time,
            value,
            y_axis,
        } => {
            let lines = lines(grid, series, time, value);
            let drawable = lines.iter().any(|line| line.points.len() > 1);
            let draw = match paper {
                Paper::Page => charts::lines_figure,
                Paper::File => charts::lines,
            };
            drawable.then(|| draw(&format!("{} over time", subject(y_axis)), y_axis, &lines))
        }
    }
}

/// An axis' name without its unit.
fn subject(axis: &str) -> &str {
    axis.split_once(',').map_or(axis, |(subject, _)| subject)
}

fn bars(grid: &Grid, names: &[&str], value: &str) -> Vec<(String, f64)> {
    let rows = (0..grid.rows.len()).take(MOST_BARS);
    rows.filter_map(|row| {
        let parts: Vec<&str> = names
            .iter()
            .map(|name| grid.text(row, name).unwrap_or("unknown"))
            .collect();
        Some((short(&parts.join(", ")), grid.number(row, value)?))
    })
    .collect()
}

fn lines(grid: &Grid, series: &str, time: &str, value: &str) -> Vec<Series> {
    let mut lines: Vec<Series> = Vec::new();
    for row in 0..grid.rows.len() {
        let point = || {
            let time: DateTime<Utc> = grid.text(row, time)?.parse().ok()?;
            Some((grid.text(row, series)?, time, grid.number(row, value)?))
        };
        let Some((name, time, value)) = point() else {
            continue;
        };
        let at = lines.iter().position(|line| line.name == name);
        match at {
            Some(at) => lines[at].points.push((time, value)),
            None if lines.len() < MOST_LINES => lines.push(Series {
                name: name.to_owned(),
                points: vec![(time, value)],
            }),
            None => {}
        }
    }
    for line in &mut lines {
        line.points.sort_by_key(|(time, _)| *time);
    }
    lines
}

fn short(name: &str) -> String {
    if name.chars().count() <= LONGEST_NAME {
        return name.to_owned();
    }
    let start: String = name.chars().take(LONGEST_NAME - 1).collect();
    format!("{start}…")
}
