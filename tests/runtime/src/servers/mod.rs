//! A real Kafka and a real registry for tests: Java processes from published artifacts (`scripts/cluster`), on loopback,
//! on ports that were free, in a folder of their own, ended and removed when the test process ends - also when it is
//! killed.
//!
//! ```no_run
//! use ksql_runtime_tests::{servers, test_name};
//!
//! // Shared by all tests of this binary: use topics and subjects of your own.
//! let Some(kafka) = servers::kafka_or_skip(test_name!()) else { return };
//! let bootstrap = kafka.bootstrap();
//!
//! // One that this test may stop, kill and start again.
//! let Some(broker) = servers::or_skip(test_name!(), servers::Kafka::start()) else { return };
//! broker.kill();
//! broker.start_again();
//! ```
//!
//! A machine without Java or Maven skips such a test: its name and the reason go to standard error, past the test
//! runner's capture, and into the file that `KSQL_SKIPPED` names, which `make test` prints at its end. Where `CI` is set,
//! only a missing Java is a reason; everything else there is a failure. A server that does not start although all is
//! there is a failure everywhere.

mod kafka;
mod registry;
mod supervisor;

use std::fmt;
use std::io::Write;
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

pub use self::kafka::{Kafka, KafkaOptions};
pub use self::registry::RegistryServer;

/// Why a test cannot run on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    reason: String,
}

impl Skip {
    /// Something else than a server is missing.
    pub fn because(reason: impl Into<String>) -> Skip {
        Skip {
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Skip {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.reason)
    }
}

/// The broker that all tests of this binary share, or nothing after the test was reported as skipped.
pub fn kafka_or_skip(test: &str) -> Option<&'static Kafka> {
    static KAFKA: Shared<Kafka> = OnceLock::new();
    shared(&KAFKA, test, Kafka::start)
}

/// The registry that all tests of this binary share, or nothing after the test was reported as skipped.
pub fn registry_or_skip(test: &str) -> Option<&'static RegistryServer> {
    static REGISTRY: Shared<RegistryServer> = OnceLock::new();
    shared(&REGISTRY, test, RegistryServer::start)
}

/// What was started, or nothing after the test was reported as skipped.
pub fn or_skip<T>(test: &str, started: Result<T, Skip>) -> Option<T> {
    started.map_err(|skip| report(test, &skip)).ok()
}

/// Nothing inside: starting it failed once, and is not tried again for each test.
type Shared<T> = OnceLock<Option<Result<T, Skip>>>;

fn shared<T>(
    server: &'static Shared<T>,
    test: &str,
    start: impl FnOnce() -> Result<T, Skip> + std::panic::UnwindSafe,
) -> Option<&'static T> {
    match server.get_or_init(|| std::panic::catch_unwind(start).ok()) {
        Some(Ok(server)) => Some(server),
        Some(Err(skip)) => {
            report(test, skip);
            None
        }
        None => {
            panic!("the shared server did not start: the first test that asked for it says why")
        }
    }
}

/// The full name of the test it stands in.
#[macro_export]
macro_rules! test_name {
    () => {{
        fn here() {}
        $crate::servers::name_of(std::any::type_name_of_val(&here))
    }};
}

/// The test's name within the name of a function inside it. For [`test_name!`](crate::test_name).
pub fn name_of(inner: &'static str) -> &'static str {
    let name = inner.strip_suffix("::here").unwrap_or(inner);
    name.trim_end_matches("::{{closure}}")
}

/// Says by name that a test was skipped, where it is seen although the test passes.
fn report(test: &str, skip: &Skip) {
    let line = format!("skipped: {test}: {skip}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(file) = std::env::var_os("KSQL_SKIPPED") {
        // Several test processes write to it; a line is one write.
        let file = std::fs::File::options()
            .append(true)
            .create(true)
            .open(file);
        file.and_then(|mut file| file.write_all(line.as_bytes()))
            .expect("the file that KSQL_SKIPPED names can be written");
    }
}

/// The artifacts on this machine, as `scripts/cluster/fetch` has them.
#[derive(Debug, Clone)]
struct Installed {
    java: String,
    servers: PathBuf,
}

impl Installed {
    fn kafka_classpath(&self) -> String {
        self.servers.join("kafka/*").display().to_string()
    }

    fn registry_classpath(&self) -> String {
        let folder = self.servers.join("registry");
        format!("{0}/*:{0}/lib/*", folder.display())
    }

    /// For a quick start and a small footprint: both servers share two cores with the tests.
    fn java_options(&self) -> [String; 5] {
        [
            "-Xmx512m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        ]
        .map(str::to_string)
    }
}

/// Finds Java and the servers, fetching them if need be; once per process.
fn installed() -> Result<Installed, Skip> {
    static INSTALLED: OnceLock<Result<Installed, Skip>> = OnceLock::new();
    INSTALLED
        .get_or_init(|| {
            let fetch = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/cluster/fetch");
            let output = Command::new("bash").arg(fetch).output().expect("bash runs");
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            if let (true, Some((java, servers))) = (output.status.success(), said.split_once('\n'))
            {
                return Ok(Installed {
                    java: java.to_string(),
                    servers: PathBuf::from(servers.trim_end()),
                });
            }
            let why = String::from_utf8_lossy(&output.stderr).trim().to_string();
            let no_java = output.status.code() == Some(3);
            assert!(
                no_java || std::env::var_os("CI").is_none(),
                "java is here, but the servers cannot be had: {why}"
            );
            Err(Skip {
                reason: why.replace('\n', "; "),
            })
        })
        .clone()
}

/// A new folder for a server. Its supervisor removes it.
fn new_folder(server: &str) -> PathBuf {
    tempfile::Builder::new()
        .prefix(&format!("ksql-test-{server}-"))
        .tempdir()
        .expect("a folder")
        .keep()
}

/// A port that nobody listens on, given to no other test of any process on this machine while this one lives. Below the
/// range from which the system takes ports for outgoing connections: a client that tries again and again to reach a
/// stopped server would otherwise be given the server's own port one day, connect to itself, and keep the server from
/// coming back.
pub fn free_port() -> u16 {
    // A server binds its port a second after it was given one, and leaves it while it is stopped. Whose it is until this
    // process ends is who has the same number for UDP, which nobody here speaks.
    static GIVEN: Mutex<Vec<UdpSocket>> = Mutex::new(Vec::new());
    let (port, mark) = (0..1000)
        .map(|_| rand::random_range(20_000..32_000))
        .filter_map(|port| Some((port, UdpSocket::bind(("127.0.0.1", port)).ok()?)))
        .find(|(port, _)| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port");
    GIVEN
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(mark);
    port
}
