//! What every question has to answer, computed from the events without SQL.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::events::Events;

/// The names of the answer's columns and its rows.
pub(super) fn answer(slug: &str, events: &Events) -> Vec<Value> {
    let operations = |action: &str| -> Vec<&Value> {
        let of = |event: &&Value| text(event, "event_type").starts_with(action);
        events.operations.iter().filter(of).collect()
    };
    match slug {
        "most-checked-stock" => checked(events, true),
        "least-checked-stock" => checked(events, false),
        "largest-transaction" => {
            let amounts = events
                .operations
                .iter()
                .map(|o| number(o, "transaction_amount"));
            vec![json!({"max_transaction": amounts.fold(0.0, f64::max)})]
        }
        "most-purchased-stock" => traded(&operations("buy"), "purchases", true),
        "least-purchased-stock" => traded(&operations("buy"), "purchases", false),
        "most-sold-stock" => traded(&operations("sell"), "sales", true),
        "least-sold-stock" => traded(&operations("sell"), "sales", false),
        "highest-sale-price" => priced(&operations("sell"), "highest_sale_price", true),
        "lowest-sale-price" => priced(&operations("sell"), "lowest_sale_price", false),
        "highest-purchase-price" => priced(&operations("buy"), "highest_purchase_price", true),
        "lowest-purchase-price" => priced(&operations("buy"), "lowest_purchase_price", false),
        "interest-and-trade" => interest(events),
        "purchases-per-stock" => trades(&operations("buy"), "purchases"),
        "sales-per-stock" => trades(&operations("sell"), "sales"),
        "purchases-by-type" => {
            let purchased = purchased(events).map(|e| (text(e, "event_type").to_owned(), 1));
            ranked(purchased, "event_type", "purchase_count", usize::MAX)
        }
        "purchases-by-provider" => providers(events),
        "amount-per-purchase-type" => amounts(events),
        "members-per-guild" => members(events, "guild_name"),
        "top-users-by-level" => {
            let stats = events.of_types(&["level_up", "take_potion"]);
            let levels = stats.map(|e| (text(e, "userid").to_owned(), whole(e, "level")));
            ranked(levels, "userid", "level", 10)
        }
        "top-users-by-enemies-defeated" => top(events, "defeat_enemy", "enemies_defeated"),
        "top-users-by-treasures" => top(events, "find_treasure", "treasures_found"),
        "most-potions-used" => potions(events),
        "users-attacked" => {
            let users: BTreeSet<&str> = events
                .of_types(&["enemy_attack"])
                .map(|e| text(e, "userid"))
                .collect();
            vec![json!({"users_attacked": users.len()})]
        }
        "character-events-by-type" => happened(events),
        other => panic!("nothing computes {other} another way"),
    }
}

pub(super) fn text<'a>(row: &'a Value, column: &str) -> &'a str {
    row[column].as_str().unwrap()
}

fn number(row: &Value, column: &str) -> f64 {
    row[column].as_f64().unwrap()
}

pub(super) fn whole(row: &Value, column: &str) -> i64 {
    row[column].as_i64().unwrap()
}

