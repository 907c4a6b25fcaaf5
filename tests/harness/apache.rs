//! Apache Kafka: its jars, and a broker of our own that asks its clients who they are.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer};
use serde_json::json;
use tempfile::TempDir;

use crate::ports::free_port;
use crate::stack::binaries;
use crate::{eventually, tools};

/// The folder of Apache Kafka's jars that `make test` has fetched; `None`, and a word about it, where that or Java is
/// missing.
pub fn jars() -> Option<PathBuf> {
    let folder = std::env::var_os("KAFKA_JARS").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| binaries().parent().unwrap().join("tools/kafka"));
    let there = folder.join("kafka_2.13-4.2.0.jar").exists();
    if there && tools::run("java", &["-version"]).is_some() {
        return Some(folder);
    }
    // Past the test runner, which keeps to itself what a test prints that does not fail.
    let note = format!(
        "skipped: no Java, or no Apache Kafka in {} (`make tools` fetches it)",
        folder.display()
    );
    let mut terminal = std::io::stderr();
    writeln!(terminal, "{note}").unwrap();
    None
}

/// Users of the broker below with their passwords; only the first one may make topics.
pub const USERS: [(&str, &str); 2] = [("alice", "alices-own-word"), ("bob", "bobs-own-word")];

/// How long a connection by token lasts at most without another token.
pub const REAUTHENTICATION_MS: u64 = 4000;

/// A broker that lets nobody in without a password, ended when dropped.
pub struct GuardedKafka {
    process: Child,
    folder: TempDir,
    /// Where clients are let in by SASL over a connection in the clear.
    pub sasl_plaintext: String,
    /// The same by TLS, if the broker has a certificate.
    pub sasl_ssl: String,
    /// Where clients are let in by tokens (OAUTHBEARER) that nobody signed. They have to show another one before the
    /// last one expires, and every few seconds in any case, or their connection is closed.
    pub by_token: String,
    /// Where everybody is let in, for who stands before it and asks who they are.
    pub behind: String,
}

impl GuardedKafka {
    /// Starts a broker, with TLS if a key store is given, and waits until it lets its first user in.
    pub async fn start(jars: &Path, key_store: Option<&Path>) -> Self {
        Self::start_with(jars, key_store, None).await
    }

    /// Starts a broker that tells clients who come from behind to call this port of the loopback interface.
    pub async fn start_behind(jars: &Path, port: u16) -> Self {
        Self::start_with(jars, None, Some(port)).await
    }

    async fn start_with(jars: &Path, key_store: Option<&Path>, front: Option<u16>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [internal, plain, tls, token, behind, controller] = [(); 6].map(|()| free_port());
        let properties = folder.path().join("server.properties");
        let text = properties_text(
            folder.path(),
            [internal, plain, tls, token, behind, controller],
            key_store,
            front,
        );
        fs::write(&properties, text).unwrap();
        let scram = USERS
            .map(|(name, password)| format!("SCRAM-SHA-256=[name={name},password={password}]"));
        let mut format = java(jars);
        format.args([
            "kafka.tools.StorageTool",
            "format",
            "-t",
            "MkU3OEVBNTcwNTJENDM2Qg",
        ]);
        for user in &scram {
            format.args(["--add-scram", user]);
        }
        let formatted = format.arg("-c").arg(&properties).output().unwrap();
        tools::printed(&formatted);
        let output = File::create(folder.path().join("output.txt")).unwrap();
        let process = java(jars)
            .arg("-Xmx256m")
            .arg("kafka.Kafka")
            .arg(&properties)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let broker = Self {
            process,
            folder,
            sasl_plaintext: format!("127.0.0.1:{plain}"),
            sasl_ssl: format!("127.0.0.1:{tls}"),
            by_token: format!("127.0.0.1:{token}"),
            behind: format!("127.0.0.1:{behind}"),
        };
        eventually(
            "the guarded broker answers",
            Duration::from_secs(90),
            || async {
                let client: BaseConsumer = broker.client(USERS[0]).create().unwrap();
                let asked = tokio::task::spawn_blocking(move || {
                    client
                        .fetch_metadata(None, Duration::from_secs(2))
                        .map(|_| ())
                });
                let output = broker.output();
                asked
                    .await
                    .unwrap()
                    .map_err(|error| format!("{error}: {output}"))
            },
        )
        .await;
        broker
    }

