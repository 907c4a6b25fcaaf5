//! template.yaml as the local stack reads it: APIs, functions, and what starts them.

mod error;
mod events;
mod function;
mod intrinsics;
mod kafka;
mod node;
mod properties;
mod resource;
mod route;

use std::{collections::BTreeMap, time::Duration};

pub use error::TemplateError;
pub use node::Node;

/// The values that the runner gives to references: a parameter's name, a resource's logical id, or
/// `LogicalId.Attribute`. They win over a parameter's default.
pub type Values = BTreeMap<String, String>;

/// What template.yaml declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The HTTP APIs, in the order of the file.
    pub apis: Vec<HttpApi>,
    /// The functions, in the order of the file.
    pub functions: Vec<FunctionSpec>,
}

/// One `AWS::Serverless::HttpApi`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpApi {
    /// Its key under `Resources`; what routes refer to.
    pub logical_id: String,
    /// Its `Name`, or the logical id where it has none.
    pub name: String,
}

/// One `AWS::Serverless::Function` with everything that starts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionSpec {
    /// Its `FunctionName`, or the logical id where it has none.
    pub name: String,
    /// Its key under `Resources`.
    pub logical_id: String,
    /// The cargo binary that is run: `Metadata.BuildProperties.Binary`, or the function's name.
    pub binary: String,
    /// How long one invocation may take.
    pub timeout: Duration,
    /// What Lambda would give it, in MiB.
    pub memory_mb: u32,
    /// The variables whose values are known.
    pub env: BTreeMap<String, String>,
    /// The variables whose values are not known here, each with its expression as written; see [`FunctionSpec::environment`].
    pub unresolved_env: BTreeMap<String, String>,
    /// `ReservedConcurrentExecutions`.
    pub concurrency: Option<u32>,
    /// The HTTP routes that it serves.
    pub routes: Vec<Route>,
    /// The schedules that start it; disabled ones are left out.
    pub schedules: Vec<Schedule>,
    /// The Kafka triggers that start it; disabled ones are left out.
    pub triggers: Vec<KafkaTrigger>,
}

/// One route of an HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The [`HttpApi::logical_id`] that it belongs to.
    pub api: String,
    /// The method in upper case, or `ANY`.
    pub method: String,
    /// The path: `/a/{parameter}/{rest+}`, or `$default`.
    pub path: String,
}

/// One schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its key under `Events`.
    pub id: String,
    /// When it fires, as written: `rate(1 minute)` or `cron(…)`.
    pub expression: String,
    /// The event that the function gets: JSON text.
    pub input: String,
}

/// One Kafka trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaTrigger {
    /// Its key under `Events`, or under `Resources` where it is a mapping of its own.
    pub id: String,
    /// What the event calls its source.
    pub source: EventSource,
    /// The topics that it reads.
    pub topics: Vec<String>,
    /// The most records of one invocation, 1 to 10 000.
    pub batch_size: usize,
    /// How long a batch may wait for more records, counted from its first one.
    pub batching_window: Duration,
    /// Where it starts when its consumer group has committed nothing yet.
    pub starting_position: StartingPosition,
    /// The consumer group whose committed offsets it keeps; `tidemill-{function}` where none is declared.
    pub consumer_group: String,
    /// Whether the function's answer may name single records that failed.
    pub report_batch_item_failures: bool,
    /// How often a failed batch is tried again; `None`: for ever.
    pub maximum_retry_attempts: Option<u32>,
    /// Where a batch goes that was given up.
    pub on_failure: Option<OnFailure>,
}

/// What a Kafka event says about where its records come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventSource {
    /// `aws:kafka`: an MSK cluster and its ARN, where that is known.
    Msk {
        /// The `Stream` property.
        arn: Option<String>,
    },
    /// `SelfManagedKafka`.
    SelfManaged,
}

/// Where a trigger starts that has no committed offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartingPosition {
    /// `TRIM_HORIZON`: at the oldest record.
    TrimHorizon,
    /// `LATEST`: at the next record to come.
    Latest,
}

/// Where a batch goes that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnFailure {
    /// `kafka://topic`.
    KafkaTopic(String),
}

/// A variable that a function declares, that the template cannot resolve here, and that nobody gave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "function `{function}`: the value of {variable} is {expression}, which only a deployed stack knows; give it one"
)]
pub struct UnresolvedVariable {
    /// The function's name.
    pub function: String,
    /// The variable.
    pub variable: String,
    /// Its value as written.
    pub expression: String,
}

impl Template {
    /// Reads a template; `values` are the runner's.
    pub fn parse(text: &str, values: &Values) -> Result<Self, TemplateError> {
        resource::template(text, values)
    }

    /// Every topic that a trigger reads, each once, sorted.
    pub fn topics(&self) -> Vec<&str> {
        let triggers = self
            .functions
            .iter()
            .flat_map(|function| &function.triggers);
        let mut topics: Vec<&str> = triggers
            .flat_map(|trigger| &trigger.topics)
            .map(String::as_str)
            .collect();
        topics.sort_unstable();
        topics.dedup();
        topics
    }
}

/// The variable with the brokers' addresses.
pub(crate) const BROKERS: &str = "KAFKA_BROKERS";
/// The variable by which a function on AWS looks them up.
pub(crate) const CLUSTER_ARN: &str = "KAFKA_CLUSTER_ARN";

impl FunctionSpec {
    /// Whether the function is told a Kafka.
    pub(crate) fn has_kafka(&self) -> bool {
        let mut names = self.env.keys().chain(self.unresolved_env.keys());
        names.any(|name| [BROKERS, CLUSTER_ARN].contains(&name.as_str()))
    }

    /// The variables that the function declares, with the values of `given` in place of its own.
    ///
    /// Variables in `given` that the function does not declare are left out: the template says which function gets what.
    pub fn environment(
        &self,
        given: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, UnresolvedVariable> {
        let mut env = self.env.clone();
        for (name, value) in &mut env {
            if let Some(given) = given.get(name) {
                value.clone_from(given);
            }
        }
        for (name, expression) in &self.unresolved_env {
            let value = given.get(name).ok_or_else(|| UnresolvedVariable {
                function: self.name.clone(),
                variable: name.clone(),
                expression: expression.clone(),
            })?;
            env.insert(name.clone(), value.clone());
        }
        Ok(env)
    }
}

#[cfg(test)]
mod fuzzed;
#[cfg(test)]
mod tests;
