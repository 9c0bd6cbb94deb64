//! `compose.yaml` cannot be run where there is no Docker; what can be seen without is held here: it is YAML, it is closed
//! to the outside, everything waits for what it needs, one broker is enough for it, and the documents name its addresses.

use std::path::{Path, PathBuf};

use yaml_rust2::{Yaml, YamlLoader};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).expect("a file of the repository")
}

fn services() -> Vec<(String, Yaml)> {
    let documents = YamlLoader::load_from_str(&read("compose.yaml")).expect("YAML");
    assert_eq!(documents.len(), 1);
    let services = documents[0]["services"].as_hash().expect("services");
    services
        .iter()
        .map(|(name, service)| (name.as_str().expect("a name").to_string(), service.clone()))
        .collect()
}

fn texts(list: &Yaml) -> Vec<&str> {
    let list = list.as_vec().expect("a list");
    list.iter()
        .map(|item| item.as_str().expect("a text"))
        .collect()
}

#[test]
fn three_servers_of_fixed_versions_listen_to_this_machine_only() {
    let services = services();
    let names: Vec<_> = services.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["kafka", "registry", "ksqldb"]);
    for (name, service) in &services {
        let image = service["image"].as_str().expect("an image");
        let (_, version) = image.rsplit_once(':').expect("a version");
        assert!(
            version.starts_with(|first: char| first.is_ascii_digit()),
            "{image}"
        );
        for port in texts(&service["ports"]) {
            assert!(port.starts_with("127.0.0.1:"), "{name}: {port}");
        }
    }
}

#[test]
fn everything_says_whether_it_is_healthy_and_waits_for_what_it_needs() {
    let services = services();
    for (name, service) in &services {
        let test = texts(&service["healthcheck"]["test"]);
        assert!(test.len() > 1 && test[0] == "CMD", "{name}: {test:?}");
        let Some(needed) = service["depends_on"].as_hash() else {
            assert_eq!(name, "kafka", "only the broker needs nobody");
            continue;
        };
        for (needs, how) in needed {
            assert!(
                services
                    .iter()
                    .any(|(other, _)| Some(other.as_str()) == needs.as_str())
            );
            assert_eq!(how["condition"].as_str(), Some("service_healthy"), "{name}");
        }
    }
}

#[test]
fn nothing_asks_for_more_replicas_than_one_broker_has() {
    let mut seen = 0;
    for (name, service) in services() {
        for (variable, value) in service["environment"].as_hash().expect("variables") {
            let variable = variable.as_str().expect("a name");
            if ["REPLICATION_FACTOR", "REPLICAS", "MIN_ISR"]
                .iter()
                .any(|end| variable.ends_with(end))
            {
                assert_eq!(value.as_i64(), Some(1), "{name}: {variable}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 10, "{seen}");
}

#[test]
fn the_documents_name_the_addresses_it_publishes() {
    let line = "export KSQL_BOOTSTRAP=127.0.0.1:9092 KSQL_REGISTRY=http://127.0.0.1:8081 \
                KSQL_KSQLDB=http://127.0.0.1:8088";
    assert!(read("docs/cluster.md").contains(line));
    assert!(read("compose.yaml").contains(line));
    for (name, service) in services() {
        let port = texts(&service["ports"])[0];
        let address = port.rsplit_once(':').expect("two ports").0;
        assert!(line.contains(address), "{name}: {address}");
    }
}
