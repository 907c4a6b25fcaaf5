//! A line the height of a text, without axes: the figures stand beside it.

use plotters::prelude::*;

use super::canvas::{PALETTE, SCALE, svg};

const WIDTH: i32 = 120;
const HEIGHT: i32 = 28;
const MARGIN: i32 = 3;

/// The course of some values, from the first to the last; its title tells them in words.
pub(crate) fn sparkline(values: &[f64]) -> String {
    let values: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    let (Some(first), Some(last)) = (values.first(), values.last()) else {
        return svg(
            "sparkline",
            (WIDTH, HEIGHT),
            ("nothing yet", ""),
            |_| Ok(()),
        );
    };
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let title = format!(
        "from {} to {}, between {} and {}",
        crate::figures::short(*first),
        crate::figures::short(*last),
        crate::figures::short(low),
        crate::figures::short(high)
    );
    let spread = if high > low { high - low } else { 1.0 };
    let place = |(at, value): (usize, &f64)| {
        let steps = (values.len() - 1).max(1) as f64;
        let x = f64::from(MARGIN) + at as f64 / steps * f64::from(WIDTH - 2 * MARGIN);
        let level = if high > low {
            (value - low) / spread
        } else {
            0.5
        };
        let y = f64::from(HEIGHT - MARGIN) - level * f64::from(HEIGHT - 2 * MARGIN);
        let unit = f64::from(SCALE);
        ((x * unit).round() as i32, (y * unit).round() as i32)
    };
    let points: Vec<(i32, i32)> = values.iter().enumerate().map(place).collect();
    svg("sparkline", (WIDTH, HEIGHT), (&title, ""), |area| {
        let end = points.last().copied().unwrap_or_default();
        let style = PALETTE[0].stroke_width(3 * SCALE as u32 / 2);
        area.draw(&PathElement::new(points, style))?;
        area.draw(&Circle::new(end, 5 * SCALE / 2, PALETTE[0].filled()))
    })
}
