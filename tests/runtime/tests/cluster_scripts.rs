//! `make cluster` and `make cluster-stop`: started twice is started once, what was there comes back, nobody reaches it from another
//! machine, and only what was started is stopped.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
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
        let script = root().join("scripts/cluster").join(name);
        self.run(&script.display().to_string())
    }

    /// What somebody types, in the folder of the repository.
    fn run(&self, line: &str) -> Output {
        let [kafka, controller, registry] = self.ports;
        Command::new("bash")
            .args(["-c", line])
            .current_dir(root())
            // Tests are run by a `make` of their own, which tells the next one that it is not the first.
            .env_remove("MAKEFLAGS")
            .env_remove("MAKELEVEL")
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

    /// What whoever is told how to stop it does.
    fn stop_as_told(&self, said: &str) -> String {
        let told = said.lines().last().expect("lines");
        let line = told.strip_suffix(" stops them.");
        let line = line.unwrap_or_else(|| panic!("how to stop it is told last: {said}"));
        assert_eq!(line, "make cluster-stop");
        let output = self.run(line);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn id(&self, server: &str) -> String {
        let file = self.folder.path().join(format!("{server}.pid"));
        let id = std::fs::read_to_string(file).expect("a process id");
        id.trim().to_owned()
    }
}

/// Where a process listens. As the system tells it: whoever asked another machine would need one.
fn listeners(pid: &str) -> BTreeSet<SocketAddr> {
    let process = Path::new("/proc").join(pid);
    let files = std::fs::read_dir(process.join("fd")).expect("its files");
    let files = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    let sockets: BTreeSet<String> = files
        .filter_map(|file| {
            let name = file.display().to_string();
            let number = name.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(number.to_owned())
        })
        .collect();
    let mut found = BTreeSet::new();
    for list in ["net/tcp", "net/tcp6"] {
        let list = std::fs::read_to_string(process.join(list)).unwrap_or_default();
        for line in list.lines().skip(1) {
            let words: Vec<&str> = line.split_whitespace().collect();
            const LISTEN: &str = "0A";
            if words[3] == LISTEN && sockets.contains(words[9]) {
                found.insert(address(words[1]));
            }
        }
    }
    found
}

/// An address as the system's lists have it: words of four bytes, each with its last byte first, and the port.
fn address(text: &str) -> SocketAddr {
    let (ip, port) = text.split_once(':').expect("a port");
    let port = u16::from_str_radix(port, 16).expect("a port");
    let bytes: Vec<u8> = (0..ip.len())
        .step_by(8)
        .flat_map(|at| u32::from_str_radix(&ip[at..at + 8], 16).map(u32::to_le_bytes))
        .flatten()
        .collect();
    let ip = match <[u8; 4]>::try_from(&bytes[..]) {
        Ok(bytes) => IpAddr::from(Ipv4Addr::from(bytes)),
        Err(_) => {
            let bytes = <[u8; 16]>::try_from(&bytes[..]).expect("an address");
            IpAddr::from(Ipv6Addr::from(bytes)).to_canonical()
        }
    };
    SocketAddr::new(ip, port)
}

#[test]
fn addresses_are_read_as_the_system_lists_them() {
    for (listed, is) in [
        ("0100007F:2384", "127.0.0.1:9092"),
        ("00000000:0050", "0.0.0.0:80"),
        ("0000000000000000FFFF00000100007F:2384", "127.0.0.1:9092"),
        ("00000000000000000000000000000000:0050", "[::]:80"),
        ("00000000000000000000000001000000:0050", "[::1]:80"),
    ] {
        assert_eq!(address(listed).to_string(), is);
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
    if cfg!(target_os = "linux") {
        let [kafka, controller, registry] = cluster.ports;
        for (pid, ports) in [
            (&ids.0, BTreeSet::from([kafka, controller])),
            (&ids.1, BTreeSet::from([registry])),
        ] {
            let found = listeners(pid);
            let here = found.iter().all(|address| address.ip().is_loopback());
            assert!(here, "on this machine only: {found:?}");
            let found: BTreeSet<u16> = found.iter().map(SocketAddr::port).collect();
            assert!(ports.is_subset(&found), "{ports:?} of {found:?}");
        }
    }
    let again = cluster.start();
    assert!(again.contains("left running: kafka registry\n"), "{again}");
    assert!(again.contains(&addresses), "{again}");
    assert_eq!(ids, (cluster.id("kafka"), cluster.id("registry")));
    let stopped = cluster.stop_as_told(&again);
    assert_eq!(stopped, "stopped registry\nstopped kafka\n");
    let [kafka, controller, registry] = cluster.ports;
    for port in [kafka, controller, registry] {
        let free = TcpListener::bind(("127.0.0.1", port));
        assert!(free.is_ok(), "{port}: {free:?}");
    }
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
