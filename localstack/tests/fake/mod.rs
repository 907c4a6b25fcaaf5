//! A function that does what its event says, and what the tests need to run it.
//!
//! The test binary is its own fake function: a script in the folder of binaries runs it again with the name of the
//! entry below, so that nothing but the tests themselves has to be built.
#![allow(dead_code, reason = "every test binary uses its part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

pub(crate) mod served;

use std::{
    collections::BTreeMap,
    env, fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{self, Command},
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tidemill::{
    functions::{Functions, HostSettings},
    template::{FunctionSpec, Route},
};

/// A host of fake functions in a folder of its own.
pub(crate) struct Host {
    pub(crate) functions: Functions,
    pub(crate) folder: TempDir,
}

impl Host {
    /// Starts a host for these functions; must be called in a runtime.
    pub(crate) fn start(specs: &[FunctionSpec]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for spec in specs {
            install(folder.path(), &spec.binary, "fake::child");
        }
        let mut settings = HostSettings::new(folder.path(), folder.path().join("logs"));
        settings.forced = BTreeMap::from([("FORCED".to_owned(), "by the runner".to_owned())]);
        settings.init_limit = Duration::from_secs(20);
        Self {
            functions: Functions::start(specs, &settings).unwrap(),
            folder,
        }
    }
}

/// Puts a program there that runs an entry of this test binary.
pub(crate) fn install(folder: &Path, name: &str, entry: &str) {
    let path = folder.join(name);
    let this = env::current_exe().unwrap();
    let script = format!(
        "#!/bin/sh\nexec '{}' --exact {entry} --include-ignored --nocapture\n",
        this.display()
    );
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A function with the defaults of these tests.
pub(crate) fn spec(name: &str) -> FunctionSpec {
    FunctionSpec {
        name: name.to_owned(),
        logical_id: name.to_owned(),
        binary: name.to_owned(),
        timeout: Duration::from_secs(20),
        memory_mb: 256,
        env: BTreeMap::from([("DECLARED".to_owned(), "in the template".to_owned())]),
        unresolved_env: BTreeMap::new(),
        concurrency: None,
        routes: Vec::new(),
        schedules: Vec::new(),
        triggers: Vec::new(),
    }
}

/// A route of the API `Api`.
pub(crate) fn route(method: &str, path: &str) -> Route {
    Route {
        api: "Api".to_owned(),
        method: method.to_owned(),
        path: path.to_owned(),
    }
}

/// Whether a process is there and is no zombie.
pub(crate) fn is_alive(pid: u64) -> bool {
    let Ok(status) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    status
        .rsplit(") ")
        .next()
        .is_none_or(|rest| !rest.starts_with('Z'))
}

/// Waits for a condition that must come true.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(
            tokio::time::Instant::now() < deadline,
            "{what} did not come true"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// An answer to `http`.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self
            .head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "));
        lines
            .filter(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .next()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("not JSON: {}", String::from_utf8_lossy(&self.body)))
    }
}

/// One HTTP exchange with nothing between the bytes and the test; blocks.
pub(crate) fn http(address: &str, head: &str, body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    // A server may answer and close before it has read everything.
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body));
    read_answer(&mut stream)
}

pub(crate) fn read_answer(stream: &mut TcpStream) -> Answer {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    let end = all
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("an answer has a head");
    let head = String::from_utf8_lossy(&all[..end]).into_owned();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        head,
        body: all[end + 4..].to_vec(),
    }
}

fn call(api: &str, method: &str, path: &str, body: &[u8]) -> Answer {
    let length = body.len();
    let head = format!(
        "{method} /2018-06-01/runtime{path} HTTP/1.1\r\nHost: {api}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    http(api, &head, body)
}

#[test]
#[ignore = "not a test: the fake function that the tests start"]
fn child() {
    let Ok(api) = env::var("AWS_LAMBDA_RUNTIME_API") else {
        return;
    };
    match env::var("FAKE_INIT").as_deref() {
        Ok("error") => {
            let error =
                json!({"errorType": "Config", "errorMessage": "LAKE_URL is missing"}).to_string();
            assert_eq!(
                call(&api, "POST", "/init/error", error.as_bytes()).status,
                202
            );
            process::exit(1);
        }
        Ok("exit") => process::exit(7),
        Ok("hang") => loop {
            thread::park();
        },
        _ => {}
    }
    println!("started");
    loop {
        let next = call(&api, "GET", "/invocation/next", b"");
        assert_eq!(next.status, 200);
        let id = next
            .header("lambda-runtime-aws-request-id")
            .unwrap()
            .to_owned();
        let event = next.json();
        let (outcome, answer) = act(&api, &id, &event, &next);
        let answered = call(
            &api,
            "POST",
            &format!("/invocation/{id}/{outcome}"),
            &answer,
        );
        println!("answered {}", answered.status);
    }
}

/// What the event asks for; `rawPath` is what a gateway's event says in place of `do`.
fn act(api: &str, id: &str, event: &Value, next: &Answer) -> (&'static str, Vec<u8>) {
    let action = event["do"]
        .as_str()
        .or_else(|| event["rawPath"].as_str()?.strip_prefix('/'))
        .unwrap_or("echo");
    let pid = process::id();
    let answer = match action {
        "error" => {
            return (
                "error",
                json!({"errorType": "Boom", "errorMessage": "as asked"})
                    .to_string()
                    .into(),
            );
        }
        "exit" => {
            eprintln!("last words");
            process::exit(3)
        }
        "killed" => {
            // As the system does it to the largest process when memory runs out.
            kill(Pid::this(), Signal::SIGKILL).unwrap();
            unreachable!("killed")
        }
        "hang" => loop {
            thread::park();
        },
        "note" => {
            println!("noted {}.", event["n"]);
            json!({"pid": pid})
        }
        "flood" => {
            let line = "x".repeat(1023) + "\n";
            let mut out = std::io::stdout().lock();
            for _ in 0..event["kib"].as_u64().unwrap() {
                out.write_all(line.as_bytes()).unwrap();
            }
            json!({"pid": pid})
        }
        "sleep" => {
            thread::park_timeout(Duration::from_millis(event["ms"].as_u64().unwrap_or(200)));
            json!({"pid": pid})
        }
        "big" => {
            return (
                "response",
                vec![b'"'; event["size"].as_u64().unwrap().try_into().unwrap()],
            );
        }
        "wrong-id" => json!({
            "response": call(api, "POST", "/invocation/none/response", b"{}").status,
            "error": call(api, "POST", "/invocation/none/error", b"{}").status,
            "next": call(api, "GET", "/invocation/next", b"").status,
        }),
        "fork" => {
            json!({"pid": pid, "child": Command::new("sleep").arg("1000").spawn().unwrap().id()})
        }
        "env" => json!(env::vars().collect::<BTreeMap<_, _>>()),
        "head" => json!({"id": id, "head": next.head}),
        "answer" => return ("response", event["body"].as_str().unwrap().into()),
        _ => json!({"pid": pid, "event": event}),
    };
    ("response", answer.to_string().into())
}
