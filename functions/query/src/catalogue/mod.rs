//! The catalogue: every question that the systems replaced were asked, as a named query with its answer.

mod drawing;
mod games;
mod grid;
mod pages;
mod parameters;
mod portfolios;
mod purchases;
mod routes;
mod stocks;

use std::sync::LazyLock;

pub(crate) use drawing::{Paper, draw};
pub(crate) use grid::Grid;
pub(crate) use pages::{page, pages};
pub(crate) use parameters::Parameter;
pub(crate) use routes::{list, one};

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Set {
    /// What customers check, buy and sell.
    Stocks,
    /// The small game: purchases and guilds.
    Purchases,
    /// The large game: players and what happens to them.
    Games,
    /// What investors' portfolios are worth.
    Portfolios,
}

/// What can be drawn of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drawing {
    /// Nothing that the table does not show as well.
    None,
    /// A bar for each row: its name is made of the columns `names`, its length is the column `value`.
    Bars {
        names: &'static [&'static str],
        value: &'static str,
        x_axis: &'static str,
        y_axis: &'static str,
    },
    /// A line over time for each value of the column `series`.
    Lines {
        series: &'static str,
        time: &'static str,
        value: &'static str,
        y_axis: &'static str,
    },
}

/// One question.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question {
    /// Its name in URLs.
    pub(crate) slug: &'static str,
    pub(crate) set: Set,
    /// The question as a person asks it.
    pub(crate) sentence: &'static str,
    /// One statement, which `/api/sql` answers as it stands.
    pub(crate) sql: &'static str,
    /// What the caller may ask for instead of what `sql` has.
    pub(crate) parameters: &'static [Parameter],
    pub(crate) drawing: Drawing,
}

impl Set {
    pub(crate) const ALL: [Self; 4] =
        [Self::Stocks, Self::Purchases, Self::Games, Self::Portfolios];

    /// Its name in JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Stocks => "stocks",
            Self::Purchases => "purchases",
            Self::Games => "games",
            Self::Portfolios => "portfolios",
        }
    }

    /// Its name in a list of contents.
    pub(crate) const fn short(self) -> &'static str {
        match self {
            Self::Stocks => "Stocks",
            Self::Purchases => "Small game",
            Self::Games => "Large game",
            Self::Portfolios => "Portfolios",
        }
    }

    /// Its name for people.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Stocks => "Stocks: what customers check, buy and sell",
            Self::Purchases => "The small game: what is purchased, and from where",
            Self::Games => "The large game: players, guilds and fights",
            Self::Portfolios => "Portfolios: what they are worth",
        }
    }
}

/// Every question, set by set.
pub(crate) fn all() -> &'static [Question] {
    static ALL: LazyLock<Vec<Question>> = LazyLock::new(|| {
        [
            stocks::QUESTIONS,
            purchases::QUESTIONS,
            games::QUESTIONS,
            portfolios::QUESTIONS,
        ]
        .concat()
    });
    &ALL
}

/// The question of this name.
pub(crate) fn find(slug: &str) -> Option<&'static Question> {
    all().iter().find(|question| question.slug == slug)
}
