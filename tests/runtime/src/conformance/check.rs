//! A case held against queries that say the same.

use std::time::Duration;

use ksql_runtime::codec::frame;
use ksql_runtime::log::Record as LogRecord;
use ksql_runtime::query::{IntoQuery, Query};
use ksql_runtime::testing::{self, Test, TestBuilder};
use ksql_schema::model::Role;
use ksql_schema::query::plan;
use ksql_schema::{Entity, avro, ddl};

use super::cases::{Case, Cases, Source};
use super::decode::{self, Row};
use super::encode::{self, of_role};
use super::joiner::{Joiner, joiner};
use super::ksql;
use super::same::{self, sql};

/// How long a poll waits for records that are there.
const POLL: Duration = Duration::from_secs(10);

/// A case written as queries.
#[derive(Debug)]
pub struct Written {
    /// The case's id.
    pub id: &'static str,
    queries: Vec<Asked>,
    builder: TestBuilder,
    said_as: Option<&'static str>,
    /// Columns of a side that may have no match, of joins that say a grace where the case says none.
    later: &'static [&'static str],
    /// What stands for the engine where that does not run the query.
    joiner: Option<Box<dyn Joiner>>,
    /// Whether the engine runs all of them.
    runs: bool,
}

/// Whether the engine runs joins. Until it does, records are those of a plain joiner that stands for it.
pub const RUNS_JOINS: bool = true;

/// A query of a case.
#[derive(Debug)]
struct Asked {
    plan: &'static plan::Query<'static>,
    ksql: &'static [&'static str],
}

/// Begins to write a case.
pub fn written(id: &'static str) -> Written {
    Written {
        id,
        queries: Vec::new(),
        builder: testing::builder(),
        said_as: None,
        later: &[],
        joiner: None,
        runs: true,
    }
}

impl Written {
    /// Adds a query, in the order of the case's statements.
    #[must_use]
    pub fn query<By, Q: Query>(mut self, query: impl IntoQuery<By, Query = Q>) -> Written {
        self.queries.push(Asked {
            plan: Q::PLAN,
            ksql: Q::KSQL,
        });
        match RUNS_JOINS || Q::PLAN.joins().next().is_none() {
            true => self.builder = self.builder.query(query),
            false => {
                self.joiner = joiner(query.into_query());
                self.runs = false;
            }
        }
        self
    }

    /// The queries say the same in another way than the case's statements, for this reason.
    #[must_use]
    pub fn said_as(mut self, reason: &'static str) -> Written {
        self.said_as = Some(reason);
        self
    }

    /// Rows without a match come later than the case says: it expects them at once, as of outer joins of streams without a grace, and
    /// with one they come when time and grace are over, which they never are in the cases. So of what it expects the rows are
    /// left out where one of these columns is NULL.
    #[must_use]
    pub fn later(mut self, columns: &'static [&'static str]) -> Written {
        self.later = columns;
        self
    }

    /// Why the text is another than the case's, where it is.
    pub fn reason(&self) -> Option<&'static str> {
        self.said_as
    }

    /// The statements of the queries.
    pub fn texts(&self) -> Vec<&'static str> {
        self.queries
            .iter()
            .flat_map(|query| query.ksql)
            .copied()
            .collect()
    }

    /// Runs the case and compares everything it states.
    ///
    /// # Panics
    /// With all that is different.
    pub async fn check(self, test: &str) {
        let Some(cases) = Cases::or_skip(test) else {
            return;
        };
        let case = cases
            .get(self.id)
            .unwrap_or_else(|| panic!("there is no case `{}`", self.id));
        let mut different = self.compare_texts(case);
        for query in &self.queries {
            match case.source(query.plan.output.sql_name) {
                Some(source) => different.extend(columns(query.plan.output, source, case)),
                None => different.push(format!("no source is `{}`", query.plan.output.sql_name)),
            }
        }
        let Written {
            queries,
            builder,
            runs,
            later,
            joiner,
            ..
        } = self;
        let mut test = None;
        let mut plain = Vec::new();
        match joiner {
            _ if runs => {
                let started = builder.start().await.expect("the queries start");
                send(&started, &queries, case).await;
                test = Some(started);
            }
            Some(joiner) => plain = joined(joiner, &queries, case),
            None => {
                println!("no records are compared: the engine runs no joins");
                assert_same(case, &different);
                return;
            }
        }
        for query in &queries {
            let Some(source) = case.source(query.plan.output.sql_name) else {
                continue;
            };
            let expected: Vec<_> = case
                .outputs
                .iter()
                .filter(|record| record.topic == source.topic)
                .filter(|record| !later.iter().any(|column| record.value[column].is_null()))
                .collect();
            // What is not listed is not compared, unless it is listed that nothing comes.
            if expected.is_empty() && !case.vacuous {
                continue;
            }
            let found = match &test {
                Some(test) => rows(test, query.plan.output),
                None => std::mem::take(&mut plain),
            };
            different.extend(same::differences(
                query.plan.output,
                source,
                &expected,
                &found,
            ));
        }
        if let Some(test) = test {
            test.end().await.expect("the queries end");
        }
        assert_same(case, &different);
    }

    /// What the texts say otherwise than the case's statements.
    fn compare_texts(&self, case: &Case) -> Vec<String> {
        let statements = case.queries();
        let mut different = Vec::new();
        if statements.len() != self.queries.len() {
            different.push(format!(
                "the case has {} queries, not {}",
                statements.len(),
                self.queries.len()
            ));
        }
        let mut unequal = Vec::new();
        for (statement, query) in statements.iter().zip(&self.queries) {
            let [ours] = query.ksql else {
                different.push("a case's query is one statement".to_owned());
                continue;
            };
            let ours = called_as_in(case, ours, query.plan);
            match (ksql::parse(statement), ksql::parse(&ours)) {
                (Ok(case_statement), Ok(ours)) => {
                    let label = label(query.plan.output);
                    let sources = Declared { case, query };
                    unequal.extend(ksql::differences(
                        &case_statement,
                        &ours,
                        &sources,
                        label.as_deref(),
                    ));
                }
                (one, other) => different.extend([one.err(), other.err()].into_iter().flatten()),
            }
        }
        match (self.said_as, unequal.is_empty()) {
            (None, _) => different.append(&mut unequal),
            (Some(_), false) => {}
            (Some(reason), true) => different.push(format!(
                "the text is the case's, and another was announced: {reason}"
            )),
        }
        different
    }
}

