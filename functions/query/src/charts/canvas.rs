//! The drawing surface: plotters' SVG backend at four units a pixel, so that curves are smooth, with ink that follows
//! the text colour of the page.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use tracing::error;

/// Units of the SVG in one pixel.
pub(super) const SCALE: i32 = 4;
/// Stands for the page's text colour until the SVG is finished.
const INK: RGBColor = RGBColor(1, 2, 3);

/// The size of a chart in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(super) width: i32,
    pub(super) plot_height: i32,
}

/// For the whole width of a page on a desk.
pub(super) const WIDE: Frame = Frame {
    width: 1120,
    plot_height: 230,
};
/// For a report, which is read and printed.
pub(super) const PLAIN: Frame = Frame {
    width: 720,
    plot_height: 220,
};
/// For a page with something beside it.
pub(super) const BENCH: Frame = Frame {
    width: 800,
    plot_height: 220,
};
/// For half of a page, or a tablet.
pub(super) const MEDIUM: Frame = Frame {
    width: 580,
    plot_height: 200,
};
/// For phones.
pub(super) const NARROW: Frame = Frame {
    width: 330,
    plot_height: 190,
};

/// Colours of series: each has a contrast of at least 3 to white and to near black.
pub(super) const PALETTE: [RGBColor; 8] = [
    RGBColor(0x2f, 0x80, 0xd0),
    RGBColor(0xd2, 0x6a, 0x12),
    RGBColor(0x1f, 0x96, 0x68),
    RGBColor(0x8f, 0x5f, 0xd6),
    RGBColor(0xd4, 0x4a, 0x66),
    RGBColor(0x14, 0x8f, 0xa3),
    RGBColor(0x94, 0x84, 0x16),
    RGBColor(0x76, 0x82, 0x90),
];

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// An SVG of `width` x `height` pixels with its title and description, drawn on by `draw` in units.
pub(super) fn svg(
    class: &str,
    (width, height): (i32, i32),
    (title, description): (&str, &str),
    draw: impl FnOnce(&Area<'_>) -> Drawn,
) -> String {
    let units = |pixels: i32| u32::try_from(pixels * SCALE).unwrap_or(1);
    let mut text = String::new();
    let drawn = {
        let area =
            SVGBackend::with_string(&mut text, (units(width), units(height))).into_drawing_area();
        draw(&area).and_then(|()| area.present())
    };
    if let Err(failed) = drawn {
        error!(error = %failed, title, "chart could not be drawn");
        return String::new();
    }
    let body = text.split_once('>').map_or("", |(_, body)| body);
    let body = body.replace("\"#010203\"", "\"currentColor\"");
    format!(
        "<svg class=\"{class}\" role=\"img\" viewBox=\"0 0 {} {}\" xmlns=\"http://www.w3.org/2000/svg\">\
         <title>{}</title><desc>{}</desc>{body}",
        units(width),
        units(height),
        escape(title),
        escape(description),
    )
}

/// The page's text colour at some opacity.
pub(super) fn ink(opacity: f64) -> RGBAColor {
    INK.mix(opacity)
}

/// How a text is set.
#[derive(Clone, Copy)]
pub(super) struct Type {
    /// In pixels.
    pub(super) size: i32,
    pub(super) bold: bool,
    pub(super) opacity: f64,
    pub(super) anchor: HPos,
}

pub(super) const LABEL: Type = Type {
    size: 12,
    bold: false,
    opacity: 0.72,
    anchor: HPos::Left,
};

/// Writes a text whose middle is at `y`; both coordinates in units.
pub(super) fn write(area: &Area<'_>, text: &str, (x, y): (i32, i32), set: Type) -> Drawn {
    // The backend divides sizes by this, as fonts' line heights are.
    let size = f64::from(set.size * SCALE) * 1.24;
    let style = if set.bold {
        FontStyle::Bold
    } else {
        FontStyle::Normal
    };
    let font = FontDesc::new(FontFamily::SansSerif, size, style);
    let color = ink(set.opacity);
    let style = TextStyle::from(font)
        .color(&color)
        .pos(Pos::new(set.anchor, VPos::Center));
    area.draw(&Text::new(text.to_owned(), (x, y), style))
}

/// A line of text is about this wide, in pixels; sooner too wide than too narrow.
pub(super) fn text_width(text: &str, size: i32) -> i32 {
    let hundredths: i32 = text.chars().map(letter_width).sum();
    hundredths * size / 100 + 1
}

/// In hundredths of the letters' size, as wide as in common sans-serif fonts.
fn letter_width(letter: char) -> i32 {
    match letter {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | ' ' | '|' | '!' => 34,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 98,
        'A'..='Z' | '\u{2212}' | '_' => 73,
        '0'..='9' | 'a'..='z' => 64,
        // Of other scripts many letters are as wide as they are high.
        _ => 100,
    }
}

/// Breaks a text into lines of at most `width` pixels.
pub(super) fn wrap(text: &str, width: i32, size: i32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if text_width(line, size) + text_width(word, size) + size / 2 <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The text, cut to `width` pixels where it is longer.
pub(super) fn cut(text: &str, width: i32, size: i32) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for letter in text.chars() {
        kept.push(letter);
        if text_width(&kept, size) + size > width {
            kept.pop();
            break;
        }
    }
    kept + "…"
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
