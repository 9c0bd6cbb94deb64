//! Tests of a table whose registry is away, refuses, or never answers.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::broadcast;

use super::{
    BindingKind, Event, OnPoison, Settings, StateDurability, StateError, Status, Store,
    StoreOptions, Table,
};
use crate::clock::Clock;
use crate::codec::frame;
use crate::http::HttpOptions;
use crate::log::{EmbeddedLog, EmbeddedOptions, Log, Record, TopicSpec};
use crate::prelude::*;
use crate::registry::{HttpRegistry, Patience, Registry, RegistryError};
use crate::state::State;

#[derive(Debug, PartialEq, Entity)]
#[topic("stock")]
#[table]
struct Stock {
    #[key]
    article: String,
    pieces: i64,
}

const OURS: u32 = 1;
const THEIRS: u32 = 7;

/// An answer, or none for ever.
type Answer = Option<(u16, &'static str)>;

const AWAY: Answer = Some((503, "not now"));
const UNKNOWN: Answer = Some((
    404,
    r#"{"error_code":40403,"message":"Schema 7 not found"}"#,
));
const KNOWN: Answer = Some((
    200,
    r#"{"schema":"{\"type\":\"record\",\"name\":\"Stock\",\"fields\":[{\"name\":\"pieces\",\"type\":\"int\"}]}"}"#,
));

/// A registry that answers everything alike.
struct Server {
    url: String,
    answer: Arc<Mutex<Answer>>,
    asked: Arc<AtomicUsize>,
}

impl Server {
    fn start(answer: Answer) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server {
            url: format!("http://{}", listener.local_addr().unwrap()),
            answer: Arc::new(Mutex::new(answer)),
            asked: Arc::default(),
        };
        let (answer, asked) = (Arc::clone(&server.answer), Arc::clone(&server.asked));
        // Ends with the test's process.
        std::thread::spawn(move || {
            let mut unanswered = Vec::new();
            for stream in listener.incoming().flatten() {
                asked.fetch_add(1, Ordering::SeqCst);
                let answer = *answer.lock().unwrap();
                match answer {
                    Some((status, body)) => say(stream, status, body),
                    None => unanswered.push(stream),
                }
            }
        });
        server
    }

    fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }
}

