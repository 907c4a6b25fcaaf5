//! Runs one statement under its limits, on threads of its own.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::TableReference;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlanBuilder;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SQLOptions;
use datafusion::sql::parser::Statement as Planned;
use datafusion::sql::sqlparser::ast::{ObjectName, Statement};
use futures::StreamExt;
use statement::{Parsed, Shown, Spelling};

use crate::error::Stage;
use crate::{Answer, Limits, Sql, SqlError, bounds, resident};

impl Sql {
    /// Answers one statement.
    ///
    /// It runs on threads of its own, which are given up at the time limit: a plan that never yields can
    /// neither hold up the clock nor the next statement. Dropping the future stops the statement as well. One that
    /// goes on for long, or takes ever more memory, is a matter for [`Settings::runaway`](crate::Settings).
    pub async fn run(&self, query: &str, limits: Limits) -> Result<Answer, SqlError> {
        let threads = self.threads(limits)?;
        let sql = self.clone();
        let query = query.to_owned();
        let work = threads.spawn(async move { sql.answer(&query, limits).await });
        tokio::select! {
            done = work => done.unwrap_or_else(|failed| Err(of_panic(failed, limits))),
            () = tokio::time::sleep(limits.timeout) => {
                Err(SqlError::TimedOut { after: limits.timeout })
            }
            // Twice the pool: what it does not count, and the caches, have room beside what it does.
            () = resident::outgrown(limits.memory.saturating_mul(2)) => {
                Err(SqlError::OutOfMemory { limit: limits.memory })
            }
        }
    }

    async fn answer(&self, query: &str, limits: Limits) -> Result<Answer, SqlError> {
        self.reachable()?;
        let mut parsed = statement::parse(query)?;
        match &parsed.folded {
            Statement::ShowTables { .. } => {
                return match parsed.written.to_string().as_str() {
                    "SHOW TABLES" => Ok(show_tables(self.tables())),
                    other => Err(SqlError::Forbidden {
                        what: other.to_owned(),
                    }),
                };
            }
            Statement::ExplainTable { table_name, .. } => {
                return self.describe_as_rows(&bare(table_name));
            }
            _ => {}
        }
        let mut swaps = self.swaps().await?;
        let state = self.state(limits.memory, swaps.clone());
        let spelling = self.spelling(&state, &parsed)?;
        let shown = statement::name_columns(&mut parsed, &spelling);
        let answer = loop {
            let state = self.state(limits.memory, swaps.clone());
            let answer = collect(&state, parsed.folded.clone(), limits).await;
            // A table that was swapped meanwhile may have been read in part, so that does not count.
            let now = self.swaps().await?;
            if now == swaps {
                break answer;
            }
            swaps = now;
        };
        answer
            .map(|answer| rename(answer, &shown, &spelling))
            .map_err(|error| respell(error, &spelling))
    }

    /// The spelling of every name that the statement can mean; fails if it names a table that does not exist.
    fn spelling(&self, state: &SessionState, parsed: &Parsed) -> Result<Spelling, SqlError> {
        let statement = Planned::Statement(Box::new(parsed.folded.clone()));
        let references = state
            .resolve_table_references(&statement)
            .map_err(SqlError::Plan)?;
        let mut spelling = Spelling::default();
        for reference in references {
            let relation = known_place(&reference).then(|| self.relation(reference.table()));
            match relation {
                Some(Ok(relation)) => {
                    let columns = relation.columns();
                    spelling.learn(columns.iter().map(|column| column.name));
                }
                _ if state.table_functions().contains_key(reference.table()) => {}
                _ => {
                    return Err(SqlError::UnknownTable {
                        name: reference.to_string(),
                        known: self.tables(),
                    });
                }
            }
        }
        spelling.learn(parsed.aliases.iter().map(String::as_str));
        Ok(spelling)
    }

    fn describe_as_rows(&self, name: &str) -> Result<Answer, SqlError> {
        let columns = self.describe(name)?;
        let names = StringArray::from_iter_values(columns.iter().map(|c| c.name));
        let types = StringArray::from_iter_values(columns.iter().map(|c| &c.kind));
        let nullable: BooleanArray = columns.iter().map(|c| Some(c.nullable)).collect();
        let docs = StringArray::from_iter_values(columns.iter().map(|c| c.doc));
        Ok(rows(vec![
            ("column_name", Arc::new(names)),
            ("data_type", Arc::new(types)),
            ("is_nullable", Arc::new(nullable)),
            ("description", Arc::new(docs)),
        ]))
    }
}

fn known_place(reference: &TableReference) -> bool {
    reference
        .catalog()
        .is_none_or(|c| c == crate::catalog::CATALOG)
        && reference
            .schema()
            .is_none_or(|s| s == crate::catalog::SCHEMA)
}

