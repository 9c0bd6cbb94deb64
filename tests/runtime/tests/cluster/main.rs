//! A context on a real Kafka and a real registry: what starting makes, that it makes nothing twice, what it says of what
//! differs, what it survives, and every way it is refused. ksqlDB is a small server of ours here, which keeps sources.

mod access;
mod away;
mod drift;
mod engine;
mod engine_joins;
mod engine_results;
mod homes;
mod ksqldb;
mod ksqldb_server;
mod leaving;
mod permissions;
mod start;
mod subjects;
mod survival;
mod warm_up;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use ksql_runtime::context::plan::Plan;
use ksql_runtime::prelude::*;
use ksql_runtime_tests::http_server::{Play, Request, TestServer};
use ksql_runtime_tests::servers::{self, Kafka, RegistryServer};

/// The servers that all tests here share, and names that only one test has.
struct Place {
    kafka: &'static Kafka,
    registry: &'static RegistryServer,
    /// Before every topic, and so before every subject.
    prefix: String,
    state: tempfile::TempDir,
}

impl Place {
    /// Nothing where the test is skipped.
    fn new(test: &str) -> Option<Place> {
        Some(Place {
            kafka: servers::kafka_or_skip(test)?,
            registry: servers::registry_or_skip(test)?,
            prefix: fresh_prefix(),
            state: tempfile::tempdir().expect("a directory"),
        })
    }

    /// Names and a state directory that were never used.
    fn renew(&mut self) {
        self.prefix = fresh_prefix();
        self.state = tempfile::tempdir().expect("a directory");
    }

    /// The topic or subject of this name.
    fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn builder(&self) -> ContextBuilder {
        self.builder_in(self.state.path())
    }

    /// With another state directory: another instance.
    fn builder_in(&self, state: &Path) -> ContextBuilder {
        on(self.kafka.bootstrap(), self.registry.url(), &self.prefix).state_dir(state)
    }

    /// The registry, with everything asked of it kept.
    fn watched(&self) -> TestServer {
        let registry = self.registry.url().to_owned();
        TestServer::start(move |request| forward(&registry, request))
    }

    /// A text without what differs from run to run.
    fn told(&self, text: impl ToString) -> String {
        text.to_string()
            .replace(&self.prefix, "")
            .replace(self.kafka.bootstrap(), "KAFKA")
            .replace(self.registry.url(), "REGISTRY")
    }
}

fn fresh_prefix() -> String {
    format!("{}-", uuid::Uuid::new_v4().simple())
}

/// A program on these servers; nothing of this process's environment.
fn on(bootstrap: &str, registry: &str, prefix: &str) -> ContextBuilder {
    Context::builder()
        .config(Config::default())
        .setting("bootstrap", bootstrap)
        .setting("registry", registry)
        .setting("topic_prefix", prefix)
}

async fn started(builder: ContextBuilder) -> Context {
    builder.start().await.expect("it starts")
}

/// The text of a start that is refused.
async fn refused(builder: ContextBuilder) -> String {
    let error = builder.start().await.expect_err("it is refused");
    error.to_string()
}

async fn plan_of(ctx: &Context) -> Plan {
    ctx.plan().await.expect("a plan")
}

/// The one difference that a plan tells of the thing with this name, as it is printed.
fn difference(plan: &Plan, name: &str) -> String {
    let step = plan.steps.iter().find(|step| step.name == name);
    let step = step.unwrap_or_else(|| panic!("no {name} in\n{plan}"));
    let [difference] = step.differences() else {
        panic!("one difference of {name}:\n{plan}")
    };
    format!("{difference} ({:?})", difference.cure)
}

/// A text is this one, but for how long something took, and for how the system calls a connection that is refused.
#[track_caller]
fn exactly(text: &str, expected: &str) {
    let mut steady = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("(after ") {
        steady.push_str(before);
        steady.push_str("(after a while)");
        // There may be parentheses in these.
        let mut open = 1;
        let end = after.find(|c| {
            open += i32::from(c == '(') - i32::from(c == ')');
            open == 0
        });
        rest = &after[end.expect("its end") + 1..];
    }
    steady.push_str(rest);
    let nobody = TcpStream::connect(("127.0.0.1", servers::free_port()));
    let refused = nobody.expect_err("nobody listens").to_string();
    assert_eq!(steady.replace(&refused, "REFUSED"), expected);
}

/// What a server answers to a request that is passed on to it.
fn forward(base: &str, request: &Request) -> Play {
    let rest = base.strip_prefix("http://").expect("an address");
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let path = match path {
        "" => request.path.clone(),
        path => format!("/{path}{}", request.path),
    };
    let mut text = format!(
        "{} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {}\r\n",
        request.method,
        request.body.len()
    );
    for name in ["content-type", "accept"] {
        if let Some(value) = request.header(name) {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    text.push_str("\r\n");
    text.push_str(&request.body);
    let answer = TcpStream::connect(host).and_then(|mut stream| {
        stream.write_all(text.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    });
    answer.map_or(Play::Slam, Play::Raw)
}

/// What was asked, as `METHOD path` without the prefix.
fn asked(server: &TestServer, prefix: &str) -> Vec<String> {
    let requests = server.requests();
    requests
        .iter()
        .map(|request| format!("{} {}", request.method, request.path).replace(prefix, ""))
        .collect()
}

/// Does what blocks beside the other tasks.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("it ends")
}
