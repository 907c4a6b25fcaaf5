//! The small game: purchases of any item, and one guild.

use super::Text;

/// What a player of the small game does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmallGame {
    /// Purchases an item.
    Purchase(Text),
    /// Joins the guild.
    JoinGuild,
}

impl SmallGame {
    /// The name of its event.
    pub fn event_type(&self) -> String {
        match self {
            Self::Purchase(item) => format!("{item} purchased"),
            Self::JoinGuild => "join_guild".to_owned(),
        }
    }

    /// What the player is told.
    pub fn answer(&self) -> String {
        match self {
            Self::Purchase(item) => format!("{item} Purchased!\n"),
            Self::JoinGuild => "Joined guild.\n".to_owned(),
        }
    }
}
