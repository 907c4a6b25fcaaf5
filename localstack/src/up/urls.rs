//! The table of addresses that is printed when the system is ready.

use super::{data::DataFolder, run_file::RunFile};
use crate::template::HttpApi;

/// One line for each address, the APIs in the template's order.
pub(super) fn table(
    apis: &[HttpApi],
    run: &RunFile,
    localstack: Option<&str>,
    folder: &DataFolder,
) -> Vec<String> {
    let mut rows: Vec<(String, String)> = apis
        .iter()
        .filter_map(|api| {
            Some((
                format!("{} API", capitalised(&api.name)),
                run.api(&api.name)?.to_owned(),
            ))
        })
        .collect();
    rows.push(("Lambda API".to_owned(), run.lambda.clone()));
    rows.push(("Kafka".to_owned(), run.kafka.clone()));
    rows.push(("Lake".to_owned(), run.lake_url.clone()));
    rows.extend(localstack.map(|endpoint| ("LocalStack".to_owned(), endpoint.to_owned())));
    rows.push(("Logs".to_owned(), folder.logs().display().to_string()));
    let width = rows
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or_default();
    rows.into_iter()
        .map(|(name, address)| format!("  {name:width$}  {address}"))
        .collect()
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
