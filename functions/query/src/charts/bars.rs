//! Horizontal bars: room for long names, and the number beside each bar.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::axis::Numbers;
use super::canvas::{
    Drawn, Frame, LABEL, PALETTE, SCALE, Type, cut, ink, svg, text_width, wrap, write,
};

const TITLE: Type = Type {
    size: 14,
    bold: true,
    opacity: 1.0,
    ..LABEL
};
const LINE: i32 = 19;
const ROW: i32 = 24;
const BAR: i32 = 16;
const BOTTOM: i32 = 42;

pub(super) fn draw(
    frame: Frame,
    title: &str,
    x_axis: &str,
    y_axis: &str,
    values: &[(String, f64)],
) -> String {
    let finite = |value: f64| if value.is_finite() { value } else { 0.0 };
    let values: Vec<(&str, f64)> = values
        .iter()
        .map(|(name, value)| (name.as_str(), finite(*value)))
        .collect();
    if values.is_empty() {
        let empty = format!("{title}: nothing yet");
        return svg("chart", (frame.width, LINE * 2), (title, &empty), |area| {
            write(area, &empty, (0, LINE * SCALE), LABEL)
        });
    }
    let (low, high) = values
        .iter()
        .fold((0.0f64, 0.0f64), |(low, high), (_, value)| {
            (low.min(*value), high.max(*value))
        });
    let title_lines = wrap(title, frame.width, TITLE.size);
    let names = |limit: i32| {
        let widths = values.iter().map(|(name, _)| text_width(name, LABEL.size));
        widths.max().unwrap_or(0).min(limit)
    };
    let left = names(frame.width * 36 / 100) + 10;
    let numbers = Numbers::covering(low, high, if frame.width > 500 { 5 } else { 3 });
    // The longest bar ends where the picture does; a scale to the next round number would leave room for nothing.
    let first = if low < 0.0 { low } else { numbers.first };
    let last = if high > 0.0 { high } else { numbers.last };
    let figures = values
        .iter()
        .map(|(_, value)| text_width(&crate::figures::beside(*value), LABEL.size));
    let right = figures.max().unwrap_or(0) + 10;
    let top = title_lines.len() as i32 * LINE + LINE + 8;
    let bottom = top + values.len() as i32 * ROW;
    let described: Vec<String> = values
        .iter()
        .map(|(name, value)| format!("{name} {}", crate::figures::short(*value)))
        .collect();
    let description = format!("{y_axis} by {x_axis}: {}", described.join(", "));
    let size = (frame.width, bottom + BOTTOM);
    svg("chart", size, (title, &description), |area| -> Drawn {
        for (row, line) in title_lines.iter().enumerate() {
            write(area, line, (0, (row as i32 * LINE + 10) * SCALE), TITLE)?;
        }
        write(area, x_axis, (0, (top - 14) * SCALE), LABEL)?;
        let chart = ChartBuilder::on(area)
            .margin_top(top * SCALE)
            .margin_left(left * SCALE)
            .margin_bottom(BOTTOM * SCALE)
            .margin_right(right * SCALE)
            .build_cartesian_2d(first..last, 0.0..values.len() as f64)?;
        for tick in numbers.ticks() {
            if tick < first || tick > last {
                continue;
            }
            let (x, _) = chart.backend_coord(&(tick, 0.0));
            let weight = if tick == 0.0 { 0.4 } else { 0.13 };
            let ends = [(x, top * SCALE), (x, bottom * SCALE)];
            area.draw(&PathElement::new(
                ends,
                ink(weight).stroke_width(SCALE as u32),
            ))?;
            let middle = Type {
                anchor: HPos::Center,
                ..LABEL
            };
            let label = numbers.label(tick);
            // Kept inside the picture at its right end.
            let half = text_width(&label, LABEL.size) / 2 * SCALE;
            let x = x.min(frame.width * SCALE - half);
            write(area, &label, (x, (bottom + 14) * SCALE), middle)?;
        }
        let end = Type {
            anchor: HPos::Right,
            ..LABEL
        };
        let corner = ((frame.width - 2) * SCALE, (bottom + 33) * SCALE);
        write(area, y_axis, corner, end)?;
        let (zero, _) = chart.backend_coord(&(0.0, 0.0));
        for (row, (name, value)) in values.iter().enumerate() {
            let y = (top + row as i32 * ROW + ROW / 2) * SCALE;
            let (x, _) = chart.backend_coord(&(*value, 0.0));
            let half = BAR / 2 * SCALE;
            let bar = [(zero.min(x), y - half), (zero.max(x), y + half)];
            area.draw(&Rectangle::new(bar, PALETTE[0].filled()))?;
            let name = cut(name, left - 10, LABEL.size);
            let strong = Type {
                opacity: 0.95,
                ..end
            };
            write(area, &name, ((left - 8) * SCALE, y), strong)?;
            let beside = (zero.max(x) + 6 * SCALE, y);
            let figure = Type {
                opacity: 0.95,
                ..LABEL
            };
            write(area, &crate::figures::beside(*value), beside, figure)?;
        }
        Ok(())
    })
}
