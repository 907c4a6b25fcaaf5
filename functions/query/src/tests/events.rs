//! A lake with some of everything, and the same rows as plain values to compute with.

use lake::Table;
use serde_json::{Value, json};

use super::lakes::{Function, START};

/// What is in the lake, table by table.
pub(super) struct Events {
    pub(super) calls: Vec<Value>,
    pub(super) operations: Vec<Value>,
    pub(super) small: Vec<Value>,
    pub(super) large: Vec<Value>,
    pub(super) evaluations: Vec<Value>,
}

const STOCKS: [&str; 5] = ["GOOG", "TSLA", "AMZN", "MSFT", "AMD"];
const ITEMS: [&str; 4] = ["sword", "shield", "=helmet", "<b>knife</b>"];
const HOSTS: [&str; 8] = [
    "comcast",
    "att",
    "google",
    "frontier",
    "cox",
    "earthlink",
    "comcast",
    "example",
];
/// Names that markup, SQL and spreadsheets would trip over are users and guilds as any other.
const USERS: [&str; 7] = [
    "001",
    "7",
    "<script>alert(1)</script>",
    "=1+1",
    "O'Brien \"the\" 4th",
    "Ünï",
    "8",
];
const GUILDS: [&str; 3] = [
    "Knights of the Round Table",
    "Game of <i>Thrones</i>",
    "-Rock",
];

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    /// The first ones more often than the last ones.
    fn early<T: Copy>(&mut self, of: &[T]) -> T {
        let at = self.below(of.len()).min(self.below(of.len()));
        of[at]
    }
}

impl Events {
    pub(super) fn new() -> Self {
        let mut dice = Dice(4);
        Self {
            calls: (0..201).map(|n| call(n, &mut dice)).collect(),
            operations: (0..150).map(|_| operation(&mut dice)).collect(),
            small: (0..160).map(|n| small(n, &mut dice)).collect(),
            large: (0..400).map(|n| large(n, &mut dice)).collect(),
            evaluations: evaluations(&mut dice),
        }
    }

    /// A function over a lake that has them, each table in two links.
    pub(super) async fn function(&self) -> Function {
        let function = Function::start().await;
        for (table, rows) in [
            (Table::StockCall, &self.calls),
            (Table::StockOperation, &self.operations),
            (Table::Events, &self.small),
            (Table::GameEvents, &self.large),
            (Table::Evaluations, &self.evaluations),
        ] {
            let (first, second) = rows.split_at(rows.len() / 3);
            function.commit(table, 0, first).await;
            function.commit(table, 0, second).await;
        }
        function
    }

    /// The events of the large game of these types.
    pub(super) fn of_types<'a>(&'a self, types: &'a [&str]) -> impl Iterator<Item = &'a Value> {
        self.large
            .iter()
            .filter(|event| types.contains(&event["event_type"].as_str().unwrap()))
    }
}

fn at(n: usize) -> i64 {
    (START + n as i64) * 1000
}

fn call(n: usize, dice: &mut Dice) -> Value {
    let stock = dice.early(&STOCKS);
    json!({"event_type": format!("check_stock_{stock}"), "stock_name": stock, "_offset": n, "_timestamp": at(n)})
}

fn operation(dice: &mut Dice) -> Value {
    let action = ["buy", "sell"][dice.below(2)];
    let stock = STOCKS[4 - dice.below(5).min(dice.below(5))];
    let quantity = dice.below(50) + 1;
    let price = (dice.below(4000) as f64).mul_add(0.25, 10.0);
    json!({
        "event_type": format!("{action}_{stock}"), "stock_name": stock, "quantity": quantity,
        "price": price, "transaction_amount": price * quantity as f64, "_timestamp": at(0),
    })
}

fn small(n: usize, dice: &mut Dice) -> Value {
    let event_type = match dice.below(3) {
        0 => "join_guild".to_owned(),
        _ => format!("{} purchased", dice.early(&ITEMS)),
    };
    let host = format!("user{}.{}.com", dice.below(99) + 1, HOSTS[dice.below(8)]);
    json!({"event_type": event_type, "Host": host, "_timestamp": at(n)})
}

fn large(n: usize, dice: &mut Dice) -> Value {
    let user = dice.early(&USERS);
    let times = dice.below(5) + 1;
    let mut event = match dice.below(9) {
        0 => {
            json!({"event_type": "purchase_sword", "item_type": "sword", "amount_purchased": times, "price": 100})
        }
        1 => {
            json!({"event_type": "purchase_shield", "item_type": "shield", "amount_purchased": times, "price": 50})
        }
        2 => {
            json!({"event_type": "purchase_potion", "item_type": "potion", "amount_purchased": times * 9, "price": 5})
        }
        3 => json!({"event_type": "find_treasure"}),
        4 => json!({"event_type": "enemy_attack"}),
        5 => json!({"event_type": "defeat_enemy"}),
        6 => {
            json!({"event_type": "take_potion", "level": 0, "attack": 0, "defense": 0, "health": 10 * times})
        }
        7 => {
            json!({"event_type": "level_up", "level": 1, "attack": 200, "defense": 175, "health": 100})
        }
        _ => json!({"event_type": "join_guild", "guild_name": dice.early(&GUILDS)}),
    };
    event["userid"] = json!(user);
    event["Host"] = json!(format!("user-00{user}.comcast.com"));
    event["_timestamp"] = json!(at(n));
    event
}

/// Money in cents, as the lake's decimals are.
fn evaluations(dice: &mut Dice) -> Vec<Value> {
    let mut rows = Vec::new();
    for window in 0..6 {
        for (id, start) in [("1.1", 1_072_442_000), ("1.2", 59_024_000), ("10.2", 500)] {
            let (investor, portfolio) = id.split_once('.').unwrap();
            let nav = start + dice.below(5_000_000) as i64;
            let end = (START + 20 * window) * 1_000_000;
            rows.push(json!({
                "portfolio": id, "investor": investor.parse::<i32>().unwrap(),
                "portfolio_no": portfolio.parse::<i32>().unwrap(),
                "window_start": end - 20_000_000, "window_end": end, "nav": nav,
                "nav_change": 0, "nav_change_pct": 0, "_timestamp": end / 1000,
            }));
        }
    }
    rows
}
