//! A browser without a window, driven through chromedriver's WebDriver: for tests of the status page.
//!
//! Debian's packages `chromium` and `chromium-driver`; a machine without them skips such a test, by name.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};

use crate::servers::Skip;

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(120);

/// A browser with one window.
#[derive(Debug)]
pub struct Chrome {
    driver: Child,
    session: String,
    http: reqwest::Client,
    // The browser's own files, removed at the end.
    _profile: tempfile::TempDir,
}

/// Where a program is.
fn found(name: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

impl Chrome {
    /// Starts it with a window of this size, in light or dark colours.
    ///
    /// # Errors
    /// Where the browser or its driver is not installed.
    pub async fn start(width: u32, height: u32, dark: bool) -> Result<Chrome, Skip> {
        let missing = |what: &str| {
            Skip::because(format!(
                "there is no `{what}`: on Debian `apt-get install chromium chromium-driver`"
            ))
        };
        let driver = found("chromedriver").ok_or_else(|| missing("chromedriver"))?;
        let browser = found("chromium").ok_or_else(|| missing("chromium"))?;
        let profile = tempfile::tempdir().expect("a directory");
        let (child, port) = start(&driver);
        let http = reqwest::Client::new();
        let mut arguments = vec![
            "--headless=new".to_owned(),
            // Tests run as root in containers, where the sandbox cannot be.
            "--no-sandbox".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-gpu".to_owned(),
            "--hide-scrollbars".to_owned(),
            format!("--window-size={width},{height}"),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        if dark {
            arguments.push("--blink-settings=preferredColorScheme=0".to_owned());
        }
        let mut chrome = Chrome {
            driver: child,
            session: format!("http://127.0.0.1:{port}/session"),
            http,
            _profile: profile,
        };
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": browser, "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let made = chrome.post("", &wanted).await;
        let id = made["sessionId"].as_str().expect("a session");
        chrome.session = format!("{}/{id}", chrome.session);
        Ok(chrome)
    }

    /// Opens a page and waits until it is loaded.
    pub async fn open(&self, url: &str) {
        self.post("/url", &json!({ "url": url })).await;
    }

    /// What a script in the page returns.
    pub async fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
            .await
    }

    /// The text of the page as it is seen.
    pub async fn text(&self) -> String {
        let text = self.run("return document.body.innerText").await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// What the browser complained about.
    pub async fn complaints(&self) -> Vec<String> {
        let told = self.post("/se/log", &json!({ "type": "browser" })).await;
        let told = told.as_array().cloned().unwrap_or_default();
        told.iter().map(ToString::to_string).collect()
    }

    /// Waits until what a script returns is true; asks again and again.
    pub async fn until(&self, what: &str, script: &str) {
        let started = Instant::now();
        while self.run(script).await != Value::Bool(true) {
            let text = self.text().await;
            assert!(
                started.elapsed() < LIMIT,
                "{what}: not in {LIMIT:?}; the page says\n{text}"
            );
        }
    }

    /// A picture of the window, as PNG.
    pub async fn picture(&self) -> Vec<u8> {
        let answer = self.http.get(format!("{}/screenshot", self.session));
        let answer = answer.send().await.expect("an answer");
        let value: Value = answer.json().await.expect("JSON");
        let text = value["value"].as_str().expect("a picture");
        base64::engine::general_purpose::STANDARD
            .decode(text)
            .expect("base64")
    }

    /// Ends the browser; dropping ends the driver, which may leave the browser to end by itself.
    pub async fn end(mut self) {
        let _ = self.http.delete(&self.session).send().await;
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.http.post(format!("{}{path}", self.session));
        let answer = answer.json(body).timeout(LIMIT).send().await;
        let mut value: Value = answer.expect("an answer").json().await.expect("JSON");
        assert!(value["value"]["error"].is_null(), "{path}: {value}");
        value["value"].take()
    }
}

impl Drop for Chrome {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// The driver on a port that it chooses, and the port.
fn start(driver: &Path) -> (Child, u16) {
    let mut child = Command::new(driver)
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("chromedriver starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let port = lines.by_ref().find_map(|line| {
        let line = line.ok()?;
        let (_, port) = line.split_once("started successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    // Nobody reads on, and nobody may be blocked by that.
    std::thread::spawn(move || lines.for_each(drop));
    (child, port.expect("chromedriver says its port"))
}