/// Sums by name, highest first, equal ones by name.
fn sums(pairs: impl Iterator<Item = (String, i64)>) -> Vec<(String, i64)> {
    let mut sums = BTreeMap::new();
    for (name, value) in pairs {
        *sums.entry(name).or_insert(0) += value;
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    sums
}

fn ranked(
    pairs: impl Iterator<Item = (String, i64)>,
    name: &str,
    value: &str,
    most: usize,
) -> Vec<Value> {
    let sums = sums(pairs).into_iter().take(most);
    sums.map(|(who, sum)| json!({name: who, value: sum}))
        .collect()
}

fn checked(events: &Events, most: bool) -> Vec<Value> {
    let counts = sums(
        events
            .calls
            .iter()
            .map(|c| (text(c, "stock_name").to_owned(), 1)),
    );
    let at = if most { 0 } else { counts.len() - 1 };
    vec![json!({"stock_name": counts[at].0, "query_count": counts[at].1})]
}

/// Every stock with its shares, most first, and the mean of its prices.
fn trades(operations: &[&Value], count: &str) -> Vec<Value> {
    let quantities = operations
        .iter()
        .map(|o| (text(o, "stock_name").to_owned(), whole(o, "quantity")));
    sums(quantities)
        .into_iter()
        .map(|(stock, shares)| {
            let prices: Vec<f64> = operations
                .iter()
                .filter(|o| text(o, "stock_name") == stock)
                .map(|o| number(o, "price"))
                .collect();
            let average = prices.iter().sum::<f64>() / prices.len() as f64;
            json!({"stock_name": stock, "shares": shares, count: prices.len(), "average_price": average})
        })
        .collect()
}

fn traded(operations: &[&Value], count: &str, most: bool) -> Vec<Value> {
    let mut trades = trades(operations, count);
    let at = if most { 0 } else { trades.len() - 1 };
    vec![trades.remove(at)]
}

fn priced(operations: &[&Value], name: &str, highest: bool) -> Vec<Value> {
    let mut sorted = operations.to_vec();
    sorted.sort_by(|a, b| number(a, "price").total_cmp(&number(b, "price")));
    let found = if highest {
        sorted[sorted.len() - 1]
    } else {
        sorted[0]
    };
    vec![json!({"stock_name": text(found, "stock_name"), name: number(found, "price")})]
}

fn interest(events: &Events) -> Vec<Value> {
    let checks = sums(
        events
            .calls
            .iter()
            .map(|c| (text(c, "stock_name").to_owned(), 1)),
    );
    let shares = |stock: &str, action: &str| -> i64 {
        let of = |o: &&Value| text(o, "event_type") == format!("{action}_{stock}");
        events
            .operations
            .iter()
            .filter(of)
            .map(|o| whole(o, "quantity"))
            .sum()
    };
    checks
        .iter()
        .map(|(stock, checks)| {
            json!({
                "stock_name": stock, "checks": checks,
                "shares_purchased": shares(stock, "buy"), "shares_sold": shares(stock, "sell"),
            })
        })
        .collect()
}

fn purchased(events: &Events) -> impl Iterator<Item = &Value> {
    events
        .small
        .iter()
        .filter(|e| text(e, "event_type") != "join_guild")
}

fn providers(events: &Events) -> Vec<Value> {
    const KNOWN: [&str; 6] = ["comcast", "att", "google", "frontier", "cox", "earthlink"];
    let mut counts: BTreeMap<(Option<&str>, &str), i64> = BTreeMap::new();
    for event in purchased(events) {
        let provider = KNOWN
            .into_iter()
            .find(|name| text(event, "Host").contains(name));
        *counts
            .entry((provider, text(event, "event_type")))
            .or_insert(0) += 1;
    }
    let mut rows: Vec<_> = counts.into_iter().collect();
    // Nothing comes after every name.
    let place = |provider: Option<&str>| (provider.is_none(), provider.map(str::to_owned));
    rows.sort_by_key(|((provider, event), count)| (-count, place(*provider), (*event).to_owned()));
    rows.into_iter()
        .map(|((provider, event), count)| {
            json!({"host_provider": provider, "event_type": event, "purchase_count": count})
        })
        .collect()
}

fn amounts(events: &Events) -> Vec<Value> {
    let types = ["purchase_sword", "purchase_shield", "purchase_potion"];
    let amounts = sums(events.of_types(&types).map(|e| {
        (
            text(e, "event_type").to_owned(),
            whole(e, "amount_purchased"),
        )
    }));
    let price = |event: &str| match event {
        "purchase_sword" => 100,
        "purchase_shield" => 50,
        _ => 5,
    };
    amounts
        .iter()
        .map(|(event, amount)| {
            json!({"event_type": event, "amount": amount, "spent": amount * price(event)})
        })
        .collect()
}

/// Distinct users by guild, most first.
pub(super) fn members(events: &Events, column: &str) -> Vec<Value> {
    let pairs: BTreeSet<(&str, &str)> = events
        .of_types(&["join_guild"])
        .map(|e| (text(e, "guild_name"), text(e, "userid")))
        .collect();
    let members = pairs.into_iter().map(|(guild, _)| (guild.to_owned(), 1));
    ranked(members, column, "members", usize::MAX)
}

fn top(events: &Events, event: &str, value: &str) -> Vec<Value> {
    let types = [event];
    let users = events
        .of_types(&types)
        .map(|e| (text(e, "userid").to_owned(), 1));
    ranked(users, "userid", value, 10)
}

fn potions(events: &Events) -> Vec<Value> {
    let taken = || events.of_types(&["take_potion"]);
    let used = sums(taken().map(|e| (text(e, "userid").to_owned(), whole(e, "health") / 10)));
    used.iter()
        .take(10)
        .map(|(user, used)| {
            let times = taken().filter(|e| text(e, "userid") == user).count();
            json!({"userid": user, "potions_used": used, "times": times})
        })
        .collect()
}

fn happened(events: &Events) -> Vec<Value> {
    let types = ["find_treasure", "enemy_attack", "defeat_enemy"];
    let counts = sums(
        events
            .of_types(&types)
            .map(|e| (text(e, "event_type").to_owned(), 1)),
    );
    counts
        .iter()
        .map(|(event, count)| {
            let types = [event.as_str()];
            let users: BTreeSet<&str> =
                events.of_types(&types).map(|e| text(e, "userid")).collect();
            json!({"event_type": event, "events": count, "users": users.len()})
        })
        .collect()
}
