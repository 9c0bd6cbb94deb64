//! `topics` and `status`: what is there, and how it is.
//!
//! The running program knows most of itself: where it listens for HTTP, it is asked. Otherwise what the servers say is told.

use ksql_schema::model::Kind;
use serde_json::{Value, json};

use super::exit::{Exit, Outcome};
use super::output::{Output, Rows, cell};
use super::reading::reached;
use crate::context::ContextBuilder;
use crate::context::reach::{Place, Reached};
use crate::log::LogError;

/// A topic as it is.
struct Found<'r> {
    place: &'r Place,
    partitions: Option<u32>,
    records: i64,
}

async fn found(reached: &Reached) -> Outcome<Vec<Found<'_>>> {
    let mut found = Vec::new();
    for place in &reached.topics {
        let (partitions, records) = match reached.log().all_offsets(&place.spec.name).await {
            Ok(offsets) => {
                let records = offsets
                    .iter()
                    .map(|at| at.end.saturating_sub(at.start).max(0));
                (u32::try_from(offsets.len()).ok(), records.sum())
            }
            Err(LogError::UnknownTopic { .. }) => (None, 0),
            Err(error) => return Err(error.into()),
        };
        found.push(Found {
            place,
            partitions,
            records,
        });
    }
    Ok(found)
}

impl Found<'_> {
    fn json(&self) -> Value {
        let place = self.place;
        json!({
            "topic": place.spec.name,
            "entity": place.model.name,
            "window": place.window.as_ref().map(|(_, label)| label),
            "kind": kind(place),
            "written_by": if place.result { "a query" } else { "programs" },
            "exists": self.partitions.is_some(),
            "partitions": self.partitions,
            "records": self.records,
            "retention_ms": place.spec.retention_ms,
        })
    }
}

fn kind(place: &Place) -> String {
    match place.model.kind {
        Kind::Stream => "stream".to_owned(),
        Kind::Table => "table".to_owned(),
    }
}

/// A duration in its largest whole unit.
fn duration(millis: u64) -> String {
    let units = [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
    ];
    let whole = units
        .iter()
        .find(|(_, unit)| millis > 0 && millis.is_multiple_of(*unit));
    whole.map_or_else(
        || format!("{millis}ms"),
        |(name, unit)| format!("{}{name}", millis / unit),
    )
}

