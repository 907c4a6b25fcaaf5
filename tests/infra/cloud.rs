//! A LocalStack with all of its services, which forgets, and AWS's own command line to it: both as `make tools` installs
//! them.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::ports::free_port;
use tests::{eventually, http, localstack};
use tokio::sync::{Mutex, MutexGuard};

/// LocalStack's first region and account.
pub(crate) const REGION: &str = "us-east-1";

/// Each takes half a gigabyte, so there is one at a time.
static TURN: Mutex<()> = Mutex::const_new(());

/// A running LocalStack; ends when dropped.
pub(crate) struct Cloud {
    child: Child,
    home: String,
    folder: TempDir,
    /// Where it answers.
    pub(crate) endpoint: String,
    _turn: MutexGuard<'static, ()>,
}

impl Cloud {
    /// Starts one and waits until it answers; `None` where it is not installed.
    pub(crate) async fn start() -> Option<Self> {
        let home = localstack::home()?;
        let turn = TURN.lock().await;
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new(format!("{home}/bin/python"))
            .args(["-m", "localstack.runtime.main"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", folder.path())
            .env("FILESYSTEM_ROOT", folder.path().join("root"))
            .env("GATEWAY_LISTEN", format!("127.0.0.1:{port}"))
            .envs([
                ("SKIP_SSL_CERT_DOWNLOAD", "1"),
                ("DISABLE_EVENTS", "1"),
                ("LS_LOG", "warning"),
            ])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap();
        let endpoint = format!("http://127.0.0.1:{port}");
        let cloud = Self {
            child,
            home,
            folder,
            endpoint,
            _turn: turn,
        };
        eventually("LocalStack answers", Duration::from_secs(120), || async {
            let asked = http::client().get(format!("{}/_localstack/health", cloud.endpoint));
            match asked.send().await {
                Ok(answer) if answer.status().is_success() => Ok(()),
                _ => Err(std::fs::read_to_string(cloud.folder.path().join("log")).unwrap()),
            }
        })
        .await;
        Some(cloud)
    }

    /// `aws` with these arguments, to this endpoint, not yet run.
    pub(crate) fn command(&self, endpoint: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(format!("{}/bin/aws", self.home));
        command
            .args([
                "--endpoint-url",
                endpoint,
                "--region",
                REGION,
                "--output",
                "json",
            ])
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            // The option is for the service that is named; a command may ask another one, too.
            .env("AWS_ENDPOINT_URL", endpoint)
            .envs(keys());
        command
    }

    /// What `aws` printed; panics unless it succeeded.
    pub(crate) fn text(&self, arguments: &[&str]) -> String {
        let output = self.command(&self.endpoint, arguments).output().unwrap();
        let (said, failed) = (
            output.stdout,
            String::from_utf8_lossy(&output.stderr).into_owned(),
        );
        assert!(output.status.success(), "aws {arguments:?}: {failed}");
        String::from_utf8(said).unwrap()
    }

    /// The same, as JSON; null where it printed nothing.
    pub(crate) fn aws(&self, arguments: &[&str]) -> Value {
        match self.text(arguments).as_str() {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap(),
        }
    }

    /// Makes the lake's stack; its bucket.
    pub(crate) async fn lake(&self) -> String {
        let outputs = self.stack("lake", &[]).await;
        outputs["Bucket"].as_str().unwrap().to_owned()
    }

    /// Creates a stack of infra/ by LocalStack's CloudFormation, and answers with its outputs.
    pub(crate) async fn stack(&self, name: &str, parameters: &[(&str, &str)]) -> Value {
        let template = crate::documents::text(&format!("infra/{name}.yaml"));
        let parameters: Vec<_> = parameters
            .iter()
            .map(|(key, value)| json!({"ParameterKey": key, "ParameterValue": value}))
            .collect();
        self.aws(&[
            "cloudformation",
            "create-stack",
            "--stack-name",
            name,
            "--template-body",
            &template,
            "--capabilities",
            "CAPABILITY_IAM",
            "--parameters",
            &Value::from(parameters).to_string(),
        ]);
        eventually(name, Duration::from_secs(60), || async {
            let told = self.aws(&["cloudformation", "describe-stacks", "--stack-name", name]);
            let status = told["Stacks"][0]["StackStatus"]
                .as_str()
                .unwrap()
                .to_owned();
            match status.as_str() {
                "CREATE_COMPLETE" => Ok(outputs(&told["Stacks"][0])),
                status if status.contains("FAILED") || status.contains("ROLLBACK") => {
                    let events = self.text(&[
                        "cloudformation",
                        "describe-stack-events",
                        "--stack-name",
                        name,
                    ]);
                    panic!("{status}: {events}")
                }
                _ => Err(status),
            }
        })
        .await
    }
}

/// What LocalStack takes for keys.
pub(crate) fn keys() -> [(&'static str, &'static str); 2] {
    [
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ]
}

fn outputs(stack: &Value) -> Value {
    let outputs = stack["Outputs"].as_array().cloned().unwrap_or_default();
    let named = outputs.into_iter().map(|output| {
        let key = output["OutputKey"].as_str().unwrap().to_owned();
        (key, output["OutputValue"].clone())
    });
    Value::Object(named.collect())
}

impl Drop for Cloud {
    fn drop(&mut self) {
        // Its services may have processes of their own.
        let _ = kill(
            Pid::from_raw(-self.child.id().cast_signed()),
            Signal::SIGKILL,
        );
        let _ = self.child.wait();
    }
}
