//! Everything that the system listens on, and the servers behind it.

use std::{io, sync::Arc};

use tokio::{sync::watch, task::JoinSet};

use super::{
    ports::{self, Bound, PortError},
    settings::Settings,
};
use crate::{
    broker::KafkaSetting,
    functions::Functions,
    gateway::{self, Api},
    invoke_api,
    lake::LakeSetting,
    metrics::Metrics,
    room::Room,
    template::{HttpApi, Template},
};

/// Every port, bound before anything that takes time is started.
pub(super) struct Ports {
    pub(super) apis: Vec<(HttpApi, Bound)>,
    pub(super) lambda: Bound,
}

impl Ports {
    /// Binds one port for each HTTP API and one for Lambda's own.
    pub(super) async fn bind(settings: &Settings, template: &Template) -> Result<Self, PortError> {
        ports::distinct(&asked(settings, template))?;
        let mut apis = Vec::new();
        for api in &template.apis {
            // An API of the template that has no setting of its own gets a free port.
            let (port, variable) = settings
                .api_port(&api.name)
                .unwrap_or((0, "its API's name"));
            apis.push((api.clone(), ports::bind(port, variable).await?));
        }
        Ok(Self {
            apis,
            lambda: ports::bind(settings.lambda_port, "LAMBDA_PORT").await?,
        })
    }

    /// Serves everything; returns name and port of the APIs whose health can be asked for.
    pub(super) fn serve(
        self,
        template: &Template,
        functions: &Functions,
        metrics: &Metrics,
        asynchronous: &Room,
        servers: &mut JoinSet<io::Result<()>>,
        stop: &watch::Receiver<bool>,
    ) -> Vec<(String, u16)> {
        let mut checks = Vec::new();
        for (declared, bound) in self.apis {
            let api = Arc::new(Api::new(&declared, template, functions.clone()));
            if api.has_health() {
                checks.push((declared.name, bound.port));
            }
            for listener in bound.listeners {
                servers.spawn(gateway::serve(listener, Arc::clone(&api), stopped(stop)));
            }
        }
        for listener in self.lambda.listeners {
            let specs = template.functions.clone();
            servers.spawn(invoke_api::serve(
                listener,
                specs,
                functions.clone(),
                Some(metrics.clone()),
                asynchronous.clone(),
                stopped(stop),
            ));
        }
        checks
    }
}

/// Every port that this start will listen on, with the setting that names it.
fn asked(settings: &Settings, template: &Template) -> Vec<(u16, &'static str)> {
    let apis = template.apis.iter();
    let mut asked: Vec<_> = apis
        .filter_map(|api| settings.api_port(&api.name))
        .collect();
    asked.push((settings.lambda_port, "LAMBDA_PORT"));
    if !matches!(settings.kafka.kafka, KafkaSetting::External(_)) {
        asked.push((settings.kafka.kafka_port, "KAFKA_PORT"));
    }
    if settings.lake.lake == LakeSetting::LocalStack {
        asked.push((settings.lake.localstack_port, "LOCALSTACK_PORT"));
    }
    asked
}

/// Ready when the system stops; a sender that is gone has no more to say than one that says stop.
fn stopped(stop: &watch::Receiver<bool>) -> impl Future<Output = ()> + Send + use<> {
    let mut stop = stop.clone();
    async move {
        let _ = stop.wait_for(|stop| *stop).await;
    }
}

/// The address of a port for people and for scripts.
pub(super) fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}
