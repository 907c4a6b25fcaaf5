//! The ports that the functions see: storage and the topic of the evaluations, each a request into the simulated world.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use lake::{Created, ObjectPath, Operation, Store, StoreError};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use stream::{Position, Publish, PublishError, Record};

use crate::network::{Answer, Call, Client, Shared};

/// Storage as one process sees it.
pub(crate) struct SimulatedStore {
    world: Shared,
    client: Client,
}

impl SimulatedStore {
    pub(crate) fn new(world: Shared, client: Client) -> Self {
        Self { world, client }
    }

    async fn ask(
        &self,
        operation: Operation,
        path: &str,
        call: Call,
    ) -> Result<Answer, StoreError> {
        match self.world.ask(self.client, call).await {
            Answer::Failed => Err(StoreError::Injected {
                operation,
                path: path.to_owned(),
            }),
            answer => Ok(answer),
        }
    }
}

impl fmt::Debug for SimulatedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "storage of process {}", self.client)
    }
}

#[async_trait]
impl Store for SimulatedStore {
    async fn create(&self, path: &ObjectPath, body: Bytes) -> Result<Created, StoreError> {
        let known = self.world.lock().seen.get(&self.client).cloned();
        let call = Call::Create {
            path: path.clone(),
            body,
            known: known.unwrap_or_default(),
        };
        match self.ask(Operation::Create, path.as_str(), call).await? {
            Answer::Created(created) => Ok(created),
            Answer::Conflict => Err(StoreError::Conflict { path: path.clone() }),
            other => unreachable!("a creation is not answered by {other}"),
        }
    }

    async fn read(&self, path: &ObjectPath) -> Result<Bytes, StoreError> {
        let call = Call::Read { path: path.clone() };
        match self.ask(Operation::Read, path.as_str(), call).await? {
            Answer::Read(found) => found.ok_or_else(|| StoreError::NotFound { path: path.clone() }),
            other => unreachable!("a reading is not answered by {other}"),
        }
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectPath>, StoreError> {
        let call = Call::List {
            prefix: prefix.to_owned(),
            after: after.map(str::to_owned),
        };
        match self.ask(Operation::List, prefix, call).await? {
            Answer::Listed(paths) => Ok(paths),
            other => unreachable!("a listing is not answered by {other}"),
        }
    }

    async fn list_folders(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let call = Call::Folders {
            prefix: prefix.to_owned(),
        };
        match self.ask(Operation::List, prefix, call).await? {
            Answer::Folders(folders) => Ok(folders),
            other => unreachable!("a listing of folders is not answered by {other}"),
        }
    }

    async fn replace(&self, path: &ObjectPath, _: Bytes) -> Result<(), StoreError> {
        unreachable!("a committer never replaces, and {path} was to be")
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StoreError> {
        unreachable!("a committer never deletes, and {path} was to be")
    }
}

/// The topic of the evaluations as one process sees it.
pub(crate) struct SimulatedTopic {
    world: Shared,
    client: Client,
}

impl SimulatedTopic {
    pub(crate) fn new(world: Shared, client: Client) -> Self {
        Self { world, client }
    }
}

#[async_trait]
impl Publish for SimulatedTopic {
    async fn publish(&self, record: Record<'_>) -> Result<Position, PublishError> {
        let call = Call::Publish {
            key: String::from_utf8_lossy(record.key).into_owned(),
            value: Bytes::copy_from_slice(record.value),
        };
        match self.world.ask(self.client, call).await {
            Answer::Published(position) => Ok(position),
            _ => Err(PublishError::NotAcknowledged {
                topic: record.topic.to_owned(),
                source: KafkaError::MessageProduction(RDKafkaErrorCode::MessageTimedOut),
            }),
        }
    }
}
