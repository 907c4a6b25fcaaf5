//! Whatever is asked in SQL: it is refused with a place that is in the text, or its columns have names of their own.

use std::collections::HashSet;

use statement::{Spelling, StatementError, distinct, name_columns, parse};

/// Holds `data` as a statement.
pub(crate) fn hold(data: &[u8]) {
    let Ok(sql) = std::str::from_utf8(data) else {
        return;
    };
    let mut parsed = match parse(sql) {
        Ok(parsed) => parsed,
        Err(StatementError::Syntax { line, column, .. }) => {
            let lines = sql.matches('\n').count() as u64 + 1;
            assert!(
                (1..=lines).contains(&line) && column >= 1,
                "line {line}, column {column}"
            );
            return;
        }
        Err(_) => return,
    };
    let mut spelling = Spelling::default();
    spelling.learn(["stock_name", "Host", "User-Agent", "_offset"]);
    spelling.learn(parsed.aliases.iter().map(String::as_str));
    if let Some(shown) = name_columns(&mut parsed, &spelling) {
        let named: Vec<_> = shown.into_iter().flatten().collect();
        assert_eq!(names_apart(&named), named.len(), "{named:?}");
        assert_eq!(
            distinct(named.clone()),
            named,
            "names that are apart already stay"
        );
    }
    parsed.folded.to_string();
}

fn names_apart(names: &[String]) -> usize {
    let folded: HashSet<_> = names.iter().map(|name| name.to_lowercase()).collect();
    folded.len()
}
