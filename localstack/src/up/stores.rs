//! What keeps rows and what keeps records.

use std::collections::BTreeMap;

use tokio::sync::watch;

use super::{UpError, data::DataFolder, settings::Settings};
use crate::{
    broker::{self, Broker, BrokerChoice},
    cli::announce,
    lake::{Lake, LakeChoice},
    template::Template,
};

/// Starts or reaches both; they may be servers that take their time, so they start side by side.
pub(super) async fn start(
    settings: &Settings,
    folder: &DataFolder,
    template: &Template,
) -> Result<(Lake, Broker), UpError> {
    let lake = settings.lake.choice(folder.path(), &folder.logs())?;
    let broker = settings.kafka.choice(folder.path(), &folder.logs())?;
    match lake {
        LakeChoice::File(_) => {}
        LakeChoice::LocalStack { .. } => announce("starting LocalStack"),
        LakeChoice::S3(_) => announce("reaching the lake"),
    }
    announce(match broker {
        BrokerChoice::External(_) => "reaching the broker",
        BrokerChoice::Embedded { .. } => "starting the broker",
        BrokerChoice::Apache { .. } => "starting Apache Kafka",
    });
    let topics = broker::topics(template, settings.kafka.kafka_retention_hours);
    let lake = async { Lake::start(&lake).await.map_err(UpError::from) };
    let broker = async { Broker::start(&broker, &topics).await.map_err(UpError::from) };
    futures::future::try_join(lake, broker).await
}

/// The children that are no functions, by what they serve.
pub(super) fn children(
    broker: &Broker,
    lake: &Lake,
) -> BTreeMap<&'static str, watch::Receiver<Option<u32>>> {
    let children = [("kafka", broker.pid()), ("localstack", lake.pid())].into_iter();
    let running = children.filter_map(|(name, pid)| Some((name, pid?)));
    running.collect()
}
