//! Exchanges recorded from a running ksqlDB. They stand in a folder beside the workspace, or where `KSQL_SHARED` says, and
//! are read there; a test without them is reported as skipped.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::http_server::{End, Play};
use crate::servers::{Skip, or_skip};

/// One exchange.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The file and the name within it.
    pub name: String,
    pub method: String,
    pub path: String,
    /// The statement or query; empty where there is none.
    pub statement: String,
    pub status: u16,
    headers: Vec<(String, String)>,
    /// The whole body, or the chunks it came in.
    chunks: Vec<String>,
    whole: bool,
    end: End,
}

/// What was recorded in these files, or nothing after the test was reported as skipped.
pub fn exchanges_or_skip(test: &str, files: &[&str]) -> Option<Vec<Exchange>> {
    let folder = shared_or_skip(test, "conformance/rest-transcripts")?;
    let mut exchanges = Vec::new();
    for file in files {
        let json = json(&folder.join(format!("{file}.json")));
        let list = json["exchanges"].as_array().expect("a list");
        exchanges.extend(list.iter().map(|exchange| Exchange::read(file, exchange)));
    }
    Some(exchanges)
}

/// A file or folder of the shared material, or nothing after the test was reported as skipped.
pub fn shared_or_skip(test: &str, name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("KSQL_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = root.join(name);
    or_skip(
        test,
        if path.exists() {
            Ok(path)
        } else {
            Err(Skip::because(format!(
                "{name} is not in ../shared; KSQL_SHARED names the folder if it is elsewhere"
            )))
        },
    )
}

/// A JSON file.
pub fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).expect("the file can be read");
    serde_json::from_str(&text).expect("the file is JSON")
}

impl Exchange {
    fn read(file: &str, json: &Value) -> Exchange {
        let (request, response) = (&json["request"], &json["response"]);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let body = &request["body"];
        // Each endpoint reads its own field, and a few requests were wrong on purpose.
        let field = match request["path"].as_str() {
            Some("/query-stream") => "sql",
            _ => "ksql",
        };
        let headers = response["headers"].as_object().expect("headers");
        let chunks = response["chunks"].as_array();
        Exchange {
            name: format!("{file}: {}", text(&json["name"])),
            method: text(&request["method"]),
            path: text(&request["path"]),
            statement: text(&body[field]),
            status: u16::try_from(response["status"].as_u64().expect("a status"))
                .expect("a status"),
            headers: headers
                .iter()
                .map(|(name, value)| (name.clone(), text(value)))
                .collect(),
            whole: chunks.is_none(),
            chunks: match chunks {
                Some(chunks) => chunks.iter().map(|chunk| text(&chunk["text"])).collect(),
                None => vec![text(&response["body"])],
            },
            end: match response["end"].as_str() {
                None | Some("complete") => End::Complete,
                Some("connection closed by the server") => End::Broken,
                Some(_) => End::Silent,
            },
        }
    }

    /// The whole body.
    pub fn body(&self) -> String {
        self.chunks.concat()
    }

    /// How it ended.
    pub fn end(&self) -> End {
        self.end
    }

    /// Whether rows came in the form that is asked for: no delimited form, and not `application/json`.
    pub fn is_rows(&self) -> bool {
        self.path.starts_with("/query")
            && (self.status != 200 || self.body().starts_with("[{\"header\""))
    }

    /// The answer as it was, in chunks of so many bytes where it came in chunks; 0 leaves them as they were.
    pub fn play(&self, cut: usize) -> Play {
        if self.whole {
            return Play::Whole {
                status: self.status,
                headers: self.headers.clone(),
                body: self.body(),
            };
        }
        let chunks = match cut {
            0 => self
                .chunks
                .iter()
                .map(|chunk| chunk.as_bytes().to_vec())
                .collect(),
            cut => self
                .body()
                .as_bytes()
                .chunks(cut)
                .map(<[u8]>::to_vec)
                .collect(),
        };
        Play::Chunks {
            status: self.status,
            headers: self.headers.clone(),
            chunks,
            end: self.end,
        }
    }
}
