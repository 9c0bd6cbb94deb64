//! A place of one test on a real cluster: topics and subjects no other test has, and a state directory. And the table of
//! the crash tests, looked at whole.

use std::path::Path;
use std::time::Duration;

use ksql_runtime::context::ContextBuilder;
use ksql_runtime::error::Error;
use ksql_runtime::log::{KafkaLog, KafkaOptions, Log};
use ksql_runtime::prelude::*;
use ksql_runtime::state::{Event, State};
use ksql_runtime::testing::{self, TestBuilder};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;

use crate::servers::RegistryServer;
use crate::workload::Row;

/// Nothing here takes as long unless it hangs.
pub const LIMIT: Duration = Duration::from_secs(300);

/// With these settings a group misses a member that was killed after two seconds, and not after 45. One that lives is
/// kept waiting by others for less.
pub const MISSED_SOON: [(&str, &str); 2] = [
    ("kafka.consumer.session.timeout.ms", "2000"),
    ("kafka.consumer.heartbeat.interval.ms", "200"),
];

/// A place on a cluster. Its directory is removed with it.
#[derive(Debug)]
pub struct Place {
    settings: Vec<(String, String)>,
    prefix: String,
    directory: tempfile::TempDir,
}

impl Place {
    /// A place of its own. Clients give up on what does not answer within two seconds, and try again soon.
    pub fn new(bootstrap: &str, registry: &RegistryServer) -> Place {
        Place::at(bootstrap, registry.url())
    }

    /// The same with a registry of any kind, by its address.
    pub fn at(bootstrap: &str, registry: &str) -> Place {
        let prefix = format!("{}-", uuid::Uuid::new_v4().simple());
        let settings = [
            ("bootstrap", bootstrap),
            ("registry", registry),
            ("topic_prefix", &prefix),
            ("retry_first", "10ms"),
            ("retry_longest", "200ms"),
            ("kafka.socket.timeout.ms", "2000"),
            ("kafka.socket.connection.setup.timeout.ms", "2000"),
            ("kafka.reconnect.backoff.max.ms", "200"),
        ];
        Place {
            settings: settings
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .to_vec(),
            prefix,
            directory: tempfile::tempdir().expect("a directory"),
        }
    }

    /// The same with another setting.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Place {
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }

    /// The same, in which whoever was killed is missed soon.
    #[must_use]
    pub fn missed_soon(self) -> Place {
        let settings = MISSED_SOON.into_iter();
        settings.fold(self, |place, (key, value)| place.with(key, value))
    }

    /// Its settings.
    pub fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    /// What stands before the names of its topics.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The topic of the rows.
    pub fn topic(&self) -> String {
        format!("{}rows", self.prefix)
    }

    /// The topic of the dead letters.
    pub fn dead_letters(&self) -> String {
        format!("{}system.dlq", self.prefix)
    }

    /// Where log and tables of the test's own process are.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Removes the state of its tables, as a lost disk would.
    pub fn forget_tables(&self) {
        std::fs::remove_dir_all(self.directory().join("clusters")).expect("the state is removed");
    }

    /// A context of the rows, to be changed and started.
    pub fn builder(&self) -> ContextBuilder {
        self.settings
            .iter()
            .fold(crate::context().entity::<Row>(), |all, (key, value)| {
                all.setting(key, value)
            })
            .state_dir(self.directory())
    }

    /// A test of queries in this place, in a directory of its own.
    pub fn tested(&self, directory: &Path) -> TestBuilder {
        let builder = testing::builder().directory(directory);
        let settings = self.settings.iter();
        settings.fold(builder, |all, (key, value)| all.setting(key, value))
    }

    /// Starts; what does not end at all is a failure here.
    ///
    /// # Errors
    /// As start.
    pub async fn start(&self, settings: &[(&str, &str)]) -> Result<Context, Error> {
        let builder = settings.iter().fold(self.builder(), |all, (key, value)| {
            all.setting(*key, *value)
        });
        tokio::time::timeout(LIMIT, builder.start())
            .await
            .expect("a start ends, whatever it finds")
    }

    /// A context that is started and need not be ready.
    pub async fn open(&self) -> Context {
        self.start(&[("wait_for_ready", "false")])
            .await
            .expect("the context starts")
    }

    /// The same for a child process, by its environment.
    pub fn environment(&self) -> Vec<(String, String)> {
        let settings = self.settings.iter();
        environment(settings.map(|(key, value)| (key.as_str(), value.as_str())))
    }

    /// The log beside any context, for what others do to a topic.
    pub fn log(bootstrap: &str) -> Log {
        KafkaLog::open(KafkaOptions::new(bootstrap))
            .expect("the log opens")
            .into()
    }
}

/// Settings as a child process has them, by its environment.
pub fn environment<'s>(
    settings: impl IntoIterator<Item = (&'s str, &'s str)>,
) -> Vec<(String, String)> {
    let variable = |key: &str| match key.strip_prefix("kafka.") {
        Some(name) => {
            // Settings of consumers alone are a table of their own.
            let name = match name.strip_prefix("consumer.") {
                Some(name) => format!("consumer__{name}"),
                None => name.to_owned(),
            };
            format!("KSQL_KAFKA__{}", name.replace('.', "_").to_uppercase())
        }
        None => format!("KSQL_{}", key.to_uppercase()),
    };
    let settings = settings.into_iter();
    settings
        .map(|(key, value)| (variable(key), value.to_owned()))
        .collect()
}

/// The whole table of keys from 0 on, read both ways: as a list and key by key.
pub async fn table(ctx: &Context, keys: u64) -> Vec<Row> {
    let set = ctx.set::<Row>();
    let rows = set.to_list().await.expect("the table is read");
    let mut found = Vec::new();
    for key in 0..keys as i64 {
        found.extend(set.get(key).await.expect("a row is read"));
    }
    let mut listed = rows.clone();
    listed.sort_by_key(|row| row.id);
    assert_eq!(listed, found, "to_list and get see the same table");
    rows
}

/// Key and value of a row as others write them, with the id of the value's schema.
pub fn encoded(row: &Row, schema: u32) -> (Vec<u8>, Vec<u8>) {
    let (mut key, mut value) = (Vec::new(), vec![0]);
    row.encode_key(0, &mut key).expect("a key");
    value.extend(schema.to_be_bytes());
    row.encode_value(&mut value).expect("a value");
    (key, value)
}

/// The id of the rows' schema.
pub async fn schema(ctx: &Context) -> u32 {
    let topic = ctx.set::<Row>().topic().expect("a topic").to_owned();
    let subject = format!("{topic}-value");
    ctx.registry()
        .register(&subject, Row::VALUE_SCHEMA)
        .await
        .expect("it is registered already")
}

/// Waits for a table to be in this state, whatever it passes through.
pub async fn reaches(ctx: &Context, state: State) {
    let mut events = ctx.events();
    let waiting = async {
        while ctx.set::<Row>().state().expect("a table") != state {
            // One that fell behind looks again too.
            let _ = events.recv().await;
        }
    };
    let status = || format!("{state} is not reached: {:?}", ctx.tables());
    tokio::time::timeout(LIMIT, waiting)
        .await
        .unwrap_or_else(|_| panic!("{}", status()));
}

/// Every transition there was may be one, and follows the one before.
pub fn transitions(events: &mut Receiver<Event>, last: &mut State) {
    loop {
        match events.try_recv() {
            Ok(event) => {
                assert_eq!(event.previous, *last);
                assert!(event.previous.may_become(event.current), "{event:?}");
                *last = event.current;
            }
            Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            Err(error) => panic!("{error}"),
        }
    }
}
