//! What can be wrong with a template, always with the place and with what is allowed there.

/// Why a template is refused.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// Not YAML.
    #[error("template: not YAML")]
    Yaml(#[source] Box<serde_saphyr::Error>),
    /// A section is missing, or is not what it should be.
    #[error("template: `{section}` must be {allowed}")]
    Section {
        /// The section, e.g. `Resources`.
        section: String,
        /// What it may be.
        allowed: String,
    },
    /// A property of a resource has a value that is not allowed.
    #[error("template: {logical_id}: {property}: {found}; allowed: {allowed}")]
    Property {
        /// The resource.
        logical_id: String,
        /// The property's path in the resource, e.g. `Events.Ticks.BatchSize`.
        property: String,
        /// What stands there.
        found: String,
        /// What may stand there.
        allowed: String,
    },
}

impl TemplateError {
    /// A section that is not what it should be.
    pub(super) fn section(section: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self::Section {
            section: section.into(),
            allowed: allowed.into(),
        }
    }
}
