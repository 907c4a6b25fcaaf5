//! Where an axis has its ticks, and what they say.

use chrono::{DateTime, TimeDelta, Utc};

/// Distances between ticks of time, in seconds.
const TIME_STEPS: [i64; 19] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
    172_800,
];
const DAY: i64 = 86_400;

/// Ticks of numbers: from the first to the last, at round distances.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Numbers {
    pub(super) first: f64,
    pub(super) last: f64,
    step: f64,
}

impl Numbers {
    /// Covers `low..=high` with about `count` ticks; begins at 0 where that costs little height.
    pub(super) fn covering(low: f64, high: f64, count: usize) -> Self {
        let low = if low >= 0.0 && low < 0.5 * high {
            0.0
        } else {
            low
        };
        let spread = if high > low {
            high - low
        } else {
            // All the same: some room on both sides.
            (high.abs() * 0.02).max(1.0)
        };
        let (low, high) = if high > low {
            (low, high)
        } else if low == 0.0 {
            (0.0, spread)
        } else {
            (low - spread / 2.0, low + spread / 2.0)
        };
        let step = round_step((high - low) / count.max(1) as f64);
        // Half an event is none.
        let whole = low.fract() == 0.0 && high.fract() == 0.0;
        let step = if whole { step.max(1.0) } else { step };
        Self {
            first: (low / step).floor() * step,
            last: (high / step).ceil() * step,
            step,
        }
    }

    pub(super) fn ticks(&self) -> Vec<f64> {
        let count = ((self.last - self.first) / self.step).round() as i64;
        (0..=count)
            .map(|i| self.first + i as f64 * self.step)
            .collect()
    }

    /// The text of a tick: enough digits to tell it from its neighbours, `k`, `M` and `bn` for many zeros.
    pub(super) fn label(&self, tick: f64) -> String {
        let most = self.first.abs().max(self.last.abs());
        let (unit, suffix) = match most {
            m if m >= 1e9 => (1e9, " bn"),
            m if m >= 1e6 => (1e6, " M"),
            m if m >= 1e4 => (1e3, " k"),
            _ => (1.0, ""),
        };
        let decimals = (0..6)
            .find(|d| {
                let scaled = self.step / unit * 10f64.powi(*d);
                (scaled - scaled.round()).abs() < 1e-6
            })
            .unwrap_or(6);
        let tick = if tick.abs() < self.step / 1e6 {
            0.0
        } else {
            tick
        };
        let suffix = if tick == 0.0 { "" } else { suffix };
        let decimals = if tick == 0.0 { 0 } else { decimals };
        format!(
            "{}{suffix}",
            crate::figures::fixed(tick / unit, decimals.unsigned_abs() as usize)
        )
    }
}

/// 1, 2 or 5 times a power of ten, not below `rough`.
fn round_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= rough * 0.999);
    step.unwrap_or(power * 10.0)
}

/// Ticks of time between two instants.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Times {
    pub(super) from: DateTime<Utc>,
    pub(super) to: DateTime<Utc>,
    step: i64,
}

impl Times {
    /// At most `count` ticks from `from` to `to`; an interval of no length gets a minute.
    pub(super) fn covering(from: DateTime<Utc>, to: DateTime<Utc>, count: usize) -> Self {
        let to = if to > from {
            to
        } else {
            from + TimeDelta::minutes(1)
        };
        let count = i64::try_from(count.max(1)).unwrap_or(1);
        let rough = (to - from).num_seconds() / count;
        let step = TIME_STEPS
            .into_iter()
            .find(|step| *step > rough)
            .unwrap_or((rough / DAY + 1) * DAY);
        Self { from, to, step }
    }

    pub(super) fn ticks(&self) -> Vec<DateTime<Utc>> {
        let first = self.from.timestamp().div_euclid(self.step) * self.step;
        (0..)
            .map(|i| first + i * self.step)
            .take_while(|at| *at <= self.to.timestamp())
            .filter_map(|at| DateTime::from_timestamp(at, 0))
            .filter(|at| *at >= self.from)
            .collect()
    }

    pub(super) fn label(&self, tick: DateTime<Utc>) -> String {
        let form = match self.step {
            step if step < 60 => "%H:%M:%S",
            step if step < DAY => "%H:%M",
            _ => "%-d %b",
        };
        tick.format(form).to_string()
    }

    /// What the axis is called: the day or days it spans.
    pub(super) fn name(&self) -> String {
        let day = |at: DateTime<Utc>| at.format("%-d %b %Y").to_string();
        let (first, last) = (day(self.from), day(self.to));
        if first == last {
            format!("{first}, UTC")
        } else {
            format!("{first} to {last}, UTC")
        }
    }
}