fn table(found: &[Found<'_>]) -> Rows {
    let heads = [
        "topic",
        "entity",
        "kind",
        "partitions",
        "records",
        "retention",
        "written by",
    ];
    let mut rows = Rows::new(heads).numbers([3, 4]);
    for one in found {
        let place = one.place;
        let retention = match place.spec.retention_ms {
            None => "unlimited".to_owned(),
            Some(millis) => duration(millis),
        };
        let records = match one.partitions {
            None => "not there".to_owned(),
            Some(_) => one.records.to_string(),
        };
        rows.push([
            place.spec.name.clone(),
            place.model.name.to_owned(),
            kind(place),
            one.partitions.unwrap_or(place.spec.partitions).to_string(),
            records,
            retention,
            if place.result { "a query" } else { "programs" }.to_owned(),
        ]);
    }
    rows
}

pub(super) async fn topics(builder: &ContextBuilder, out: &mut Output) -> Outcome {
    let reached = reached(builder).await?;
    let told = match found(&reached).await {
        Err(error) => Err(error),
        Ok(found) => match out.json {
            true => out.document(&found.iter().map(Found::json).collect()),
            false => out.table(&table(&found)),
        },
    };
    reached.close().await?;
    told.map(|()| Exit::Done)
}

pub(super) async fn status(builder: &ContextBuilder, out: &mut Output) -> Outcome {
    let config = builder.configuration().map_err(crate::error::Error::from)?;
    if let Some(overview) = running(&config).await {
        return show(&overview, out);
    }
    let reached = reached(builder).await?;
    let told = tell(&reached, out).await;
    reached.close().await?;
    told
}

/// What the running program says of itself, where it listens.
async fn running(config: &crate::config::Config) -> Option<Value> {
    #[cfg(feature = "kafka")]
    if let Some(address) = config.http_listen.filter(|address| address.port() != 0) {
        let client = reqwest::Client::builder()
            .timeout(config.cluster.request_timeout)
            .no_proxy()
            .build()
            .ok()?;
        let answer = client.get(format!("http://{address}/status.json")).send();
        return answer.await.ok()?.json().await.ok();
    }
    let _ = config;
    None
}

/// The part of an overview that a person asks for first.
fn show(overview: &Value, out: &mut Output) -> Outcome {
    let is = |name: &str| overview.get(name).and_then(Value::as_bool) == Some(true);
    let exit = match is("ready") {
        true => Exit::Done,
        false => Exit::Wrong,
    };
    if out.json {
        out.document(overview)?;
        return Ok(exit);
    }
    let text = |value: &Value, name: &str| value.get(name).map(cell).unwrap_or_default();
    let all = |name: &str| {
        let all = overview.get(name).and_then(Value::as_array);
        all.cloned().unwrap_or_default()
    };
    out.line(format!(
        "{} is {}",
        text(overview, "application"),
        match (is("ready"), is("stopping")) {
            (_, true) => "ending",
            (true, false) => "ready",
            (false, false) => "not ready",
        }
    ))?;
    let mut rows = Rows::new(["", "name", "topic", "state", "lag", "error"]).numbers([4]);
    for binding in all("bindings") {
        rows.push(
            ["kind", "name", "topic", "state", "lag", "error"].map(|name| text(&binding, name)),
        );
    }
    if !rows.is_empty() {
        out.table(&rows)?;
    }
    let mut rows = Rows::new(["consumer", "group", "state", "lag", "error"]).numbers([3]);
    for consumer in all("consumers") {
        rows.push(["entity", "group", "state", "lag", "error"].map(|name| text(&consumer, name)));
    }
    if !rows.is_empty() {
        out.table(&rows)?;
    }
    let mut rows = Rows::new(["dead letters of", "stage", "code", "written"]).numbers([3]);
    for letters in all("dead_letters") {
        rows.push(["entity", "stage", "class", "count"].map(|name| text(&letters, name)));
    }
    if !rows.is_empty() {
        out.table(&rows)?;
    }
    for error in all("errors").iter().take(5) {
        out.line(format!(
            "{} {}: {}",
            text(error, "kind"),
            text(error, "name"),
            text(error, "error")
        ))?;
    }
    Ok(exit)
}

/// What the servers say, where the program cannot be asked.
async fn tell(reached: &Reached, out: &mut Output) -> Outcome {
    let found = found(reached).await?;
    let groups = groups(reached, &found).await?;
    let letters = reached.letters().status().await?;
    let queries = reached.ksqldb_queries().await?;
    if out.json {
        let groups = groups.iter();
        let groups = groups
            .map(|(entity, group, lag)| json!({"entity": entity, "group": group, "lag": lag}));
        let groups: Vec<Value> = groups.collect();
        let queries = queries.map(|queries| {
            let queries = queries.iter();
            let told =
                queries.map(|(id, (sink, state))| json!({"id": id, "sink": sink, "state": state}));
            told.collect::<Vec<Value>>()
        });
        out.document(&json!({
            "application": reached.config.application_id,
            "log": if reached.log().is_shared() { "kafka" } else { "embedded" },
            "topics": found.iter().map(Found::json).collect::<Vec<_>>(),
            "groups": groups,
            "ksqldb": queries,
            "dead_letters": {"topic": letters.topic, "letters": letters.letters, "replayed": letters.replayed},
        }))?;
        return Ok(Exit::Done);
    }
    out.line(format!(
        "{}, {}; the program itself was not asked: it tells states and lag where `http_listen` is set",
        reached.config.application_id,
        match reached.log().is_shared() {
            true => "on Kafka",
            false => "embedded",
        }
    ))?;
    out.table(&table(&found))?;
    let mut rows = Rows::new(["handles", "group", "lag"]).numbers([2]);
    for (entity, group, lag) in groups {
        rows.push([entity, group, lag.to_string()]);
    }
    if !rows.is_empty() {
        out.table(&rows)?;
    }
    let mut rows = Rows::new(["query in ksqlDB", "writes", "state"]);
    for (id, (sink, state)) in queries.into_iter().flatten() {
        rows.push([id, sink, state]);
    }
    if !rows.is_empty() {
        out.table(&rows)?;
    }
    out.line(format!(
        "{} dead letters in `{}`, {} of them replayed",
        letters.letters, letters.topic, letters.replayed
    ))?;
    Ok(Exit::Done)
}

/// The groups that have committed something, of those that handlers have where none is named; with their lag.
async fn groups(reached: &Reached, found: &[Found<'_>]) -> Outcome<Vec<(String, String, i64)>> {
    let mut groups = Vec::new();
    for one in found.iter().filter(|one| one.partitions.is_some()) {
        let (topic, group) = (&one.place.spec.name, reached.group(one.place));
        let offsets = reached.log().all_offsets(topic).await?;
        let (mut lag, mut committed) = (0_i64, false);
        for (partition, at) in (0..).zip(offsets) {
            match reached.log().committed(&group, topic, partition).await {
                Ok(Some(offset)) => {
                    committed = true;
                    lag = lag.saturating_add(at.end.saturating_sub(offset).max(0));
                }
                // Of a group that has committed elsewhere it is all still to come.
                Ok(None) => lag = lag.saturating_add(at.end.saturating_sub(at.start).max(0)),
                // Whoever may read the topics need not be allowed to ask for groups.
                Err(LogError::Unauthorized { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if committed {
            groups.push((one.place.model.name.to_owned(), group, lag));
        }
    }
    Ok(groups)
}
