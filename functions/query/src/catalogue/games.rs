//! The large game: what is purchased, who joins, who fights, who rises.

use super::{Drawing, Question, Set};

pub(super) const QUESTIONS: &[Question] = &[
    question(
        "amount-per-purchase-type",
        "How many items of each type are purchased?",
        "SELECT event_type, SUM(amount_purchased) AS amount, SUM(amount_purchased * price) AS spent
FROM purchase_events
GROUP BY event_type
ORDER BY amount DESC NULLS LAST, event_type",
        bars(&["event_type"], "amount", "Purchase", "Items"),
    ),
    question(
        "members-per-guild",
        "How many distinct users has each guild?",
        "SELECT guild_name, COUNT(DISTINCT userid) AS members
FROM guild_events
GROUP BY guild_name
ORDER BY members DESC, guild_name",
        bars(&["guild_name"], "members", "Guild", "Members"),
    ),
    question(
        "top-users-by-level",
        "Which ten users have the highest level?",
        "SELECT userid, SUM(level) AS level
FROM character_stats
GROUP BY userid
ORDER BY level DESC NULLS LAST, userid
LIMIT 10",
        bars(&["userid"], "level", "User", "Level"),
    ),
    question(
        "top-users-by-enemies-defeated",
        "Which ten users have defeated most enemies?",
        "SELECT userid, COUNT(*) AS enemies_defeated
FROM character_events
WHERE event_type = 'defeat_enemy'
GROUP BY userid
ORDER BY enemies_defeated DESC, userid
LIMIT 10",
        bars(&["userid"], "enemies_defeated", "User", "Enemies defeated"),
    ),
    // A potion restores ten points of health, and the event carries the points alone.
    question(
        "most-potions-used",
        "Which ten users have used most potions?",
        "SELECT userid, SUM(health) / 10 AS potions_used, COUNT(*) AS times
FROM character_stats
WHERE event_type = 'take_potion'
GROUP BY userid
ORDER BY potions_used DESC NULLS LAST, userid
LIMIT 10",
        bars(&["userid"], "potions_used", "User", "Potions used"),
    ),
    question(
        "top-users-by-treasures",
        "Which ten users have found most treasures?",
        "SELECT userid, COUNT(*) AS treasures_found
FROM character_events
WHERE event_type = 'find_treasure'
GROUP BY userid
ORDER BY treasures_found DESC, userid
LIMIT 10",
        bars(&["userid"], "treasures_found", "User", "Treasures found"),
    ),
    question(
        "users-attacked",
        "How many distinct users were attacked?",
        "SELECT COUNT(DISTINCT userid) AS users_attacked
FROM character_events
WHERE event_type = 'enemy_attack'",
        Drawing::None,
    ),
    question(
        "character-events-by-type",
        "How often are treasures found, users attacked and enemies defeated, and by how many users?",
        "SELECT event_type, COUNT(*) AS events, COUNT(DISTINCT userid) AS users
FROM character_events
GROUP BY event_type
ORDER BY events DESC, event_type",
        bars(&["event_type"], "events", "Event", "Events"),
    ),
];

const fn bars(
    names: &'static [&'static str],
    value: &'static str,
    x_axis: &'static str,
    y_axis: &'static str,
) -> Drawing {
    Drawing::Bars {
        names,
        value,
        x_axis,
        y_axis,
    }
}

const fn question(
    slug: &'static str,
    sentence: &'static str,
    sql: &'static str,
    drawing: Drawing,
) -> Question {
    Question {
        slug,
        set: Set::Games,
        sentence,
        sql,
        parameters: &[],
        drawing,
    }
}
