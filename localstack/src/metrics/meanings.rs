//! What every metric means, the functions' and the host's: as `docs/metrics.md` says it, and nowhere else.

use metrics::{describe_counter, describe_gauge};

const DOCUMENT: &str = include_str!("../../../docs/metrics.md");

/// Gives the recorder a sentence for each.
pub(super) fn describe() {
    for (name, meaning) in meanings(DOCUMENT) {
        if name.ends_with("_total") {
            describe_counter!(name, meaning);
        } else {
            describe_gauge!(name, meaning);
        }
    }
}

/// Names and meanings: of every table that begins with the column `metric` and has a column `meaning`.
fn meanings(text: &str) -> Vec<(String, String)> {
    let mut meanings = Vec::new();
    let mut column = None;
    for line in text.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        match cells.get(1) {
            None => column = None,
            Some(&"metric") => column = cells.iter().position(|cell| *cell == "meaning"),
            Some(name) => {
                let name = name
                    .strip_prefix('`')
                    .and_then(|name| name.strip_suffix('`'));
                if let (Some(name), Some(meaning)) = (name, column.and_then(|at| cells.get(at))) {
                    meanings.push((name.to_owned(), meaning.replace('`', "")));
                }
            }
        }
    }
    meanings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_read() {
        let text = "| question | metric |\n|---|---|\n| well? | `a_total` |\n\n| metric | unit | meaning |\n|---|---|---|\n\
                    | `b_total` | count | what `B` is |\n\n| field | meaning |\n|---|---|\n| `c` | C |\n";
        let b = ("b_total".to_owned(), "what B is".to_owned());
        assert_eq!(meanings(text), [b]);
        let all = meanings(DOCUMENT);
        assert!(all.len() > 30, "{all:?}");
        assert!(all.iter().all(|(_, meaning)| meaning.len() > 3), "{all:?}");
    }
}
