//! `tidemill csv --follow` as a command: one signal ends it wherever it is, and it follows the system.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::json;

/// Says in run.json that a system runs with this Lake API.
fn publish(data: &Path, lake: &TcpListener) {
    let lake = format!("http://{}", lake.local_addr().unwrap());
    let run = json!({"pid": 1, "lake": lake, "lambda": "", "kafka": "", "lake_url": ""});
    fs::write(data.join("run.json"), run.to_string()).unwrap();
}

/// A command at work; killed if a test fails.
struct Follow(Child);

impl Drop for Follow {
    fn drop(&mut self) {
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

fn follow(data: &Path) -> Follow {
    let command = Command::new(env!("CARGO_BIN_EXE_tidemill"))
        .arg("csv")
        .arg(data.join("out"))
        .arg("--follow")
        .env("TIDEMILL_DATA", data)
        .stdout(Stdio::null())
        .spawn();
    Follow(command.unwrap())
}

/// The command's next connection, which has to come.
fn accept(lake: &TcpListener) -> TcpStream {
    lake.set_nonblocking(true).unwrap();
    let began = Instant::now();
    loop {
        match lake.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).unwrap();
                return stream;
            }
            Err(error) => assert!(began.elapsed() < Duration::from_secs(30), "{error}"),
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// Waits for a request and answers that there are no files.
fn answer(lake: &TcpListener) {
    let mut stream = accept(lake);
    read_head(&mut stream);
    let list = r#"{"files":[]}"#;
    let head = format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        list.len()
    );
    stream.write_all((head + list).as_bytes()).unwrap();
}

fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
}

/// One Ctrl-C; the exit code.
fn interrupt(Follow(command): &mut Follow) -> Option<i32> {
    kill(Pid::from_raw(command.id().cast_signed()), Signal::SIGINT).unwrap();
    let began = Instant::now();
    loop {
        if let Some(status) = command.try_wait().unwrap() {
            return status.code();
        }
        if began.elapsed() > Duration::from_secs(5) {
            panic!("still there after one Ctrl-C");
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

#[test]
fn one_ctrl_c_ends_it_in_the_middle_of_its_first_round() {
    let data = tempfile::tempdir().unwrap();
    let lake = TcpListener::bind("127.0.0.1:0").unwrap();
    publish(data.path(), &lake);
    let mut command = follow(data.path());
    let mut held = accept(&lake);
    read_head(&mut held);
    assert_eq!(interrupt(&mut command), Some(0));
}

#[test]
fn it_follows_a_system_that_moves_and_one_ctrl_c_ends_it_in_a_later_round() {
    let data = tempfile::tempdir().unwrap();
    let before = TcpListener::bind("127.0.0.1:0").unwrap();
    publish(data.path(), &before);
    let mut command = follow(data.path());
    answer(&before);
    let after = TcpListener::bind("127.0.0.1:0").unwrap();
    publish(data.path(), &after);
    let mut held = accept(&after);
    read_head(&mut held);
    assert_eq!(interrupt(&mut command), Some(0));
}
