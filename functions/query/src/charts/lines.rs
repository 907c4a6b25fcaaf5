//! Lines over time.

use chrono::{DateTime, Utc};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::Series;
use super::axis::{Numbers, Times};
use super::canvas::{
    Area, Drawn, Frame, LABEL, PALETTE, SCALE, Type, cut, ink, svg, text_width, wrap, write,
};

const TITLE: Type = Type {
    size: 14,
    bold: true,
    opacity: 1.0,
    ..LABEL
};
const LINE: i32 = 19;
const BOTTOM: i32 = 42;

/// Where everything is, in pixels.
struct Layout {
    title: Vec<String>,
    /// Left edge and row of each entry of the legend.
    legend: Vec<(i32, i32)>,
    top: i32,
    left: i32,
    height: i32,
}

pub(super) fn draw(frame: Frame, title: &str, y_axis: &str, series: &[Series]) -> String {
    let series = &series[..series.len().min(PALETTE.len())];
    let points = || {
        series
            .iter()
            .flat_map(|s| &s.points)
            .filter(|p| p.1.is_finite())
    };
    let (low, high) = points().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (_, y)| {
        (low.min(*y), high.max(*y))
    });
    let (Some(from), Some(to)) = (points().map(|p| p.0).min(), points().map(|p| p.0).max()) else {
        let empty = format!("{title}: nothing yet");
        return svg("chart", (frame.width, LINE * 2), (title, &empty), |area| {
            write(area, &empty, (0, LINE * SCALE), LABEL)
        });
    };
    let numbers = Numbers::covering(low, high, 4);
    let times = Times::covering(from, to, usize::try_from(frame.width / 90).unwrap_or(3));
    let layout = layout(frame, title, &numbers, series);
    let description = format!(
        "{y_axis} from {} to {} UTC, between {} and {}: {}",
        from.format("%Y-%m-%d %H:%M:%S"),
        to.format("%Y-%m-%d %H:%M:%S"),
        crate::figures::short(low),
        crate::figures::short(high),
        series
            .iter()
            .map(|s| s.name.as_str())
            .collect::<Vec<_>>()
            .join(", "),
    );
    let size = (frame.width, layout.height);
    svg("chart", size, (title, &description), |area| {
        for (row, line) in layout.title.iter().enumerate() {
            write(area, line, (0, (row as i32 * LINE + 10) * SCALE), TITLE)?;
        }
        write(area, y_axis, (0, (layout.top - 19) * SCALE), LABEL)?;
        legend(area, &layout, series)?;
        plot(area, frame, &layout, (&numbers, &times), series)
    })
}

fn layout(frame: Frame, title: &str, numbers: &Numbers, series: &[Series]) -> Layout {
    let title = wrap(title, frame.width, TITLE.size);
    let widest = numbers
        .ticks()
        .into_iter()
        .map(|tick| text_width(&numbers.label(tick), LABEL.size))
        .max();
    let mut legend = Vec::new();
    let (mut x, mut row) = (0, 0);
    if series.len() > 1 {
        for each in series {
            let width = text_width(&cut(&each.name, 150, LABEL.size), LABEL.size) + 34;
            if x > 0 && x + width > frame.width {
                (x, row) = (0, row + 1);
            }
            legend.push((x, row));
            x += width;
        }
    }
    let rows = legend.last().map_or(0, |(_, row)| row + 1);
    let top = title.len() as i32 * LINE + rows * LINE + 36;
    Layout {
        title,
        legend,
        top,
        left: widest.unwrap_or(0) + 8,
        height: top + frame.plot_height + BOTTOM,
    }
}

fn legend(area: &Area<'_>, layout: &Layout, series: &[Series]) -> Drawn {
    let first = layout.title.len() as i32 * LINE + 10;
    for (at, ((x, row), each)) in layout.legend.iter().zip(series).enumerate() {
        let y = (first + row * LINE) * SCALE;
        let swatch = [
            (x * SCALE, y - 2 * SCALE),
            ((x + 12) * SCALE, y + 2 * SCALE),
        ];
        area.draw(&Rectangle::new(swatch, PALETTE[at].filled()))?;
        let name = cut(&each.name, 150, LABEL.size);
        write(area, &name, ((x + 18) * SCALE, y), LABEL)?;
    }
    Ok(())
}

fn plot(
    area: &Area<'_>,
    frame: Frame,
    layout: &Layout,
    (numbers, times): (&Numbers, &Times),
    series: &[Series],
) -> Drawn {
    let seconds = |at: DateTime<Utc>| at.timestamp_micros() as f64 / 1e6;
    let chart = ChartBuilder::on(area)
        .margin_top(layout.top * SCALE)
        .margin_left(layout.left * SCALE)
        .margin_bottom(BOTTOM * SCALE)
        .margin_right(8 * SCALE)
        .build_cartesian_2d(
            seconds(times.from)..seconds(times.to),
            numbers.first..numbers.last,
        )?;
    let plane = chart.plotting_area();
    let bottom = layout.top + frame.plot_height;
    for tick in numbers.ticks() {
        let ends = [(seconds(times.from), tick), (seconds(times.to), tick)];
        let weight = if tick == numbers.first { 0.4 } else { 0.13 };
        plane.draw(&PathElement::new(
            ends,
            ink(weight).stroke_width(SCALE as u32),
        ))?;
        let (_, y) = chart.backend_coord(&ends[0]);
        let right = Type {
            anchor: HPos::Right,
            ..LABEL
        };
        write(
            area,
            &numbers.label(tick),
            ((layout.left - 8) * SCALE, y),
            right,
        )?;
    }
    for tick in times.ticks() {
        let (x, _) = chart.backend_coord(&(seconds(tick), numbers.first));
        let mark = [(x, bottom * SCALE), (x, (bottom + 4) * SCALE)];
        area.draw(&PathElement::new(mark, ink(0.4).stroke_width(SCALE as u32)))?;
        let label = times.label(tick);
        // Kept inside the picture at both ends.
        let half = text_width(&label, LABEL.size) / 2 * SCALE;
        let x = x.clamp(half, frame.width * SCALE - half);
        let middle = Type {
            anchor: HPos::Center,
            ..LABEL
        };
        write(area, &label, (x, (bottom + 14) * SCALE), middle)?;
    }
    let right = Type {
        anchor: HPos::Right,
        ..LABEL
    };
    let corner = ((frame.width - 2) * SCALE, (bottom + 33) * SCALE);
    write(area, &times.name(), corner, right)?;
    for (color, each) in PALETTE.iter().zip(series) {
        let points: Vec<(f64, f64)> = each
            .points
            .iter()
            .filter(|(_, y)| y.is_finite())
            .map(|(at, y)| (seconds(*at), *y))
            .collect();
        // A filled shape says how much, which is true only above zero.
        let fills = series.len() == 1 && numbers.first == 0.0;
        if let ([_, _, ..], true) = (points.as_slice(), fills) {
            let mut shape = points.clone();
            shape.push((points[points.len() - 1].0, numbers.first));
            shape.push((points[0].0, numbers.first));
            plane.draw(&Polygon::new(shape, color.mix(0.12)))?;
        }
        if let [only] = points.as_slice() {
            plane.draw(&Circle::new(*only, 4 * SCALE, color.filled()))?;
        } else {
            let newest = points.last().copied();
            let style = color.stroke_width(2 * SCALE as u32);
            plane.draw(&PathElement::new(points, style))?;
            // Where it stands now.
            if let (Some(newest), 1) = (newest, series.len()) {
                plane.draw(&Circle::new(newest, 7 * SCALE / 2, color.filled()))?;
            }
        }
    }
    Ok(())
}
