//! The APIs as their own documents describe them: valid, and no answer that they do not mention.

use std::path::PathBuf;
use std::process::Command;

use tests::http::get;
use tests::stack::{Stack, binaries};
use tests::{data, tools};

/// Where `make tools` puts the checks of the documents.
fn tool(name: &str) -> Option<Command> {
    let file: PathBuf = binaries().parent()?.join("tools/apis/bin").join(name);
    if file.is_file() {
        return Some(Command::new(file));
    }
    eprintln!("skipped: {name} is not installed (make tools)");
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_are_valid_and_tell_every_answer() {
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    data::prices(&stack).await;
    data::customers(&stack).await;
    data::players(&stack).await;
    let folder = tempfile::tempdir().unwrap();
    let apis = [&stack.run.stocks, &stack.run.games, &stack.run.lake];
    for (name, base) in ["stocks", "games", "lake"].into_iter().zip(apis) {
        let document = get(format!("{base}/openapi.json")).await;
        assert!(
            document.json()["openapi"]
                .as_str()
                .unwrap()
                .starts_with("3.1."),
            "{name}"
        );
        let file = folder.path().join(format!("{name}.json"));
        std::fs::write(&file, &document.body).unwrap();
        if let Some(mut validator) = tool("openapi-spec-validator") {
            let output = validator.args(["--schema", "3.1"]).arg(&file).output();
            tools::printed(&output.unwrap());
        }
        let Some(mut schemathesis) = tool("schemathesis") else {
            continue;
        };
        // The same examples in every run; what is drawn at random would fail on somebody else's change.
        let output = schemathesis
            .current_dir(folder.path())
            .args(["run", &format!("{base}/openapi.json"), "--no-color"])
            .args(["--workers", "1", "--max-examples", "20"])
            .args(["--generation-deterministic", "--request-timeout", "30"])
            .args(["--phases", "examples,coverage,fuzzing"])
            .args(["--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance"])
            .output();
        let report = tools::printed(&output.unwrap());
        assert!(report.contains(" generated, "), "{name}: {report}");
    }
}
