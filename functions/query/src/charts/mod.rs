//! Charts as SVG text: bars, lines over time, sparklines; with axes, units and a title that says what is seen.
//!
//! Ink is `currentColor` and the colours of series stand out on white and on near black, so a chart is at home in
//! light and dark without a style sheet. All text is escaped. Nothing in them needs a `style` attribute.

mod axis;
mod bars;
mod canvas;
mod lines;
mod sparkline;

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};

pub(crate) use canvas::{Frame, NARROW, WIDE};
pub(crate) use sparkline::sparkline;

/// One line of a chart over time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    /// What it is, for the legend.
    pub(crate) name: String,
    /// Its points, by time.
    pub(crate) points: Vec<(DateTime<Utc>, f64)>,
}

/// Horizontal bars, one a category in the given order; `x_axis` names the categories, `y_axis` the number and its unit.
pub(crate) fn bars(title: &str, x_axis: &str, y_axis: &str, values: &[(String, f64)]) -> String {
    bars::draw(WIDE, title, x_axis, y_axis, values)
}

/// Lines over time, at most eight of them; `y_axis` names the number and its unit.
pub(crate) fn lines(title: &str, y_axis: &str, series: &[Series]) -> String {
    lines::draw(WIDE, title, y_axis, series)
}

/// [`bars`] for wide screens and for phones; the style sheet shows one of the two.
pub(crate) fn bars_figure(
    title: &str,
    x_axis: &str,
    y_axis: &str,
    values: &[(String, f64)],
) -> String {
    figure(|frame| bars::draw(frame, title, x_axis, y_axis, values))
}

/// [`lines`] for wide screens and for phones; the style sheet shows one of the two.
pub(crate) fn lines_figure(title: &str, y_axis: &str, series: &[Series]) -> String {
    figure(|frame| lines::draw(frame, title, y_axis, series))
}

fn figure(draw: impl Fn(Frame) -> String) -> String {
    format!(
        "<div class=\"figure\"><div class=\"wide\">{}</div><div class=\"narrow\">{}</div></div>",
        draw(WIDE),
        draw(NARROW)
    )
}
