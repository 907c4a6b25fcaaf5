//! How a folded name is written: as its author wrote it, or as the table declares it.

use std::collections::HashMap;

/// From a name in lower case to the one that is shown.
#[derive(Debug, Clone, Default)]
pub struct Spelling(HashMap<String, String>);

impl Spelling {
    /// Learns names; a later one wins over an earlier one that differs by case only.
    pub fn learn<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        for name in names {
            self.0.insert(name.to_lowercase(), name.to_owned());
        }
    }

    /// The name to show for a folded one.
    pub fn of<'a>(&'a self, folded: &'a str) -> &'a str {
        self.0.get(folded).map_or(folded, String::as_str)
    }
}