/// # Panics
/// With all that is different.
fn assert_same(case: &Case, different: &[String]) {
    assert!(
        different.is_empty(),
        "{}:\n{}",
        case.statements.join("\n"),
        different.join("\n")
    );
}

/// The sources of a case as the query declares them.
#[derive(Debug)]
struct Declared<'c> {
    case: &'c Case,
    query: &'c Asked,
}

impl ksql::Sources for Declared<'_> {
    fn columns(&self, source: &str) -> Option<Vec<(String, bool)>> {
        let columns = &self.case.source(source)?.columns;
        let absent = self.absent(source);
        let names = columns
            .iter()
            .map(|column| (column.name.clone(), column.key));
        Some(names.filter(|(name, _)| !absent.contains(name)).collect())
    }

    /// A stream with a key has one in every record: where no record of a case has one, the key columns are left out.
    fn absent(&self, source: &str) -> Vec<String> {
        let inputs = self.query.plan.inputs.iter().map(|input| input.entity);
        let mut keyless = inputs.filter(|model| of_role(model, Role::Key).next().is_none());
        let found = self.case.source(source);
        if !keyless.any(|model| model.sql_name == source) {
            return Vec::new();
        }
        let keys = found
            .iter()
            .flat_map(|source| &source.columns)
            .filter(|column| column.key);
        keys.map(|column| column.name.clone()).collect()
    }
}

/// A text with the case's names for the streams over topics of windows, whose names in ours are those of the windows.
fn called_as_in(case: &Case, text: &str, query: &plan::Query<'_>) -> String {
    let mut text = text.to_owned();
    for input in query.inputs {
        let label = label(input.entity);
        let stream = label.zip(case.stream_of(input.entity.topic.name));
        if let Some((label, stream)) = stream {
            let ours = format!(
                "`{}_{}{}`",
                input.entity.sql_name,
                label.to_uppercase(),
                ddl::STREAM_SUFFIX
            );
            text = text.replace(&ours, &format!("`{}`", stream.name));
        }
    }
    text
}

/// The label of an entity's one window.
fn label(model: &Entity<'_>) -> Option<String> {
    let window = model.window.as_ref()?;
    let size = window.sizes_ms.first()?;
    Some(ddl::label(window, *size))
}

/// The topic of an entity, or of its one window.
fn topic(model: &Entity<'_>) -> String {
    match label(model) {
        None => model.topic.name.to_owned(),
        Some(label) => format!("{}_{label}", model.topic.name),
    }
}

/// Whether a result's columns are those ksqlDB derives: their number, roles and types. Key columns that are NULL in every record
/// may be absent.
fn columns(model: &Entity<'_>, source: &Source, case: &Case) -> Vec<String> {
    let mut different = Vec::new();
    for (role, key) in [(Role::Key, true), (Role::Value, false)] {
        let ours: Vec<_> = of_role(model, role).collect();
        let theirs: Vec<_> = source
            .columns
            .iter()
            .filter(|column| column.key == key)
            .collect();
        let mut records = case
            .outputs
            .iter()
            .filter(|record| record.topic == source.topic);
        if key && ours.is_empty() && records.all(|record| record.key.is_null()) {
            continue;
        }
        if ours.len() != theirs.len() {
            different.push(format!(
                "{role:?}: {} columns, not {}",
                ours.len(),
                theirs.len()
            ));
        }
        for (ours, theirs) in ours.iter().zip(theirs) {
            let plain = |text: &str| text.replace([' ', '`'], "");
            let ty = sql(ours.ty);
            if theirs
                .ty
                .as_deref()
                .is_some_and(|theirs| plain(theirs) != plain(&ty))
            {
                different.push(format!("{} is {:?}, not {ty}", theirs.name, theirs.ty));
            }
        }
    }
    different
}

