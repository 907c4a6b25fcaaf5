//! The answers to all questions of the catalogue, asked one after the other until the time is up.

use std::time::Instant;

use lambda_kit::Problem;

use crate::catalogue::{self, Drawing, Grid, Paper, Question, Set};
use crate::context::Context;
use crate::respond;

/// Rows of an answer that are shown.
const SHOWN_ROWS: usize = 12;
/// Rows of an answer that are shown where it has so many columns that it shows what rows look like, and no more.
const SAMPLE_ROWS: usize = 4;
/// The most columns that are read across.
const NARROW: usize = 8;
/// Rows that are asked for where a chart or a finding uses more than are shown.
const ASKED_ROWS: usize = 10_000;

/// A question with its answer, or with the reason why there is none.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    pub(super) question: &'static Question,
    pub(super) grid: Result<Grid, String>,
    pub(super) chart: Option<String>,
}

/// All of them, in the catalogue's order.
#[derive(Debug)]
pub(super) struct Answers(Vec<Answered>);

impl Answers {
    pub(super) async fn all(context: &Context, deadline: Instant) -> Self {
        let mut answers = Vec::new();
        for question in catalogue::all() {
            let grid = ask(question, context, deadline).await;
            let chart = grid
                .as_ref()
                .ok()
                .and_then(|grid| catalogue::draw(question.drawing, grid, Paper::File));
            answers.push(Answered {
                question,
                grid,
                chart,
            });
        }
        Self(answers)
    }

    /// The answer to a question of this name, if it has one.
    pub(super) fn grid(&self, slug: &str) -> Option<&Grid> {
        let answered = self.0.iter().find(|a| a.question.slug == slug)?;
        answered.grid.as_ref().ok()
    }

    /// What is shown: each set with its questions, long answers cut.
    pub(super) fn by_set(mut self) -> Vec<(Set, Vec<Answered>)> {
        for answered in &mut self.0 {
            if let Ok(grid) = &mut answered.grid {
                grid.cut(if grid.columns.len() > NARROW {
                    SAMPLE_ROWS
                } else {
                    SHOWN_ROWS
                });
            }
        }
        let of = |set| {
            let answers = self.0.iter().filter(|a| a.question.set == set);
            (set, answers.cloned().collect())
        };
        Set::ALL.into_iter().map(of).collect()
    }
}

async fn ask(question: &Question, context: &Context, deadline: Instant) -> Result<Grid, String> {
    let rows = match question.drawing {
        Drawing::None => SHOWN_ROWS,
        _ => ASKED_ROWS,
    };
    let answer = async {
        let limits = respond::until(deadline, rows)?;
        Grid::of(&respond::ask(context, question.sql, limits).await?, rows)
    };
    answer.await.map_err(|problem: Problem| problem.detail)
}
