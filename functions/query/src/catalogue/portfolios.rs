//! Portfolios: their evaluations in an interval, and what these come to.

use super::{Drawing, Parameter, Question, Set};

/// The evaluation's place in time: both ends of an interval are included.
const FROM: Parameter = Parameter::instant(
    "from",
    "window_end >= ",
    "1970-01-01T00:00:00Z",
    "first window end: RFC 3339, or YYYY-MM-DD HH:MM:SS in UTC, or a day",
);
const TO: Parameter = Parameter::instant(
    "to",
    "window_end <= ",
    "2200-01-01T00:00:00Z",
    "last window end, included; a day is included whole",
);

pub(super) const QUESTIONS: &[Question] = &[
    Question {
        slug: "portfolio-evaluations",
        set: Set::Portfolios,
        sentence: "What was one portfolio of one investor worth in an interval?",
        sql: "SELECT portfolio, window_end, nav, nav_change, nav_change_pct
FROM evaluations
WHERE investor = 1 AND portfolio_no = 1
  AND window_end >= '1970-01-01T00:00:00Z' AND window_end <= '2200-01-01T00:00:00Z'
ORDER BY window_end, _timestamp, _offset",
        parameters: &[
            Parameter::number("investor", "investor = ", "1", "number of the investor"),
            Parameter::number(
                "portfolio",
                "portfolio_no = ",
                "1",
                "number of the portfolio among the investor's",
            ),
            FROM,
            TO,
        ],
        drawing: Drawing::Lines {
            series: "portfolio",
            time: "window_end",
            value: "nav",
            y_axis: "Net asset value, USD",
        },
    },
    // The same figures as /api/portfolios/statistics: the deviation is of the sample, the spread is (max - min) / average.
    Question {
        slug: "portfolio-statistics",
        set: Set::Portfolios,
        sentence: "What are the average valuation, the deviation and the biggest spread of every portfolio in an interval?",
        sql: "SELECT portfolio, 'Investor ' || investor AS investor_name,
  CAST(AVG(nav) AS DECIMAL(38,2)) AS \"Average_Valuation\",
  CAST(ROUND(STDDEV_SAMP(CAST(nav AS DOUBLE)), 2) AS DECIMAL(38,2)) AS \"Std_Dev\",
  CAST(ROUND(CAST(MAX(nav) - MIN(nav) AS DOUBLE) / NULLIF(CAST(AVG(nav) AS DOUBLE), 0), 2) AS DECIMAL(18,2)) AS \"Biggest_Spread\"
FROM evaluations
WHERE window_end >= '1970-01-01T00:00:00Z' AND window_end <= '2200-01-01T00:00:00Z'
GROUP BY portfolio, investor, portfolio_no
ORDER BY investor, portfolio_no",
        parameters: &[FROM, TO],
        drawing: Drawing::Bars {
            names: &["portfolio"],
            value: "Average_Valuation",
            x_axis: "Portfolio",
            y_axis: "Average valuation, USD",
        },
    },
    Question {
        slug: "portfolio-changes",
        set: Set::Portfolios,
        sentence: "How much has every portfolio gained or lost from its first evaluation to its last, in an interval?",
        sql: "SELECT portfolio, windows, first_nav, last_nav, last_nav - first_nav AS gained,
  CAST(ROUND(100 * CAST(last_nav - first_nav AS DOUBLE) / NULLIF(CAST(first_nav AS DOUBLE), 0), 2) AS DECIMAL(18,2)) AS gained_pct
FROM (
  SELECT portfolio, investor, portfolio_no, COUNT(*) AS windows,
    FIRST_VALUE(nav ORDER BY window_end, _timestamp, _offset) AS first_nav,
    LAST_VALUE(nav ORDER BY window_end, _timestamp, _offset) AS last_nav
  FROM evaluations
  WHERE window_end >= '1970-01-01T00:00:00Z' AND window_end <= '2200-01-01T00:00:00Z'
  GROUP BY portfolio, investor, portfolio_no
) AS ends
ORDER BY investor, portfolio_no",
        parameters: &[FROM, TO],
        drawing: Drawing::Bars {
            names: &["portfolio"],
            value: "gained_pct",
            x_axis: "Portfolio",
            y_axis: "Gained, %",
        },
    },
    Question {
        slug: "valuations-over-time",
        set: Set::Portfolios,
        sentence: "What was every portfolio worth at the end of each of the latest windows?",
        sql: "SELECT window_end, portfolio, nav, nav_change_pct
FROM evaluations
WHERE window_end >= '1970-01-01T00:00:00Z' AND window_end <= '2200-01-01T00:00:00Z'
ORDER BY window_end DESC, investor, portfolio_no
LIMIT 3000",
        parameters: &[FROM, TO],
        drawing: Drawing::Lines {
            series: "portfolio",
            time: "window_end",
            value: "nav",
            y_axis: "Net asset value, USD",
        },
    },
];