fn bare(name: &ObjectName) -> String {
    name.0
        .last()
        .and_then(|part| part.as_ident())
        .map_or_else(|| name.to_string(), |ident| ident.value.clone())
}

fn show_tables(names: Vec<String>) -> Answer {
    let names = StringArray::from_iter_values(names);
    rows(vec![("table_name", Arc::new(names))])
}

fn rows(columns: Vec<(&str, ArrayRef)>) -> Answer {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), false))
        .collect();
    let schema = Arc::new(Schema::new(fields));
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    #[expect(
        clippy::expect_used,
        reason = "the schema is made of the arrays, all of one length"
    )]
    let batch =
        RecordBatch::try_new(Arc::clone(&schema), arrays).expect("columns fit their schema");
    Answer {
        schema,
        batches: vec![batch],
        truncated: false,
    }
}

async fn collect(
    state: &SessionState,
    statement: Statement,
    limits: Limits,
) -> Result<Answer, SqlError> {
    let planning = |error| SqlError::of_engine(error, Stage::Planning, limits.memory);
    let running = |error| SqlError::of_engine(error, Stage::Running, limits.memory);
    let is_query = matches!(statement, Statement::Query(_));
    let mut plan = state
        .statement_to_plan(Planned::Statement(Box::new(statement)))
        .await
        .map_err(planning)?;
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(&plan)
        .map_err(|_| SqlError::Forbidden {
            what: "this statement".to_owned(),
        })?;
    if is_query {
        // One more than is answered tells whether there are more; the engine stops by itself after it.
        plan = LogicalPlanBuilder::from(plan)
            .limit(0, Some(limits.rows.saturating_add(1)))
            .and_then(LogicalPlanBuilder::build)
            .map_err(planning)?;
    }
    let plan = state.optimize(&plan).map_err(planning)?;
    bounds::hold(&plan).map_err(planning)?;
    let plan = bounds::interruptible(plan).map_err(planning)?;
    let physical = state
        .query_planner()
        .create_physical_plan(&plan, state)
        .await
        .map_err(planning)?;
    let mut stream = execute_stream(physical, state.task_ctx()).map_err(running)?;
    let schema = stream.schema();
    let mut batches = Vec::new();
    let mut left = limits.rows;
    let mut bytes = 0_usize;
    let mut truncated = false;
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(running)?;
        bytes = bytes.saturating_add(batch.get_array_memory_size());
        if bytes > limits.memory {
            return Err(SqlError::TooLarge {
                what: "the answer",
                limit: limits.memory,
            });
        }
        truncated = batch.num_rows() > left;
        let kept = batch.slice(0, batch.num_rows().min(left));
        left -= kept.num_rows();
        if kept.num_rows() > 0 {
            batches.push(kept);
        }
        if truncated {
            break;
        }
    }
    Ok(Answer {
        schema,
        batches,
        truncated,
    })
}

fn rename(answer: Answer, shown: &Shown, spelling: &Spelling) -> Answer {
    let names = answer
        .schema
        .fields()
        .iter()
        .enumerate()
        .map(|(at, field)| {
            let given = shown.as_ref().and_then(|names| names.get(at)?.clone());
            given.unwrap_or_else(|| spelling.of(field.name()).to_owned())
        });
    let fields: Vec<Field> = statement::distinct(names)
        .into_iter()
        .zip(answer.schema.fields())
        .map(|(name, field)| {
            let kind: DataType = field.data_type().clone();
            Field::new(name, kind, true)
        })
        .collect();
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let batches = answer.batches.iter().map(|batch| {
        #[expect(clippy::expect_used, reason = "only names and nullability differ")]
        RecordBatch::try_new_with_options(
            Arc::clone(&schema),
            batch.columns().to_vec(),
            &arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows())),
        )
        .expect("a renamed batch has the same columns")
    });
    Answer {
        batches: batches.collect(),
        schema,
        truncated: answer.truncated,
    }
}

fn respell(error: SqlError, spelling: &Spelling) -> SqlError {
    match error {
        SqlError::UnknownColumn { name, known } => SqlError::UnknownColumn {
            name,
            known: known.iter().map(|k| spelling.of(k).to_owned()).collect(),
        },
        other => other,
    }
}

fn of_panic(error: tokio::task::JoinError, limits: Limits) -> SqlError {
    let detail = match error.try_into_panic() {
        Ok(panic) => panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "a panic without a message".to_owned()),
        Err(error) => error.to_string(),
    };
    // Arrow panics, before it allocates, on texts that together would have more than 2 GiB.
    if detail.contains("offset overflow") || detail.contains("capacity overflow") {
        return SqlError::OutOfMemory {
            limit: limits.memory,
        };
    }
    SqlError::Broken { detail }
}
