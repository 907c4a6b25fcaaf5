//! Players of both games: purchases, guilds, standings, and what happens to characters.

use lambda_kit::Problem;
use serde::Deserialize;

use super::{Counted, bars};
use crate::charts;
use crate::context::Context;
use crate::figures;
use crate::pages::rows;

/// How many rows a table of the page has.
const TOP: usize = 10;

const SMALL_PURCHASES: &str = "SELECT event_type AS name, COUNT(*) AS n FROM purchases \
    GROUP BY event_type ORDER BY n DESC, name LIMIT 12";

const SMALL_TOTALS: &str = "SELECT 'purchases' AS name, COUNT(*) AS n FROM purchases \
    UNION ALL SELECT 'joins' AS name, COUNT(*) AS n FROM join_guild";

const ITEMS: &str = "SELECT item_type, COUNT(*) AS calls, COALESCE(SUM(amount_purchased), 0) AS amount, \
    CAST(COALESCE(SUM(CAST(amount_purchased AS DOUBLE) * price), 0) AS DOUBLE) AS spent FROM purchase_events \
    GROUP BY item_type ORDER BY amount DESC, item_type";

const GUILDS: &str = "SELECT guild_name AS name, COUNT(DISTINCT userid) AS n FROM guild_events \
    GROUP BY guild_name ORDER BY n DESC, name LIMIT 12";

const STANDINGS: &str = "SELECT userid, COALESCE(SUM(level), 0) AS level, COALESCE(SUM(attack), 0) AS attack, \
    COALESCE(SUM(defense), 0) AS defense, COALESCE(SUM(health), 0) AS health FROM character_stats \
    GROUP BY userid ORDER BY level DESC, attack DESC, userid LIMIT 10";

const ADVENTURES: &str = "SELECT event_type AS name, COUNT(*) AS n FROM character_events \
    GROUP BY event_type ORDER BY n DESC, name";

pub(in crate::pages) struct Games {
    pub(in crate::pages) purchases: String,
    pub(in crate::pages) joins: String,
    pub(in crate::pages) purchases_chart: Option<String>,
    pub(in crate::pages) items: Vec<Item>,
    pub(in crate::pages) guilds_chart: Option<String>,
    pub(in crate::pages) standings: Vec<Standing>,
    pub(in crate::pages) adventures: Vec<Adventure>,
    pub(in crate::pages) top: usize,
}

pub(in crate::pages) struct Item {
    pub(in crate::pages) name: String,
    pub(in crate::pages) calls: String,
    pub(in crate::pages) amount: String,
    pub(in crate::pages) spent: String,
}

pub(in crate::pages) struct Standing {
    pub(in crate::pages) userid: String,
    pub(in crate::pages) level: String,
    pub(in crate::pages) attack: String,
    pub(in crate::pages) defense: String,
    pub(in crate::pages) health: String,
}

pub(in crate::pages) struct Adventure {
    pub(in crate::pages) name: String,
    pub(in crate::pages) n: String,
}

#[derive(Deserialize)]
struct Purchased {
    item_type: Option<String>,
    calls: i64,
    amount: i64,
    spent: f64,
}

#[derive(Deserialize)]
struct Summed {
    userid: Option<String>,
    level: i64,
    attack: i64,
    defense: i64,
    health: i64,
}

pub(super) async fn read(context: &Context) -> Result<Games, Problem> {
    let (purchases, totals, items, guilds, standings, adventures) = tokio::try_join!(
        rows::read::<Counted>(context, SMALL_PURCHASES),
        rows::read::<Counted>(context, SMALL_TOTALS),
        rows::read::<Purchased>(context, ITEMS),
        rows::read::<Counted>(context, GUILDS),
        rows::read::<Summed>(context, STANDINGS),
        rows::read::<Counted>(context, ADVENTURES),
    )?;
    let total = |name: &str| {
        let found = totals.iter().find(|t| t.name.as_deref() == Some(name));
        figures::count(found.map_or(0, |t| t.n))
    };
    let chart = |title: &str, x_axis: &str, y_axis: &str, counted: &[Counted]| {
        (!counted.is_empty()).then(|| charts::bars_figure(title, x_axis, y_axis, &bars(counted)))
    };
    Ok(Games {
        purchases: total("purchases"),
        joins: total("joins"),
        purchases_chart: chart(
            "What players of the small game buy",
            "event type",
            "purchases",
            &purchases,
        ),
        items: items.into_iter().map(item).collect(),
        guilds_chart: chart(
            "How many players each guild has",
            "guild",
            "players",
            &guilds,
        ),
        standings: standings.into_iter().map(standing).collect(),
        adventures: adventures
            .into_iter()
            .map(|each| Adventure {
                name: each.name.unwrap_or_default(),
                n: figures::count(each.n),
            })
            .collect(),
        top: TOP,
    })
}

fn item(row: Purchased) -> Item {
    Item {
        name: row.item_type.unwrap_or_default(),
        calls: figures::count(row.calls),
        amount: figures::count(row.amount),
        spent: figures::fixed(row.spent, 0),
    }
}

fn standing(row: Summed) -> Standing {
    Standing {
        userid: row.userid.unwrap_or_default(),
        level: figures::count(row.level),
        attack: figures::count(row.attack),
        defense: figures::count(row.defense),
        health: figures::count(row.health),
    }
}
