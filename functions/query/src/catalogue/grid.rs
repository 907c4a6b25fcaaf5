//! An answer as cells: what pages show, charts draw and findings are written from.

use lambda_kit::Problem;
use serde_json::Value;
use sql::{Answer, Column, json_text};

use crate::figures;

/// The rows of an answer, or the first of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grid {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
    /// Whether the answer has more rows than these.
    pub(crate) more: bool,
    /// How many of the rows, at the end, are shown for a maximum that the first ones lack.
    pub(crate) below: usize,
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cell {
    /// As a person reads it.
    pub(crate) text: String,
    /// The value of a number, for drawing and comparing.
    pub(crate) number: Option<f64>,
    /// Whether there is no value.
    pub(crate) null: bool,
    /// Whether it is to be told apart as its column's maximum.
    pub(crate) highest: bool,
}

impl Grid {
    /// At most the first `most` rows.
    pub(crate) fn of(answer: &Answer, most: usize) -> Result<Self, Problem> {
        let columns = answer.columns();
        let mut rows = Vec::new();
        for batch in &answer.batches {
            for row in 0..batch.num_rows().min(most - rows.len()) {
                let cells = batch.columns().iter().zip(&columns);
                let cells = cells.map(|(array, column)| {
                    let text = json_text(array.as_ref(), row).map_err(|_| Problem::internal())?;
                    let value = serde_json::from_str(&text).map_err(|_| Problem::internal())?;
                    Ok(Cell::of(&value, column))
                });
                rows.push(cells.collect::<Result<_, Problem>>()?);
            }
        }
        Ok(Self {
            more: answer.truncated || answer.row_count() > rows.len(),
            columns,
            rows,
            below: 0,
        })
    }

    /// Keeps the first `most` rows.
    pub(crate) fn cut(&mut self, most: usize) {
        self.more |= self.rows.len() > most;
        self.rows.truncate(most);
    }

    /// The columns' names, each with whether its values are numbers, which stand right.
    pub(crate) fn heads(&self) -> impl Iterator<Item = (&str, bool)> {
        self.columns.iter().enumerate().map(|(at, column)| {
            let mut cells = self.rows.iter().filter_map(|row| row.get(at));
            let first = cells.find(|cell| !cell.null);
            let is_number = first.is_some_and(|cell| cell.number.is_some());
            (column.name.as_str(), is_number)
        })
    }

    /// Names and values of the only row, where there is one.
    pub(crate) fn only_row(&self) -> Option<Vec<(&str, &str)>> {
        let [row] = self.rows.as_slice() else {
            return None;
        };
        let named = self.columns.iter().zip(row);
        let values = named.map(|(column, cell)| (column.name.as_str(), cell.text.as_str()));
        Some(values.collect())
    }

    /// The place of a column.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The cell of a row and a named column.
    pub(crate) fn cell(&self, row: usize, name: &str) -> Option<&Cell> {
        self.rows.get(row)?.get(self.column(name)?)
    }

    /// The number at a row and a named column.
    pub(crate) fn number(&self, row: usize, name: &str) -> Option<f64> {
        self.cell(row, name)?.number
    }

    /// The text at a row and a named column; none where there is no value.
    pub(crate) fn text(&self, row: usize, name: &str) -> Option<&str> {
        let cell = self.cell(row, name)?;
        (!cell.null).then_some(cell.text.as_str())
    }
}

impl Cell {
    fn of(value: &Value, column: &Column) -> Self {
        let (text, number) = match value {
            Value::Null => ("—".to_owned(), None),
            Value::String(text) if column.kind.starts_with("decimal") => {
                (figures::grouped(text), text.parse().ok())
            }
            Value::String(text) => (text.clone(), None),
            Value::Number(number) => {
                let float = number.as_f64();
                (digits(number, float), float)
            }
            other => (other.to_string(), None),
        };
        Self {
            text,
            number,
            null: value.is_null(),
            highest: false,
        }
    }

    /// How the cell is marked up: numbers stand right, nothing stands back.
    pub(crate) fn class(&self) -> &'static str {
        match (self.highest, self.number.is_some(), self.null) {
            (true, true, _) => "number highest",
            (true, ..) => "highest",
            (_, true, _) => "number",
            (_, _, true) => "nothing",
            _ => "",
        }
    }
}

fn digits(number: &serde_json::Number, float: Option<f64>) -> String {
    if number.is_i64() || number.is_u64() {
        return figures::grouped(&number.to_string());
    }
    float.map_or_else(|| number.to_string(), figures::short)
}
