//! What is deployed, held against the code that it is deployed for: template.yaml and the stacks of infra/.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod alarms;
mod cloud;
mod declared;
mod documents;
mod flow;
mod limits;
mod rules;
mod stacks;
mod variables;