/// Sends the records of a case in their order, across topics.
async fn send(test: &Test, queries: &[Asked], case: &Case) {
    let (log, registry) = (test.context().log(), test.context().registry());
    let mut last: Option<&str> = None;
    for record in &case.inputs {
        let read = queries.iter().flat_map(|query| query.plan.inputs);
        let mut read = read.filter(|input| input.entity.topic.name == record.topic);
        let Some(input) = read.next() else {
            panic!("no query reads `{}`", record.topic);
        };
        // Between topics the order is that of the list: each change is worked off before another topic's.
        if last.is_some_and(|topic| topic != record.topic) {
            test.settle().await.expect("everything is taken in");
        }
        last = Some(&record.topic);
        let model = input.entity;
        let topic = topic(model);
        // Records with windows are what a query made.
        let value_schema = match model.window {
            Some(_) => avro::result_schema(model),
            None => avro::value_schema(model),
        };
        let mut ids = [0; 2];
        for (id, part, schema) in [
            (0, "value", &value_schema),
            (1, "key", &avro::key_schema(model)),
        ] {
            if !schema.is_empty() {
                let subject = format!("{topic}-{part}");
                ids[id] = registry
                    .register(&subject, schema)
                    .await
                    .expect("a schema's id");
            }
        }
        let key = encode::key(model, record, ids[1]);
        let value = match case.schemas.get(&record.topic) {
            // A tombstone has no schema.
            Some(_) if record.value.is_null() => None,
            Some(schema) => {
                let text = schema.to_string();
                let id = registry
                    .register(&format!("another-program-of-{}", record.topic), &text)
                    .await
                    .expect("an id");
                let mut body = Vec::new();
                frame::write(id, &mut body);
                encode::foreign(schema, &record.value, &mut body);
                Some(body)
            }
            None if model.window.is_some() && !record.value.is_null() => {
                let schema = serde_json::from_str(&value_schema).expect("a schema");
                let mut body = Vec::new();
                frame::write(ids[0], &mut body);
                encode::foreign(&schema, &record.value, &mut body);
                Some(body)
            }
            None => encode::value(model, &record.value, ids[0]),
        };
        let timestamp = record.timestamp.unwrap_or(0);
        let sent = LogRecord::new(key.as_deref(), value.as_deref(), timestamp).partition(0);
        log.produce(&topic, sent)
            .await
            .expect("the record is written");
    }
    test.settle().await.expect("everything is taken in");
}

/// What the plain joiner makes of the records of a case.
fn joined(mut joiner: Box<dyn Joiner>, queries: &[Asked], case: &Case) -> Vec<Row> {
    let inputs = || queries.iter().flat_map(|query| query.plan.inputs);
    let output = queries.first().map(|query| query.plan.output);
    let output = output.expect("a query");
    let mut rows = Vec::new();
    for record in &case.inputs {
        let input = inputs().find(|input| input.entity.topic.name == record.topic);
        let model = input.expect("a topic that is read").entity;
        let key = encode::key(model, record, 0);
        let value = encode::value(model, &record.value, 0);
        let body = value
            .as_deref()
            .map(|value| frame::read(value).expect("a frame").1);
        let timestamp = record.timestamp.unwrap_or(0);
        for made in joiner.take(&record.topic, key.as_deref(), body, timestamp) {
            let value = made
                .value
                .map(|value| decode::value(output, &value).expect("a value in ksqlDB's form"));
            let key = made
                .key
                .map(|key| decode::key(output, &key, None).expect("a key").0);
            rows.push(Row {
                key,
                value,
                timestamp: made.timestamp,
                window: None,
            });
        }
    }
    rows
}

/// The records of a result's topic.
fn rows(test: &Test, model: &Entity<'_>) -> Vec<Row> {
    let topic = topic(model);
    let log = test.context().log();
    let size = model
        .window
        .as_ref()
        .and_then(|window| window.sizes_ms.first());
    let size = size.map(|size| i64::try_from(*size).expect("a size"));
    let mut reader = log.reader(&topic, &[(0, 0)]).expect("a reader");
    let mut rows = Vec::new();
    // An empty read is the end: everything is written by now.
    while let Some(fetched) = reader
        .poll(if rows.is_empty() {
            POLL / 100
        } else {
            POLL / 1000
        })
        .expect("a poll")
    {
        for record in fetched.records() {
            let key = record
                .key
                .map(|key| decode::key(model, key, size).expect("a key"));
            let value = record.value.map(|value| {
                let (_, body) = frame::read(value).expect("a frame");
                decode::value(model, body).expect("a value in ksqlDB's form")
            });
            rows.push(Row {
                window: key.as_ref().and_then(|(_, window)| *window),
                key: key.map(|(key, _)| key),
                value,
                timestamp: record.timestamp,
            });
        }
    }
    rows
}
