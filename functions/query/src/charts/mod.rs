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

use canvas::{BENCH, Frame, MEDIUM, NARROW, PLAIN, WIDE};

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
    bars::draw(PLAIN, title, x_axis, y_axis, values)
}

/// Lines over time, at most eight of them; `y_axis` names the number and its unit.
pub(crate) fn lines(title: &str, y_axis: &str, series: &[Series]) -> String {
    lines::draw(PLAIN, title, y_axis, series)
}

/// [`bars`] over the whole width of a page, drawn for desks and phones; the style sheet shows one of them.
pub(crate) fn bars_figure(
    title: &str,
    x_axis: &str,
    y_axis: &str,
    values: &[(String, f64)],
) -> String {
    figure(&WHOLE, |frame| {
        bars::draw(frame, title, x_axis, y_axis, values)
    })
}

/// [`bars_figure`] beside something else.
pub(crate) fn bars_half(
    title: &str,
    x_axis: &str,
    y_axis: &str,
    values: &[(String, f64)],
) -> String {
    figure(&HALF, |frame| {
        bars::draw(frame, title, x_axis, y_axis, values)
    })
}

/// [`lines`] over the whole width of a page, drawn for desks and phones; the style sheet shows one of them.
pub(crate) fn lines_figure(title: &str, y_axis: &str, series: &[Series]) -> String {
    figure(&WHOLE, |frame| lines::draw(frame, title, y_axis, series))
}

/// [`bars_figure`] over most of a page.
pub(crate) fn bars_most(
    title: &str,
    x_axis: &str,
    y_axis: &str,
    values: &[(String, f64)],
) -> String {
    figure(&MOST, |frame| {
        bars::draw(frame, title, x_axis, y_axis, values)
    })
}

/// [`lines_figure`] over most of a page.
pub(crate) fn lines_most(title: &str, y_axis: &str, series: &[Series]) -> String {
    figure(&MOST, |frame| lines::draw(frame, title, y_axis, series))
}

/// The widths that a chart is drawn in, and the class by which the style sheet chooses.
struct Widths {
    class: &'static str,
    frames: &'static [(&'static str, Frame)],
}

static WHOLE: Widths = Widths {
    class: "whole",
    frames: &[("wide", WIDE), ("medium", MEDIUM), ("narrow", NARROW)],
};

static MOST: Widths = Widths {
    class: "whole",
    frames: &[("wide", BENCH), ("medium", MEDIUM), ("narrow", NARROW)],
};

static HALF: Widths = Widths {
    class: "half",
    frames: &[("medium", MEDIUM), ("narrow", NARROW)],
};

fn figure(widths: &Widths, draw: impl Fn(Frame) -> String) -> String {
    let drawn: String = widths
        .frames
        .iter()
        .map(|(name, frame)| format!("<div class=\"{name}\">{}</div>", draw(*frame)))
        .collect();
    format!("<div class=\"figure {}\">{drawn}</div>", widths.class)
}
