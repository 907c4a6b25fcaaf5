//! Whatever stands in a template: it is refused in words, or what was read of it makes sense.

use std::error::Error;

use crate::template::{Template, Values};

/// Holds `data` as a template.
pub(crate) fn hold(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let values = Values::from([("Lake".to_owned(), "file:///lake".to_owned())]);
    match Template::parse(text, &values) {
        Ok(template) => {
            for function in &template.functions {
                assert!(!function.name.is_empty() && !function.binary.is_empty());
                assert!((1..=900).contains(&function.timeout.as_secs()));
                let known = template.apis.iter().map(|api| &api.logical_id);
                let known: Vec<_> = known.collect();
                assert!(
                    function
                        .routes
                        .iter()
                        .all(|route| known.contains(&&route.api))
                );
            }
        }
        Err(error) => {
            let mut next: Option<&dyn Error> = Some(&error);
            while let Some(error) = next {
                assert!(!error.to_string().is_empty());
                next = error.source();
            }
        }
    }
}
