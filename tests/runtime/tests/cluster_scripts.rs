//! `make cluster` and `make cluster-stop`: started twice is started once, what was there comes back, and only what was
//! started is stopped.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ksql_runtime_tests::servers::{self, free_port};
use ksql_runtime_tests::test_name;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A cluster in a folder of its own. Stopped when the test ends.
struct Cluster {
    folder: tempfile::TempDir,
    ports: [u16; 3],
}

/// What everything is formatted with at first.
const COMMON_ID: &str = "4L6g3nShT-eMCtK--X86sw";

impl Cluster {
    fn new() -> Cluster {
        Cluster {
            folder: tempfile::tempdir().expect("a folder"),
            ports: [free_port(), free_port(), free_port()],
        }
    }

    fn script(&self, name: &str) -> Output {
        let [kafka, controller, registry] = self.ports;
        Command::new("bash")
            .arg(root().join("scripts/cluster").join(name))
            .env("KSQL_CLUSTER_DIR", self.folder.path())
            .env("KAFKA_PORT", kafka.to_string())
            .env("CONTROLLER_PORT", controller.to_string())
            .env("REGISTRY_PORT", registry.to_string())
            .output()
            .expect("bash runs")
    }

    fn start(&self) -> String {
        let output = self.script("start");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A cluster that was started, and what was said; on other ports where somebody took one of the first meanwhile.
    fn started() -> (Cluster, String) {
        for _ in 0..5 {
            let cluster = Cluster::new();
            let output = cluster.script("start");
            let error = String::from_utf8_lossy(&output.stderr);
            if output.status.success() {
                let said = String::from_utf8_lossy(&output.stdout).into_owned();
                return (cluster, said);
            }
            let taken = ["is taken by another program", "in use"];
            assert!(
                taken.iter().any(|taken| error.contains(taken)),
                "{output:?}"
            );
        }
        panic!("no ports stayed free long enough for the servers to bind them");
    }

    fn stop(&self) -> String {
        String::from_utf8_lossy(&self.script("stop").stdout).into_owned()
    }

    fn id(&self, server: &str) -> String {
        let file = self.folder.path().join(format!("{server}.pid"));
        std::fs::read_to_string(file).expect("a process id")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

#[test]
fn a_cluster_started_twice_is_started_once_and_stopping_it_stops_nothing_else() {
    let Some(other) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let (cluster, said) = Cluster::started();
    let [kafka, _, registry] = cluster.ports;
    let addresses = format!(
        "export KSQL_BOOTSTRAP=127.0.0.1:{kafka} KSQL_REGISTRY=http://127.0.0.1:{registry}/apis/ccompat/v7\n"
    );
    assert!(said.contains(&addresses), "{said}");
    let formatted = cluster.folder.path().join("kafka/meta.properties");
    let formatted = std::fs::read_to_string(formatted).expect("the broker's folder");
    let id = formatted
        .lines()
        .find(|line| line.starts_with("cluster.id="));
    let id = id
        .and_then(|line| line.strip_prefix("cluster.id="))
        .expect("an id");
    assert!(
        id.len() == 22 && id != COMMON_ID,
        "a cluster of its own: {formatted}"
    );
    let ids = (cluster.id("kafka"), cluster.id("registry"));
    let again = cluster.start();
    assert!(again.contains("left running: kafka registry\n"), "{again}");
    assert!(again.contains(&addresses), "{again}");
    assert_eq!(ids, (cluster.id("kafka"), cluster.id("registry")));
    assert_eq!(cluster.stop(), "stopped registry\nstopped kafka\n");
    assert_eq!(cluster.stop(), "nothing to stop\n");
    // A process id that the system gave to another program meanwhile.
    let id = other.id().expect("the shared broker runs").to_string();
    std::fs::write(cluster.folder.path().join("kafka.pid"), id).expect("written");
    assert_eq!(cluster.stop(), "nothing to stop\n");
    other.tool("org.apache.kafka.tools.TopicCommand", &["--list"]);
}

#[test]
fn a_port_that_is_taken_is_named_with_the_variable_that_chooses_another() {
    let Some(_) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let mut cluster = Cluster::new();
    let taken = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let registry = taken.local_addr().expect("an address").port();
    cluster.ports[2] = registry;
    let output = cluster.script("start");
    assert!(!output.status.success());
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        format!(
            "port {registry} is taken by another program; stop it, or choose another one: REGISTRY_PORT=.. make cluster\n"
        )
    );
    assert_eq!(cluster.stop(), "nothing to stop\n", "nothing was started");
}
