#![allow(clippy::unwrap_used)]
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{games::Wish, *};

/// Every lane of a plan, and the call that it sends.
fn lanes(mut plan: Plan) -> Vec<(Call, u32)> {
    std::iter::from_fn(|| plan.next())
        .map(|lane| ((*lane.call).clone(), lane.times))
        .collect()
}

fn bursts(plan: Plan) -> Vec<Burst> {
    plan.bursts.collect()
}

fn sum(lanes: &[(Call, u32)]) -> u64 {
    lanes.iter().map(|(_, times)| u64::from(*times)).sum()
}

fn wish() -> impl Strategy<Value = Wish> {
    (1..200_u32, 1..=9_usize, 1..3_000_u64, any::<bool>()).prop_map(
        |(users, endpoints, requests, batch)| Wish {
            users,
            endpoints,
            requests,
            batch,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_burst_is_sent_whole_by_as_many_lanes_as_may_be(times in 1..200_u32, at_once in 0..250_u32) {
        let call = Call { method: Method::GET, path: "/".to_owned(), host: None, event_type: "x".into() };
        let lanes = lanes(Plan::new([Burst { call, times, at_once }].into_iter()));
        prop_assert_eq!(lanes.len() as u32, at_once.clamp(1, times));
        prop_assert_eq!(sum(&lanes), u64::from(times));
        let sizes: BTreeSet<_> = lanes.iter().map(|(_, times)| *times).collect();
        prop_assert!(sizes.last().unwrap() - sizes.first().unwrap() <= 1);
    }

    #[test]
    fn games_send_exactly_what_was_asked_for(wish in wish(), seed: u64) {
        let plan = games::plan(wish, seed);
        prop_assert_eq!(plan.total, wish.requests);
        let sent = lanes(plan);
        prop_assert_eq!(sum(&sent), wish.requests);
        let most = if wish.batch { 10 } else { 1 };
        prop_assert!(sent.iter().all(|(_, times)| *times <= most));
        prop_assert_eq!(&sent, &lanes(games::plan(wish, seed)));
    }

    #[test]
    fn a_players_call_is_one_players(wish in wish(), seed: u64) {
        for (call, _) in lanes(games::plan(wish, seed)) {
            let url = url::Url::parse("http://h").unwrap().join(&call.path).unwrap();
            let query: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
            let user: u32 = query["userid"].parse().unwrap();
            prop_assert!((1..=wish.users).contains(&user));
            prop_assert_eq!(call.host.unwrap(), format!("user-00{user}.comcast.com"));
            let number = ["purchase_sword", "purchase_shield", "purchase_potion", "find_treasure", "enemy_attack",
                "defeat_enemy", "take_potion", "level_up", "join_guild"]
                .iter().position(|event_type| *event_type == call.event_type).unwrap();
            prop_assert!(number < wish.endpoints);
            let most = BTreeMap::from([(0, 10), (1, 5), (2, 100), (6, 3)]).get(&number).copied();
            let n = query.get("n").map(|n| n.parse::<u32>().unwrap());
            prop_assert_eq!(n.is_some(), most.is_some());
            prop_assert!(n.is_none_or(|n| (1..=most.unwrap()).contains(&n)));
            let guilds = ["Knights of the Round Table", "Game of Thrones", "Castle of Rock"];
            prop_assert_eq!(query.contains_key("guild_name"), number == 8);
            prop_assert!(query.get("guild_name").is_none_or(|guild| guilds.contains(&guild.as_str())));
        }
    }

    #[test]
    fn purchases_are_runs_of_the_stated_sizes(runs in 1..300_u32, seed: u64) {
        let plan = purchases::plan(runs, seed);
        let total = plan.total;
        let all = bursts(plan);
        prop_assert_eq!(all.len() as u32, runs);
        prop_assert_eq!(total, all.iter().map(|burst| u64::from(burst.times)).sum::<u64>());
        for Burst { call, times, at_once } in all {
            prop_assert!((2..=100).contains(&times) && (1..=times).contains(&at_once));
            let host = call.host.unwrap();
            let (user, provider) = host.strip_suffix(".com").unwrap().split_once('.').unwrap();
            prop_assert!((1..=99).contains(&user.strip_prefix("user").unwrap().parse::<u32>().unwrap()));
            prop_assert!(["comcast", "att", "google", "frontier", "cox", "earthlink"].contains(&provider));
            match call.path.strip_prefix("/purchase/") {
                Some(item) => {
                    prop_assert!(["sword", "shield", "helmet", "knife", "gauntlet"].contains(&item));
                    prop_assert_eq!(call.event_type, format!("{item} purchased"));
                }
                None => prop_assert_eq!((&*call.path, &*call.event_type), ("/join_a_guild", "join_guild")),
            }
        }
    }

    #[test]
    fn stocks_are_checked_bought_and_sold(runs in 1..300_u32, seed: u64) {
        let plan = stocks::plan(runs, seed);
        let total = plan.total;
        let all = bursts(plan);
        prop_assert_eq!(all.len() as u32, runs);
        prop_assert_eq!(total, all.iter().map(|burst| u64::from(burst.times)).sum::<u64>());
        for Burst { call, times, at_once } in all {
            prop_assert!((1..=10).contains(&times));
            prop_assert_eq!((at_once, &call.host), (1, &None));
            let segments: Vec<_> = call.path.split('/').skip(1).collect();
            prop_assert!(domain::Stock::all().any(|stock| stock.as_str() == segments[0]));
            match segments[..] {
                [stock] => prop_assert_eq!((call.method, &*call.event_type), (Method::GET, &*format!("check_stock_{stock}"))),
                [stock, action @ ("buy" | "sell"), quantity] => {
                    prop_assert_eq!((call.method, &*call.event_type), (Method::POST, &*format!("{action}_{stock}")));
                    prop_assert!((1..=50).contains(&quantity.parse::<u32>().unwrap()));
                }
                _ => prop_assert!(false, "{}", call.path),
            }
        }
    }
}

#[test]
fn another_seed_sends_something_else() {
    assert_eq!(lanes(stocks::plan(50, 1)), lanes(stocks::plan(50, 1)));
    assert_ne!(lanes(stocks::plan(50, 1)), lanes(stocks::plan(50, 2)));
    assert_eq!(lanes(purchases::plan(50, 1)), lanes(purchases::plan(50, 1)));
    assert_ne!(lanes(purchases::plan(50, 1)), lanes(purchases::plan(50, 2)));
}

#[test]
fn chance_reaches_everything_and_keeps_the_proportions() {
    let all = bursts(purchases::plan(20_000, 7));
    let share = |wanted: &dyn Fn(&Burst) -> bool| {
        all.iter().filter(|burst| wanted(burst)).count() as f64 / all.len() as f64
    };
    // Ten standard deviations are less than 0.036 each.
    assert!((share(&|burst| burst.call.event_type == "join_guild") - 0.5).abs() < 0.04);
    assert!((share(&|burst| burst.times == 2) - 50.0 / 99.0).abs() < 0.04);
    assert!((share(&|burst| burst.times == 100) - 1.0 / 99.0).abs() < 0.01);
    let hosts: BTreeSet<_> = all
        .iter()
        .filter_map(|burst| burst.call.host.clone())
        .collect();
    assert_eq!(hosts.len(), 99 * 6);
    let types: BTreeSet<_> = bursts(stocks::plan(2_000, 7))
        .iter()
        .map(|burst| burst.call.event_type.clone())
        .collect();
    assert_eq!(types.len(), 12 * 3);
    let wish = Wish {
        users: 3,
        endpoints: 9,
        requests: 2_000,
        batch: true,
    };
    let paths: BTreeSet<_> = lanes(games::plan(wish, 7))
        .into_iter()
        .map(|(call, _)| call.path)
        .collect();
    // Numbers, events without a parameter, guilds; each by three players.
    assert!(
        paths.contains("/join_guild/?userid=3&guild_name=Knights%20of%20the%20Round%20Table"),
        "{paths:?}"
    );
    let (few, none, guilds) = (10 + 5 + 3, 4, 3);
    assert!(paths.len() > 3 * (few + none + guilds), "{}", paths.len());
}
