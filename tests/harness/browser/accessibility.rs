//! axe-core in the page: what people with disabilities would stumble over.

use std::path::PathBuf;

use super::{Browser, target};

/// Where `make tools` puts axe-core.
fn axe() -> PathBuf {
    target().join("tools/pages/node_modules/axe-core/axe.min.js")
}

impl Browser {
    /// The serious and critical violations on the page; `None` when axe-core is not installed, which is said.
    pub async fn violations(&self) -> Option<Vec<String>> {
        let Ok(axe) = std::fs::read_to_string(axe()) else {
            eprintln!("skipped: axe-core is not installed (make tools)");
            return None;
        };
        let script = format!("{axe};\n{}", include_str!("violations.js"));
        let found = self.run(&script, Vec::new()).await;
        Some(serde_json::from_value(found).unwrap())
    }
}
