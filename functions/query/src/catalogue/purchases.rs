//! The small game: what is purchased, and through which provider.

use super::{Drawing, Question, Set};

pub(super) const QUESTIONS: &[Question] = &[
    Question {
        slug: "purchases-by-type",
        set: Set::Purchases,
        sentence: "How many purchases of each type are there, most first?",
        sql: "SELECT event_type, COUNT(*) AS purchase_count
FROM purchases
GROUP BY event_type
ORDER BY purchase_count DESC, event_type",
        parameters: &[],
        drawing: Drawing::Bars {
            names: &["event_type"],
            value: "purchase_count",
            x_axis: "Purchase",
            y_axis: "Purchases",
        },
    },
    Question {
        slug: "purchases-by-provider",
        set: Set::Purchases,
        sentence: "How many purchases of each type come from the hosts of each provider?",
        sql: "SELECT
  CASE
    WHEN Host LIKE '%comcast%' THEN 'comcast'
    WHEN Host LIKE '%att%' THEN 'att'
    WHEN Host LIKE '%google%' THEN 'google'
    WHEN Host LIKE '%frontier%' THEN 'frontier'
    WHEN Host LIKE '%cox%' THEN 'cox'
    WHEN Host LIKE '%earthlink%' THEN 'earthlink'
  END AS host_provider,
  event_type,
  COUNT(*) AS purchase_count
FROM purchases
GROUP BY host_provider, event_type
ORDER BY purchase_count DESC, host_provider, event_type",
        parameters: &[],
        drawing: Drawing::Bars {
            names: &["host_provider", "event_type"],
            value: "purchase_count",
            x_axis: "Provider and purchase",
            y_axis: "Purchases",
        },
    },
];