fn say(mut stream: TcpStream, status: u16, body: &str) {
    let mut request = [0; 4096];
    // A client that is gone is none of the server's business.
    let _ = stream.read(&mut request);
    let _ = write!(
        stream,
        "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
}

/// A table over a topic with one record of ours and one of theirs.
struct Run {
    _directory: tempfile::TempDir,
    table: Arc<Table>,
    events: broadcast::Receiver<Event>,
}

impl Run {
    async fn start(server: &Server, change: impl FnOnce(&mut Settings)) -> Run {
        let directory = tempfile::tempdir().unwrap();
        let log = EmbeddedLog::open(EmbeddedOptions::new(directory.path().join("log"))).unwrap();
        let log = Log::from(log);
        let created = log.create_topic(&TopicSpec::new("stock", 1)).await.unwrap();
        for (key, id, body) in [("a", OURS, 4), ("b", THEIRS, 14)] {
            let mut value = Vec::new();
            frame::write(id, &mut value);
            value.push(body);
            let record = Record::new(Some(key.as_bytes()), Some(&value), Clock::wall().now_ms());
            log.produce("stock", record).await.unwrap();
        }
        let options = StoreOptions {
            path: directory.path().join("state"),
            memory: 1 << 20,
            durability: StateDurability::default(),
            rebuild_on_corruption: false,
            expiring: Default::default(),
        };
        let store = Store::open(&options, &["Stock_Store".to_owned()]).unwrap();
        let mut settings = Settings {
            kind: BindingKind::Table,
            store: "Stock_Store".to_owned(),
            topic: created.topic().clone(),
            joined: Vec::new(),
            value_schema: OURS,
            key_schema: 0,
            on_poison: OnPoison::Stop,
            rebuild_on_truncation: false,
            retry_first: Duration::from_millis(5),
            retry_longest: Duration::from_millis(20),
            retries: None,
            cache_rows: 0,
            gather_bytes: 1 << 20,
            window: None,
            expiry: None,
        };
        change(&mut settings);
        let (sender, events) = broadcast::channel(64);
        let table = Arc::new(Table::new("Stock", settings, Arc::new(store), sender));
        let patience = Patience {
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(2),
            limit: Duration::from_millis(10),
            unknown_id: Duration::from_millis(10),
            ..Patience::default()
        };
        let registry =
            HttpRegistry::with_patience(&HttpOptions::new([&server.url]), patience).unwrap();
        let offsets = [log.offsets("stock", 0).await.unwrap()];
        table
            .start::<Stock>(log, Registry::Http(registry), &offsets)
            .unwrap();
        Run {
            _directory: directory,
            table,
            events,
        }
    }

    async fn reaches(&self, state: State) -> Status {
        let mut status = self.table.subscribe();
        let reached = status.wait_for(|status| status.state == state);
        let reached = tokio::time::timeout(Duration::from_secs(60), reached).await;
        reached.unwrap().unwrap().clone()
    }

    async fn stop(mut self) -> Vec<State> {
        let table = Arc::clone(&self.table);
        tokio::task::spawn_blocking(move || {
            table.ask_to_stop(Vec::new(), Instant::now());
            table.wait_for_stop();
        })
        .await
        .unwrap();
        let mut states = Vec::new();
        while let Ok(event) = self.events.try_recv() {
            states.push(event.current);
        }
        states
    }
}

#[tokio::test]
async fn a_registry_that_is_away_is_waited_for_and_no_record_is_taken_for_poison() {
    let server = Server::start(AWAY);
    let run = Run::start(&server, |_| {}).await;
    let status = run.reaches(State::Disconnected).await;
    match &status.error {
        Some(
            error @ StateError::Registry {
                id: THEIRS, source, ..
            },
        ) => {
            assert!(source.is_transient());
            assert_eq!(
                error.to_string(),
                format!(
                    "topic `stock` cannot be read, for want of the schema 7 of its records: the schema registry at {} could \
                     not give the schema 7 (HTTP 503): not now",
                    server.url
                )
            );
        }
        other => panic!("{other:?}"),
    }
    server.answers(KNOWN);
    let status = run.reaches(State::Running).await;
    assert!(status.error.is_none());
    assert_eq!(status.total_lag(), 0);
    for (article, pieces) in [("a", 2), ("b", 7)] {
        let key = StockKey {
            article: article.to_owned(),
        };
        let mut ordered = super::store::row_prefix(0).to_vec();
        key.encode_ordered(&mut ordered);
        let row = run.table.store.get("Stock_Store", &ordered, <[u8]>::to_vec);
        let row = row.unwrap().unwrap();
        assert_eq!(Stock::decode(key, &row[1..]).unwrap().pieces, pieces);
    }
    let states = run.stop().await;
    assert_eq!(
        states,
        [
            State::Rebalancing,
            State::Disconnected,
            State::Rebalancing,
            State::Running,
            State::NotRunning
        ],
        "it does not flicker while it waits"
    );
}

#[tokio::test]
async fn a_wait_that_is_limited_ends_in_an_error() {
    let server = Server::start(AWAY);
    let run = Run::start(&server, |settings| settings.retries = Some(2)).await;
    let status = run.reaches(State::Error).await;
    assert!(matches!(status.error, Some(StateError::Registry { .. })));
    assert_eq!(
        run.stop().await,
        [
            State::Rebalancing,
            State::Disconnected,
            State::Error,
            State::NotRunning
        ]
    );
}

#[tokio::test]
async fn a_refusal_that_no_waiting_cures_is_an_error_and_no_poison() {
    let server = Server::start(Some((401, "who are you")));
    let run = Run::start(&server, |settings| settings.on_poison = OnPoison::Mark).await;
    let status = run.reaches(State::Error).await;
    assert!(
        matches!(
            status.error,
            Some(StateError::Registry {
                source: RegistryError::Unauthorized { .. },
                ..
            })
        ),
        "{:?}",
        status.error
    );
}

#[tokio::test]
async fn an_id_that_no_registry_knows_is_poison() {
    let server = Server::start(UNKNOWN);
    let run = Run::start(&server, |_| {}).await;
    let status = run.reaches(State::Error).await;
    match status.error {
        Some(StateError::Poison {
            offset: 1, reason, ..
        }) => {
            assert!(reason.contains("no schema has the id 7"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_registry_that_never_answers_does_not_keep_a_table_from_stopping() {
    let server = Server::start(None);
    let run = Run::start(&server, |_| {}).await;
    while server.asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let states = tokio::time::timeout(Duration::from_secs(20), run.stop()).await;
    assert_eq!(states.unwrap(), [State::Rebalancing, State::NotRunning]);
}