    /// What the broker has said.
    pub fn output(&self) -> String {
        fs::read_to_string(self.folder.path().join("output.txt")).unwrap()
    }

    /// A client of one of the users'.
    pub fn client(&self, (name, password): (&str, &str)) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.sasl_plaintext)
            .set("security.protocol", "SASL_PLAINTEXT")
            .set("sasl.mechanisms", "PLAIN")
            .set("sasl.username", name)
            .set("sasl.password", password)
            .set_log_level(RDKafkaLogLevel::Emerg);
        config
    }
}

impl Drop for GuardedKafka {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Drops the records of a topic's partition 0 that stand before an offset, with Kafka's own tool; what it printed.
pub fn delete_records(jars: &Path, brokers: &str, topic: &str, before: i64) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    let partitions = json!([{"topic": topic, "partition": 0, "offset": before}]);
    let wanted = json!({"partitions": partitions, "version": 1});
    fs::write(file.path(), wanted.to_string()).unwrap();
    let mut tool = java(jars);
    tool.args(["-Xmx128m", "org.apache.kafka.tools.DeleteRecordsCommand"]);
    tool.args(["--bootstrap-server", brokers, "--offset-json-file"]);
    tools::printed(&tool.arg(file.path()).output().unwrap())
}

/// Allows a user of a guarded broker to do this with a topic, and nothing else, with Kafka's own tool.
pub fn allow(jars: &Path, broker: &GuardedKafka, user: &str, topic: &str, operations: &[&str]) {
    let mut tool = java(jars);
    tool.args(["-Xmx128m", "org.apache.kafka.tools.AclCommand"]);
    tool.args(["--bootstrap-server", &broker.behind, "--add"]);
    tool.args([
        "--allow-principal",
        &format!("User:{user}"),
        "--topic",
        topic,
    ]);
    for operation in operations {
        tool.args(["--operation", operation]);
    }
    tools::printed(&tool.output().unwrap());
}

fn java(jars: &Path) -> Command {
    let mut command = Command::new("java");
    command.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"]);
    command.arg(jars.join("*"));
    command
}

fn properties_text(
    folder: &Path,
    ports: [u16; 6],
    key_store: Option<&Path>,
    front: Option<u16>,
) -> String {
    let [internal, plain, tls, token, behind, controller] = ports;
    let front = front.unwrap_or(behind);
    let mut clients = format!("CLIENTS://127.0.0.1:{plain},TOKENS://127.0.0.1:{token}");
    let mut store = String::new();
    if let Some(path) = key_store {
        clients.push_str(&format!(",TLS://127.0.0.1:{tls}"));
        store = format!(
            "ssl.keystore.location={}\nssl.keystore.password=store-word\nssl.keystore.type=PKCS12",
            path.display()
        );
    }
    let users: String = USERS
        .iter()
        .map(|(name, password)| format!(" user_{name}=\"{password}\""))
        .collect();
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=INTERNAL
listeners=INTERNAL://127.0.0.1:{internal},BEHIND://127.0.0.1:{behind},{clients},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=INTERNAL://127.0.0.1:{internal},BEHIND://127.0.0.1:{front},{clients}
listener.security.protocol.map=INTERNAL:PLAINTEXT,BEHIND:PLAINTEXT,CONTROLLER:PLAINTEXT,CLIENTS:SASL_PLAINTEXT,TOKENS:SASL_PLAINTEXT,TLS:SASL_SSL
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256
listener.name.clients.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required{users};
listener.name.clients.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.tokens.sasl.enabled.mechanisms=OAUTHBEARER
listener.name.tokens.oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
listener.name.tokens.oauthbearer.sasl.server.callback.handler.class=org.apache.kafka.common.security.oauthbearer.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler
listener.name.tokens.oauthbearer.connections.max.reauth.ms={REAUTHENTICATION_MS}
listener.name.tls.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required{users};
listener.name.tls.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
{store}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:alice
log.dirs={}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
",
        folder.join("log").display()
    )
}
