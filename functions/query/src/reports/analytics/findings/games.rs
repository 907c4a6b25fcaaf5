//! What players of the large game purchase, whom they join, who leads, and how fights end.

use super::{Answers, Finding, Ranked, counted, percent, ranked, times};
use crate::catalogue::Grid;
use crate::figures;

pub(super) fn findings(answers: &Answers) -> Vec<Finding> {
    type Of = fn(&Grid) -> Finding;
    let subjects: [(&str, &str, Of); 4] = [
        ("amount-per-purchase-type", "purchases", purchases),
        ("members-per-guild", "guilds", guilds),
        ("top-users-by-level", "levels", levels),
        ("character-events-by-type", "fights", fights),
    ];
    subjects
        .into_iter()
        .map(|(slug, what, of)| {
            answers
                .grid(slug)
                .map_or_else(|| Finding::unknown(what), of)
        })
        .collect()
}

/// What an event type of a purchase is called.
fn item(event_type: &str) -> &str {
    event_type.trim_start_matches("purchase_")
}

fn purchases(grid: &Grid) -> Finding {
    let amounts = ranked(grid, "event_type", "amount");
    let spent = ranked(grid, "event_type", "spent");
    let items: f64 = amounts.iter().map(|row| row.number).sum();
    let money: f64 = spent.iter().map(|row| row.number).sum();
    let by_money = spent.iter().max_by(|a, b| a.number.total_cmp(&b.number));
    let (Some(most), Some(dearest)) = (amounts.first(), by_money) else {
        return Finding::new(
            "No player has purchased anything in the large game yet.",
            "Make some events with tidemill load games, or open the game to players.",
        );
    };
    let sentence = format!(
        "Players purchased {} for {} in all: {}s are the largest part of the items ({}), {}s of the money ({}).",
        counted(items, "item", "items"),
        figures::short(money),
        item(&most.name),
        percent(most.number, items),
        item(&dearest.name),
        percent(dearest.number, money)
    );
    let advice = if most.name == dearest.name {
        format!(
            "The game lives on {0}s: make a second thing worth as much, and test the price of {0}s in small steps.",
            item(&most.name)
        )
    } else {
        format!(
            "Draw players in with {}s, which sell by number, and lead them on to {}s, which earn.",
            item(&most.name),
            item(&dearest.name)
        )
    };
    Finding::new(sentence, advice)
}

fn guilds(grid: &Grid) -> Finding {
    let mut guilds = ranked(grid, "guild_name", "members");
    // One that was joined by nobody who has a name has no members.
    guilds.retain(|guild| guild.number > 0.0);
    let (Some(largest), Some(smallest)) = (guilds.first(), guilds.last()) else {
        return Finding::new(
            "No player has joined a guild in the large game yet.",
            "Name the guilds where players start, and say what members gain.",
        );
    };
    if guilds.len() == 1 {
        return Finding::new(
            format!(
                "“{}” is the only guild: {}.",
                largest.name,
                counted(largest.number, "member", "members")
            ),
            "A guild needs a rival: open a second one.",
        );
    }
    Finding::new(
        format!(
            "Of {} guilds “{}” is the largest with {}, {} as the smallest, “{}” ({}).",
            figures::short(guilds.len() as f64),
            largest.name,
            counted(largest.number, "member", "members"),
            times(largest.number, smallest.number),
            smallest.name,
            figures::short(smallest.number)
        ),
        if largest.number > 2.0 * smallest.number {
            format!(
                "Reward those who join “{}”, so that guilds stay worth fighting.",
                smallest.name
            )
        } else {
            "The guilds are balanced: let them compete, and report their standings to members."
                .to_owned()
        },
    )
}

fn levels(grid: &Grid) -> Finding {
    let users: Vec<Ranked> = ranked(grid, "userid", "level");
    let risen: Vec<&Ranked> = users.iter().filter(|user| user.number > 0.0).collect();
    let Some(first) = risen.first() else {
        return Finding::new(
            "No player has risen a level yet.",
            "Make the first level easy to reach: who rises once comes back.",
        );
    };
    let leaders = risen
        .iter()
        .filter(|user| user.number == first.number)
        .count();
    let sentence = match risen.get(1) {
        _ if leaders > 1 => format!(
            "{} of the ten highest players share the top at level {}.",
            leaders,
            figures::short(first.number)
        ),
        Some(second) => format!(
            "Player “{}” leads with level {}, against {} of the second, “{}”.",
            first.name,
            figures::short(first.number),
            figures::short(second.number),
            second.name
        ),
        None => format!(
            "Player “{}” is the only one who has risen: level {}.",
            first.name,
            figures::short(first.number)
        ),
    };
    Finding::new(
        sentence,
        "Show the standings inside the game, and give those behind the leaders a way to catch up.",
    )
}

fn fights(grid: &Grid) -> Finding {
    let events = ranked(grid, "event_type", "events");
    let users = ranked(grid, "event_type", "users");
    let of = |list: &[Ranked], event: &str| {
        let found = list.iter().find(|row| row.name == event);
        found.map_or(0.0, |row| row.number)
    };
    let attacks = of(&events, "enemy_attack");
    let defeats = of(&events, "defeat_enemy");
    if attacks == 0.0 && defeats == 0.0 {
        return Finding::new(
            "No enemy has attacked and none was defeated yet.",
            "Nothing can be said of how hard the fights are.",
        );
    }
    let sentence = format!(
        "Enemies attacked {} on {}; {} {} defeated by {}.",
        counted(attacks, "time", "times"),
        counted(of(&users, "enemy_attack"), "player", "players"),
        figures::short(defeats),
        if defeats == 1.0 { "was" } else { "were" },
        counted(of(&users, "defeat_enemy"), "player", "players"),
    );
    let advice = if attacks > defeats {
        "Enemies win more often than they lose: make shields and potions easier to come by, above all for new players."
    } else {
        "Enemies lose at least as often as they attack: let them grow with the level of those whom they meet."
    };
    Finding::new(sentence, advice)
}
