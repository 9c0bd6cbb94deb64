//! A registry in this process that takes every schema and gives each subject an id: as much as a context needs to start.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;

use crate::http_server::{Play, Request, TestServer};

/// A running one; it ends with the value.
pub fn registry() -> TestServer {
    let subjects = Arc::new(Mutex::new(Vec::<(String, String)>::new()));
    TestServer::start(move |request| {
        let mut known = subjects.lock().unwrap_or_else(PoisonError::into_inner);
        answer(request, &mut known)
    })
}

/// Ids are places among the schemas, from 1 on.
fn answer(request: &Request, known: &mut Vec<(String, String)>) -> Play {
    let path = request.path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let schema = request.json()["schema"].as_str().map(str::to_owned);
    let unknown =
        |code: u32| Play::status(404, json!({ "error_code": code, "message": "not found" }));
    match (request.method.as_str(), parts.as_slice(), schema) {
        ("GET", ["config", ..], _) => Play::json(json!({ "compatibilityLevel": "BACKWARD" })),
        ("PUT", ["config", ..], _) => Play::json(request.json()),
        ("POST", ["compatibility", ..], _) => Play::json(json!({ "is_compatible": true })),
        ("GET", ["schemas", "ids", id], _) => {
            let at = id.parse::<usize>().ok().and_then(|id| id.checked_sub(1));
            match at.and_then(|at| known.get(at)) {
                Some((_, schema)) => Play::json(json!({ "schema": schema })),
                None => unknown(40403),
            }
        }
        ("POST", ["subjects", subject, versions @ ..], Some(schema)) => {
            let entry = ((*subject).to_owned(), schema);
            let at = known.iter().position(|found| *found == entry);
            let id = match at {
                Some(at) => at + 1,
                None if versions.is_empty() => return unknown(40403),
                None => {
                    known.push(entry.clone());
                    known.len()
                }
            };
            Play::json(json!({ "id": id, "version": 1, "subject": entry.0, "schema": entry.1 }))
        }
        ("GET", ["subjects"], _) => {
            let subjects: Vec<&String> = known.iter().map(|(subject, _)| subject).collect();
            Play::json(json!(subjects))
        }
        _ => unknown(40401),
    }
}
