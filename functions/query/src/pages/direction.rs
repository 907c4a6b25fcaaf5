//! Changes as people read them: with a sign, and a class that colours them.

use crate::figures;

/// A change and its percentage.
pub(super) struct Change {
    /// With two decimals and its sign.
    pub(super) by: String,
    /// With two decimals, its sign and `%`.
    pub(super) percent: String,
    /// `up`, `down` or `flat`.
    pub(super) class: &'static str,
}

impl Change {
    /// From one number to a later one.
    pub(super) fn between(before: f64, after: f64) -> Self {
        let by = after - before;
        let percent = if before == 0.0 {
            0.0
        } else {
            100.0 * by / before
        };
        Self::told(&format!("{by:.2}"), &format!("{percent:.2}"))
    }

    /// As the lake tells it, in plain digits.
    pub(super) fn told(by: &str, percent: &str) -> Self {
        let by = figures::signed(by);
        Self {
            class: match by.chars().next() {
                Some('+') => "up",
                Some('\u{2212}') => "down",
                _ => "flat",
            },
            by,
            percent: format!("{}%", figures::signed(percent)),
        }
    }

    /// Nothing to compare with.
    pub(super) fn none() -> Self {
        Self {
            by: "–".to_owned(),
            percent: "–".to_owned(),
            class: "flat",
        }
    }
}
