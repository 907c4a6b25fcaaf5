//! Headless Chromium with a profile of its own, driven through chromedriver; both are gone when it is dropped.

mod accessibility;
mod process;

use std::fmt::{self, Display, Formatter};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use thirtyfour::common::command::FormatRequestData;
use thirtyfour::{
    By, ChromiumLikeCapabilities, DesiredCapabilities, LoggingPrefsLogLevel, RequestData,
    SessionId, WebDriver,
};

use crate::eventually;
use crate::stack::binaries;
use process::Chromedriver;

const SWITCHES: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// How a page is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// A desktop in light colours.
    Light,
    /// A desktop in dark colours.
    Dark,
    /// A phone, 390 pixels wide, in light colours.
    Phone,
}

impl Look {
    /// Every look.
    pub const ALL: [Self; 3] = [Self::Light, Self::Dark, Self::Phone];

    fn size(self) -> (u32, u32) {
        match self {
            Self::Light | Self::Dark => (1280, 900),
            Self::Phone => (390, 844),
        }
    }

    fn scheme(self) -> &'static str {
        match self {
            Self::Light | Self::Phone => "light",
            Self::Dark => "dark",
        }
    }
}

impl Display for Look {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Light => "light",
            Self::Dark => "dark",
            Self::Phone => "phone",
        })
    }
}

/// A running browser with one window. It derefs to the driver, for what only one scenario does.
pub struct Browser {
    // The order matters: the session is ended before the process that serves it.
    driver: WebDriver,
    _chromedriver: Chromedriver,
}

impl Deref for Browser {
    type Target = WebDriver;

    fn deref(&self) -> &WebDriver {
        &self.driver
    }
}

impl Browser {
    /// Starts a browser; `None` when Chromium or chromedriver is not installed, which is said.
    pub async fn start() -> Option<Self> {
        let (Some(chromium), Some(chromedriver)) = (found("chromium"), found("chromedriver"))
        else {
            eprintln!("skipped: chromium or chromedriver is not installed");
            return None;
        };
        // The driver's HTTP client is built with rustls, which has to be told its provider.
        let _ = crate::http::client();
        let chromedriver = Chromedriver::start(&chromedriver).await;
        let mut capabilities = DesiredCapabilities::chrome();
        capabilities
            .set_binary(&chromium.display().to_string())
            .unwrap();
        for switch in SWITCHES {
            capabilities.add_arg(switch).unwrap();
        }
        let profile = format!("--user-data-dir={}", chromedriver.profile().display());
        capabilities.add_arg(&profile).unwrap();
        capabilities
            .set_browser_log_level(LoggingPrefsLogLevel::All)
            .unwrap();
        let driver = WebDriver::new(chromedriver.url(), capabilities)
            .await
            .unwrap_or_else(|error| panic!("no session: {error}\n{}", chromedriver.log()));
        Some(Self {
            driver,
            _chromedriver: chromedriver,
        })
    }

    /// Opens a page as `look` shows it and waits until it is loaded.
    pub async fn open(&self, url: &str, look: Look) {
        self.resize(look, look.size().1).await;
        // Nothing may move under a click.
        let features = json!([
            {"name": "prefers-color-scheme", "value": look.scheme()},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        self.devtools("Emulation.setEmulatedMedia", json!({"features": features}))
            .await;
        self.driver.goto(url).await.unwrap();
    }

    /// What the page's scripts or the browser complained about since it was last asked.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.driver.browser_log().await.unwrap();
        log.into_iter()
            .filter(|entry| ["SEVERE", "WARNING"].contains(&entry.level.as_str()))
            .map(|entry| format!("{}: {}", entry.level, entry.message))
            .collect()
    }

    /// The elements that make the page wider than the window; none where nothing scrolls sideways.
    pub async fn sticking_out(&self, look: Look) -> Vec<String> {
        let script = include_str!("browser/sticking_out.js");
        let found = self.run(script, vec![json!(look.size().0)]).await;
        serde_json::from_value(found).unwrap()
    }

    /// Keeps a picture of the whole page under `screenshots/` of the target folder.
    pub async fn screenshot(&self, name: &str, look: Look) {
        let script = "return Math.ceil(document.documentElement.getBoundingClientRect().height)";
        let height = self.run(script, Vec::new()).await.as_u64().unwrap();
        let height = u32::try_from(height.clamp(u64::from(look.size().1), 12_000)).unwrap();
        self.resize(look, height).await;
        let folder = target().join("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{name}-{look}.png"));
        self.driver.screenshot(&file).await.unwrap();
        self.resize(look, look.size().1).await;
    }

    /// Runs a script's body in the page and answers what it returned.
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        let answer = self.driver.execute(script, arguments).await;
        answer.unwrap().json().clone()
    }

    /// Presses what leads to another page, a form's button or a link, and waits until that one is loaded.
    pub async fn press(&self, button: By) {
        self.run("window.left = false", Vec::new()).await;
        let button = self.driver.find(button).await.unwrap();
        button.click().await.unwrap();
        let script = "return window.left === undefined && document.readyState === 'complete'";
        eventually("another page", Duration::from_secs(30), || async {
            match self.driver.execute(script, Vec::<Value>::new()).await {
                Ok(answer) if answer.json() == &Value::Bool(true) => Ok(()),
                Ok(_) => Err("still on the page before it".to_owned()),
                // Between two pages there is nowhere to ask.
                Err(error) => Err(error.to_string()),
            }
        })
        .await;
    }

    /// The text that a reader sees on the page.
    pub async fn text(&self) -> String {
        let text = self.run("return document.body.innerText", Vec::new()).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    async fn resize(&self, look: Look, height: u32) {
        let metrics = json!({
            "width": look.size().0,
            "height": height,
            "deviceScaleFactor": if look == Look::Phone { 2 } else { 1 },
            "mobile": look == Look::Phone,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics)
            .await;
    }

    async fn devtools(&self, command: &'static str, parameters: Value) {
        self.driver
            .cmd(Devtools {
                command,
                parameters,
            })
            .await
            .unwrap();
    }
}

/// A command of the DevTools protocol, which chromedriver passes on.
#[derive(Debug)]
struct Devtools {
    command: &'static str,
    parameters: Value,
}

impl FormatRequestData for Devtools {
    fn format_request(&self, session_id: &SessionId) -> RequestData {
        let path = format!("/session/{session_id}/goog/cdp/execute");
        RequestData::new(reqwest::Method::POST, path)
            .add_body(json!({"cmd": self.command, "params": self.parameters}))
    }
}

/// Where this test run was built; tools and pictures lie beside the binaries.
fn target() -> PathBuf {
    binaries().parent().unwrap().to_owned()
}

fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file: &PathBuf| Path::is_file(file))
}
