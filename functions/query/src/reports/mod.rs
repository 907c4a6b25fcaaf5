//! Reports: the three tables of players for the companies behind them, and the analytics report for the business.

mod analytics;
mod page;
mod routes;

use chrono::{DateTime, Utc};

pub(crate) use analytics::page as analytics;
pub(crate) use page::{page, pages};
pub(crate) use routes::{list, one};

/// A table about players, whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Report {
    /// Its name in URLs.
    pub(crate) slug: &'static str,
    pub(crate) title: &'static str,
    /// What it says of whom.
    pub(crate) sentence: &'static str,
    /// One statement, which `/api/sql` answers as it stands.
    pub(crate) sql: &'static str,
    /// The columns whose maximum is highlighted.
    pub(crate) figures: &'static [&'static str],
}

/// The reports, in the order in which they are listed.
pub(crate) const ALL: &[Report] = &[
    Report {
        slug: "player-standings",
        title: "Player Standings",
        sentence: "The level of every user, and what their points of attack, defense and health add up to.",
        sql: "SELECT userid, SUM(level) AS level, SUM(attack) AS total_attack, SUM(defense) AS total_defense, SUM(health) AS total_health
FROM character_stats
GROUP BY userid
ORDER BY level DESC NULLS LAST, userid",
        figures: &["level", "total_attack", "total_defense", "total_health"],
    },
    Report {
        slug: "player-purchases",
        title: "Player Purchases",
        sentence: "How many swords, shields and potions every user has purchased.",
        sql: "SELECT userid,
  SUM(CASE WHEN event_type = 'purchase_sword' THEN amount_purchased ELSE 0 END) AS sword_purchases,
  SUM(CASE WHEN event_type = 'purchase_shield' THEN amount_purchased ELSE 0 END) AS shield_purchases,
  SUM(CASE WHEN event_type = 'purchase_potion' THEN amount_purchased ELSE 0 END) AS potion_purchases
FROM purchase_events
GROUP BY userid
ORDER BY userid",
        figures: &["sword_purchases", "shield_purchases", "potion_purchases"],
    },
    Report {
        slug: "guild-membership",
        title: "Guild Membership",
        sentence: "How many distinct users have joined each guild.",
        sql: "SELECT guild_name AS guild, COUNT(DISTINCT userid) AS members
FROM guild_events
GROUP BY guild_name
ORDER BY members DESC, guild_name",
        figures: &["members"],
    },
];

/// `{title} Report As of {Month DD, YYYY}`, in UTC.
pub(crate) fn titled(title: &str, as_of: DateTime<Utc>) -> String {
    format!("{title} Report As of {}", as_of.format("%B %d, %Y"))
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone, Utc};

    use super::titled;

    #[test]
    fn a_title_has_the_month_by_name_and_two_digits_of_the_day() {
        let day = Utc.with_ymd_and_hms(2022, 3, 5, 23, 59, 59).single();
        assert_eq!(
            day.map(|day| titled("Player Standings", day)).as_deref(),
            Some("Player Standings Report As of March 05, 2022")
        );
    }
}
