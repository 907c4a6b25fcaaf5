//! What customers ask about, what they trade, and where the two part.

use super::{Answers, Finding, counted, percent, times};
use crate::catalogue::Grid;
use crate::figures;

/// From which difference of shares on a stock's interest and trade are apart, in points of a hundred.
const APART: f64 = 5.0;

/// Up to which part of all trade purchases and sales may differ and still balance.
const BALANCED: f64 = 0.1;

struct Stock {
    name: String,
    checks: f64,
    purchased: f64,
    sold: f64,
}

impl Stock {
    fn traded(&self) -> f64 {
        self.purchased + self.sold
    }
}

pub(super) fn findings(answers: &Answers) -> Vec<Finding> {
    let Some(grid) = answers.grid("interest-and-trade") else {
        return vec![Finding::unknown("stocks")];
    };
    let stocks = stocks(grid);
    let checks: f64 = stocks.iter().map(|stock| stock.checks).sum();
    let traded: f64 = stocks.iter().map(Stock::traded).sum();
    let mut findings = vec![interest(&stocks, checks), trade(&stocks, traded, answers)];
    if checks > 0.0 && traded > 0.0 {
        findings.extend(gap(&stocks, checks, traded));
    }
    findings
}

fn stocks(grid: &Grid) -> Vec<Stock> {
    let number = |row, column| grid.number(row, column).unwrap_or_default();
    (0..grid.rows.len())
        .filter_map(|row| {
            Some(Stock {
                name: grid.text(row, "stock_name")?.to_owned(),
                checks: number(row, "checks"),
                purchased: number(row, "shares_purchased"),
                sold: number(row, "shares_sold"),
            })
        })
        .collect()
}

fn interest(stocks: &[Stock], checks: f64) -> Finding {
    let mut checked: Vec<&Stock> = stocks.iter().filter(|stock| stock.checks > 0.0).collect();
    checked.sort_by(|a, b| b.checks.total_cmp(&a.checks));
    let (Some(most), Some(least)) = (checked.first(), checked.last()) else {
        return Finding::new(
            "Nobody has checked a stock yet.",
            "Send customers to the Stocks API, or make some calls with tidemill load stocks.",
        );
    };
    if checked.len() == 1 {
        return Finding::new(
            format!(
                "{} is the only stock that is checked: {}.",
                most.name,
                counted(checks, "time", "times")
            ),
            "Show customers the other tickers: those that nobody sees, nobody asks for.",
        );
    }
    Finding::new(
        format!(
            "{} is checked most: {} of {} ({}), {} as {}, which is checked least ({}) of the {} stocks that are checked.",
            most.name,
            figures::short(most.checks),
            counted(checks, "check", "checks"),
            percent(most.checks, checks),
            times(most.checks, least.checks),
            least.name,
            figures::short(least.checks),
            checked.len(),
        ),
        format!(
            "Put {} first in what customers are shown, and keep its quotes freshest; find out whether {} is worth its place.",
            most.name, least.name
        ),
    )
}

fn trade(stocks: &[Stock], traded: f64, answers: &Answers) -> Finding {
    if traded == 0.0 {
        return Finding::new(
            "Nobody has purchased or sold a stock yet.",
            "Until someone does, only interest can be judged.",
        );
    }
    let purchased: f64 = stocks.iter().map(|stock| stock.purchased).sum();
    let sold: f64 = stocks.iter().map(|stock| stock.sold).sum();
    let mut sentence = format!(
        "Customers purchased {} and sold {}",
        counted(purchased, "share", "shares"),
        figures::short(sold)
    );
    let best = answers.grid("most-purchased-stock").and_then(|grid| {
        let price = grid.number(0, "average_price")?;
        let shares = grid.number(0, "shares")?;
        Some((grid.text(0, "stock_name")?, shares, price))
    });
    if let Some((name, shares, price)) = best {
        sentence.push_str(&format!(
            "; {name} leads the purchases with {} ({}) at {} a share on average",
            counted(shares, "share", "shares"),
            percent(shares, purchased),
            figures::fixed(price, 2)
        ));
    }
    sentence.push('.');
    let advice = if (purchased - sold).abs() < BALANCED * traded {
        "Purchases and sales balance: look at single stocks, below, for who moves where."
    } else if purchased > sold {
        "Customers build positions: this is the time to advise them on what to hold beside their favourite."
    } else {
        "Customers leave the market: tell them early what to move into, before they move away."
    };
    Finding::new(sentence, advice)
}

/// The stock whose share of the interest is furthest above its share of the trade.
fn gap(stocks: &[Stock], checks: f64, traded: f64) -> Option<Finding> {
    let shares = |stock: &Stock| {
        (
            100.0 * stock.checks / checks,
            100.0 * stock.traded() / traded,
        )
    };
    let apart = |stock: &Stock| shares(stock).0 - shares(stock).1;
    let stock = stocks.iter().max_by(|a, b| apart(a).total_cmp(&apart(b)))?;
    let (interest, trade) = shares(stock);
    if apart(stock) < APART {
        return Some(Finding::new(
            format!(
                "Customers trade what they check: no stock's share of the checks is {APART} points above its share of the shares traded."
            ),
            "Nothing has to be done; interest foretells trade, so watch the checks.",
        ));
    }
    Some(Finding::new(
        format!(
            "{} draws {} of the checks but {} of the shares traded: interest that does not end in a trade.",
            stock.name,
            percent(interest, 100.0),
            percent(trade, 100.0)
        ),
        format!(
            "Ask those who check {} what keeps them from trading it, and advise on exactly that.",
            stock.name
        ),
    ))
}
