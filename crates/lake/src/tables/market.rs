//! Tables of the exchanges: the ticks, and what they make of the portfolios.

use super::{Column, Kind};

pub(super) const TICKS: &[&[Column]] = &[&[
    Column::required("tick", Kind::Text, "ticker"),
    Column::required("price", Kind::Decimal(18), "price of one share"),
    Column::required("ts", Kind::Micros, "when the exchange published it"),
    Column::required(
        "exchange",
        Kind::Text,
        "exchange that lists the ticker: se1 or se2",
    ),
]];

pub(super) const EVALUATIONS: &[&[Column]] = &[&[
    Column::required("portfolio", Kind::Text, "portfolio id: investor.portfolio"),
    Column::required("investor", Kind::Int32, "number of the investor"),
    Column::required(
        "portfolio_no",
        Kind::Int32,
        "number of the portfolio among the investor's",
    ),
    Column::required("window_start", Kind::Micros, "first instant of the window"),
    Column::required("window_end", Kind::Micros, "first instant after the window"),
    Column::required(
        "nav",
        Kind::Decimal(38),
        "net asset value at the latest prices",
    ),
    Column::required(
        "nav_change",
        Kind::Decimal(38),
        "nav less the one before; 0 at first",
    ),
    Column::required(
        "nav_change_pct",
        Kind::Decimal(18),
        "100 x nav_change / nav before",
    ),
]];
