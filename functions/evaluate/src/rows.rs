//! Evaluations as rows of the table `evaluations`, and back.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Int32Array, Int64Array, PrimitiveArray, RecordBatch,
    StringArray, TimestampMicrosecondArray, TimestampMillisecondArray,
};
use arrow::datatypes::{ArrowPrimitiveType, Decimal128Type, Int32Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use chrono::{DateTime, Utc};
use domain::{Decimal, Evaluation, PortfolioId};
use lake::Table;

/// An evaluation and the tick that closed its window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) evaluation: Evaluation,
    pub(crate) offset: i64,
    pub(crate) timestamp: i64,
}

/// Rows of the table; their audit columns name the tick that closed the window.
pub(crate) fn encode(topic: &str, partition: i32, rows: &[Row]) -> Result<RecordBatch, ArrowError> {
    let evaluations = || rows.iter().map(|row| &row.evaluation);
    let number = |of: fn(&PortfolioId) -> u32| -> Result<ArrayRef, ArrowError> {
        let numbers = evaluations().map(|evaluation| {
            i32::try_from(of(&evaluation.portfolio))
                .map_err(|error| ArrowError::CastError(error.to_string()))
        });
        Ok(Arc::new(Int32Array::from(
            numbers.collect::<Result<Vec<_>, _>>()?,
        )))
    };
    let time = |of: fn(&Evaluation) -> DateTime<Utc>| -> ArrayRef {
        let micros = evaluations().map(|evaluation| of(evaluation).timestamp_micros());
        Arc::new(TimestampMicrosecondArray::from_iter_values(micros).with_timezone("UTC"))
    };
    let money = |precision, of: fn(&Evaluation) -> Decimal| -> Result<ArrayRef, ArrowError> {
        let hundredths = evaluations().map(|evaluation| {
            let mut amount = of(evaluation);
            amount.rescale(2);
            amount.mantissa()
        });
        Ok(Arc::new(
            Decimal128Array::from_iter_values(hundredths).with_precision_and_scale(precision, 2)?,
        ))
    };
    let offsets = Int64Array::from_iter_values(rows.iter().map(|row| row.offset));
    let timestamps =
        TimestampMillisecondArray::from_iter_values(rows.iter().map(|row| row.timestamp));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(
            evaluations().map(|evaluation| evaluation.portfolio.to_string()),
        )),
        number(|id| id.investor)?,
        number(|id| id.portfolio)?,
        time(|evaluation| evaluation.window_start),
        time(|evaluation| evaluation.window_end),
        money(38, |evaluation| evaluation.nav)?,
        money(38, |evaluation| evaluation.nav_change)?,
        money(18, |evaluation| evaluation.nav_change_pct)?,
        Arc::new(StringArray::from_iter_values(rows.iter().map(|_| topic))),
        Arc::new(Int32Array::from_iter_values(rows.iter().map(|_| partition))),
        Arc::new(offsets),
        Arc::new(timestamps.with_timezone("UTC")),
    ];
    RecordBatch::try_new(Table::Evaluations.schema(), columns)
}

/// The evaluations of a link's rows; the error says what is wrong with them.
pub(crate) fn decode(rows: &RecordBatch) -> Result<Vec<Evaluation>, &'static str> {
    let investor = column::<Int32Type>(rows, "investor")?;
    let portfolio = column::<Int32Type>(rows, "portfolio_no")?;
    let start = column::<TimestampMicrosecondType>(rows, "window_start")?;
    let end = column::<TimestampMicrosecondType>(rows, "window_end")?;
    let nav = column::<Decimal128Type>(rows, "nav")?;
    let change = column::<Decimal128Type>(rows, "nav_change")?;
    let pct = column::<Decimal128Type>(rows, "nav_change_pct")?;

    let number = |value: i32| u32::try_from(value).map_err(|_| "a portfolio has a negative number");
    let time = |micros| {
        DateTime::from_timestamp_micros(micros).ok_or("a window lies outside of the calendar")
    };
    let money = |cents| {
        Decimal::try_from_i128_with_scale(cents, 2).map_err(|_| "an amount is out of range")
    };
    let evaluation = |at: usize| {
        Ok(Evaluation {
            portfolio: PortfolioId {
                investor: number(investor.value(at))?,
                portfolio: number(portfolio.value(at))?,
            },
            window_start: time(start.value(at))?,
            window_end: time(end.value(at))?,
            nav: money(nav.value(at))?,
            nav_change: money(change.value(at))?,
            nav_change_pct: money(pct.value(at))?,
        })
    };
    (0..rows.num_rows()).map(evaluation).collect()
}

fn column<'a, T: ArrowPrimitiveType>(
    rows: &'a RecordBatch,
    name: &str,
) -> Result<&'a PrimitiveArray<T>, &'static str> {
    let column = rows
        .column_by_name(name)
        .and_then(|column| column.as_primitive_opt::<T>());
    column
        .filter(|column| column.null_count() == 0)
        .ok_or("a column is missing, of another type or has nulls")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn any_row()(
            investor in 0..=i32::MAX as u32,
            portfolio in 0..=i32::MAX as u32,
            start in -62_135_596_800_000_000..253_402_300_800_000_000_i64,
            width in 0..1_000_000_000_i64,
            nav in 0..(1_i128 << 95),
            change in -(1_i128 << 95)..(1_i128 << 95),
            pct in -999_999_999_999_999_999..=999_999_999_999_999_999_i64,
            offset: i64,
            timestamp: i64,
        ) -> Row {
            let time = |micros| DateTime::from_timestamp_micros(micros).unwrap();
            let evaluation = Evaluation {
                portfolio: PortfolioId { investor, portfolio },
                window_start: time(start),
                window_end: time(start + width),
                nav: Decimal::from_i128_with_scale(nav, 2),
                nav_change: Decimal::from_i128_with_scale(change, 2),
                nav_change_pct: Decimal::new(pct, 2),
            };
            Row { evaluation, offset, timestamp }
        }
    }

    proptest! {
        #[test]
        fn rows_are_read_back(rows in prop::collection::vec(any_row(), 0..6)) {
            let batch = encode("StockExchange", 0, &rows).unwrap();
            let evaluations: Vec<Evaluation> = rows.into_iter().map(|row| row.evaluation).collect();
            prop_assert_eq!(decode(&batch), Ok(evaluations));
        }
    }

    #[test]
    fn rows_of_another_table_are_no_evaluations() {
        assert!(decode(&RecordBatch::new_empty(Table::Ticks.schema())).is_err());
    }
}
