//! The threat model names tests: they are there, and every claim has one.

use tests::stack::workspace;

#[test]
fn every_claim_names_tests_that_exist() {
    let document = std::fs::read_to_string(workspace().join("docs/security.md")).unwrap();
    let (_, claims) = document.split_once("## Claims and their tests").unwrap();
    let (claims, _) = claims.split_once("\n## ").unwrap();
    let rows: Vec<&str> = claims
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(1)
        .collect();
    assert!(rows.len() >= 10, "{}", rows.len());
    let mut wrong = Vec::new();
    for row in rows {
        let named: Vec<_> = row
            .split('`')
            .filter_map(|part| part.split_once(".rs#"))
            .collect();
        if named.is_empty() {
            wrong.push(format!("no test: {row}"));
        }
        for (file, test) in named {
            let file = format!("{file}.rs");
            let text = std::fs::read_to_string(workspace().join(&file)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().map(str::trim).collect();
            let found = lines.iter().position(|line| {
                line.starts_with(&format!("fn {test}("))
                    || line.starts_with(&format!("async fn {test}("))
            });
            let is_test = |at: usize| {
                lines[at.saturating_sub(4)..at]
                    .iter()
                    .any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
            };
            if !found.is_some_and(is_test) {
                wrong.push(format!("{file} has no test {test}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
