//! Stocks: the analysts' six queries to the letter, then the set that came later.

use super::{Drawing, Question, Set};

/// Prices are per share as they are stored, so nothing is divided by a quantity here.
pub(super) const QUESTIONS: &[Question] = &[
    question(
        "stock-calls",
        "Which checks of stocks were there?",
        "SELECT * FROM stock_call",
        Drawing::None,
    ),
    question(
        "checks-per-stock",
        "How often was each stock checked, without its name?",
        "SELECT COUNT(stock_name) FROM stock_call GROUP BY stock_name",
        Drawing::None,
    ),
    question(
        "most-checked-stock",
        "Which stock is checked most?",
        "SELECT stock_name, COUNT(stock_name) as query_count FROM stock_call GROUP BY stock_name ORDER BY query_count desc LIMIT 1",
        Drawing::None,
    ),
    question(
        "least-checked-stock",
        "Which stock is checked least, of those that are checked at all?",
        "SELECT stock_name, COUNT(stock_name) as query_count FROM stock_call GROUP BY stock_name ORDER BY query_count asc LIMIT 1",
        Drawing::None,
    ),
    question(
        "stock-operations",
        "Which purchases and sales of stocks were there?",
        "SELECT * FROM stock_operation",
        Drawing::None,
    ),
    question(
        "largest-transaction",
        "What is the largest amount of one transaction?",
        "SELECT MAX(transaction_amount) AS max_transaction FROM stock_operation",
        Drawing::None,
    ),
    question(
        "most-purchased-stock",
        "Of which stock are most shares purchased, and at what average price per share?",
        "SELECT stock_name, SUM(quantity) AS shares, COUNT(*) AS purchases, AVG(price) AS average_price
FROM stock_operation
WHERE event_type LIKE 'buy%'
GROUP BY stock_name
ORDER BY shares DESC NULLS LAST, stock_name
LIMIT 1",
        Drawing::None,
    ),
    question(
        "least-purchased-stock",
        "Of which stock are fewest shares purchased, of those that are purchased at all, and at what average price per share?",
        "SELECT stock_name, SUM(quantity) AS shares, COUNT(*) AS purchases, AVG(price) AS average_price
FROM stock_operation
WHERE event_type LIKE 'buy%'
GROUP BY stock_name
ORDER BY shares ASC NULLS LAST, stock_name
LIMIT 1",
        Drawing::None,
    ),
    question(
        "most-sold-stock",
        "Of which stock are most shares sold, and at what average price per share?",
        "SELECT stock_name, SUM(quantity) AS shares, COUNT(*) AS sales, AVG(price) AS average_price
FROM stock_operation
WHERE event_type LIKE 'sell%'
GROUP BY stock_name
ORDER BY shares DESC NULLS LAST, stock_name
LIMIT 1",
        Drawing::None,
    ),
    question(
        "least-sold-stock",
        "Of which stock are fewest shares sold, of those that are sold at all, and at what average price per share?",
        "SELECT stock_name, SUM(quantity) AS shares, COUNT(*) AS sales, AVG(price) AS average_price
FROM stock_operation
WHERE event_type LIKE 'sell%'
GROUP BY stock_name
ORDER BY shares ASC NULLS LAST, stock_name
LIMIT 1",
        Drawing::None,
    ),
    question(
        "highest-sale-price",
        "What is the highest price per share at which a stock was sold?",
        "SELECT stock_name, MAX(price) AS highest_sale_price
FROM stock_operation
WHERE event_type LIKE 'sell%'
GROUP BY stock_name
ORDER BY highest_sale_price DESC NULLS LAST, stock_name
LIMIT 1",
        Drawing::None,
    ),
    question(
        "lowest-sale-price",
        "What is the lowest price per share at which a stock was sold?",
        "SELECT stock_name, MIN(price) AS lowest_sale_price
FROM stock_operation
WHERE event_type LIKE 'sell%'
GROUP BY stock_name
ORDER BY lowest_sale_price ASC NULLS LAST, stock_name
LIMIT 1",
        Drawing::None,
    ),
    question(
        "highest-purchase-price",
        "What is the highest price per share at which a stock was purchased?",
        "SELECT stock_name, MAX(price) AS highest_purchase_price
FROM stock_operation
WHERE event_type LIKE 'buy%'
GROUP BY stock_name
ORDER BY highest_purchase_price DESC NULLS LAST, stock_name
LIMIT 1",
        Drawing::None,
    ),
    question(
        "lowest-purchase-price",
        "What is the lowest price per share at which a stock was purchased?",
        "SELECT stock_name, MIN(price) AS lowest_purchase_price
FROM stock_operation
WHERE event_type LIKE 'buy%'
GROUP BY stock_name
ORDER BY lowest_purchase_price ASC NULLS LAST, stock_name
LIMIT 1",
        Drawing::None,
    ),
    question(
        "interest-and-trade",
        "How often is each stock checked, and how many of its shares are purchased and sold?",
        "SELECT stock_name, SUM(checks) AS checks, SUM(purchased) AS shares_purchased, SUM(sold) AS shares_sold
FROM (
  SELECT stock_name, 1 AS checks, 0 AS purchased, 0 AS sold FROM stock_call
  UNION ALL
  SELECT stock_name, 0,
    CASE WHEN event_type LIKE 'buy%' THEN quantity ELSE 0 END,
    CASE WHEN event_type LIKE 'sell%' THEN quantity ELSE 0 END
  FROM stock_operation
) AS activity
GROUP BY stock_name
ORDER BY checks DESC, stock_name",
        bars("checks", "Checks"),
    ),
    question(
        "purchases-per-stock",
        "How many shares of each stock are purchased, and at what average price per share?",
        "SELECT stock_name, SUM(quantity) AS shares, COUNT(*) AS purchases, AVG(price) AS average_price
FROM stock_operation
WHERE event_type LIKE 'buy%'
GROUP BY stock_name
ORDER BY shares DESC NULLS LAST, stock_name",
        bars("shares", "Shares purchased"),
    ),
    question(
        "sales-per-stock",
        "How many shares of each stock are sold, and at what average price per share?",
        "SELECT stock_name, SUM(quantity) AS shares, COUNT(*) AS sales, AVG(price) AS average_price
FROM stock_operation
WHERE event_type LIKE 'sell%'
GROUP BY stock_name
ORDER BY shares DESC NULLS LAST, stock_name",
        bars("shares", "Shares sold"),
    ),
];

const fn bars(value: &'static str, y_axis: &'static str) -> Drawing {
    Drawing::Bars {
        names: &["stock_name"],
        value,
        x_axis: "Stock",
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
        set: Set::Stocks,
        sentence,
        sql,
        parameters: &[],
        drawing,
    }
}
