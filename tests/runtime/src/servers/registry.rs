//! A schema registry with the Confluent API (Apicurio), of one test or of a whole test binary, on loopback.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use super::supervisor::{NotReady, Supervisor};
use super::{Skip, free_port, installed, new_folder};

/// The path of the Confluent API.
const PATH: &str = "/apis/ccompat/v7";

/// A running registry, empty at first. Dropped, or when this process ends however it ends: killed, its data removed.
///
/// It differs from Confluent's in what was seen so far: schemas that differ in white space only are one version within a
/// subject, but get another id under another subject; texts of errors are its own. The global compatibility is set to
/// `BACKWARD`, as there.
///
/// Starting and stopping block the thread for seconds.
#[derive(Debug)]
pub struct RegistryServer {
    supervisor: Supervisor,
    address: SocketAddr,
    url: String,
}

impl RegistryServer {
    /// A registry of your own. Most tests share one: [`super::registry_or_skip`].
    ///
    /// # Errors
    ///
    /// When this machine cannot run one. A registry that does not start although all is there is a panic with its log.
    pub fn start() -> Result<RegistryServer, Skip> {
        let installed = installed()?;
        for _ in 0..5 {
            let folder = new_folder("registry");
            let port = free_port();
            let mut command = vec![installed.java.clone()];
            command.extend(installed.java_options());
            command.extend([
                "-Dquarkus.http.host=127.0.0.1".to_string(),
                format!("-Dquarkus.http.port={port}"),
                // In a file, so that a registry that was away comes back with its schemas.
                format!(
                    "-Dquarkus.datasource.jdbc.url=jdbc:h2:file:{}",
                    folder.join("schemas").display()
                ),
                "-Dregistry.ccompat.use-canonical-hash=true".to_string(),
                "-Dquarkus.banner.enabled=false".to_string(),
                "-Dquarkus.log.console.level=WARN".to_string(),
                "-cp".to_string(),
                installed.registry_classpath(),
                "io.apicurio.registry.RegistryQuarkusMain".to_string(),
            ]);
            let registry = RegistryServer {
                supervisor: Supervisor::new("the registry", folder, &command),
                address: SocketAddr::from(([127, 0, 0, 1], port)),
                url: format!("http://127.0.0.1:{port}{PATH}"),
            };
            match registry.run() {
                Ok(()) => {
                    registry.set_backward();
                    return Ok(registry);
                }
                Err(NotReady::PortTaken) => {}
                Err(NotReady::Failed(why)) => panic!("{why}"),
            }
        }
        panic!("no port stayed free long enough for the registry to bind it");
    }

    /// The base address of the Confluent API, ending in `/apis/ccompat/v7`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The process id of the registry, when it is running.
    pub fn id(&self) -> Option<u32> {
        self.supervisor.id()
    }

    /// Where its data and its log (`server.log`) are.
    pub fn folder(&self) -> &Path {
        self.supervisor.folder()
    }

    /// What the registry wrote so far: warnings and errors.
    pub fn log(&self) -> String {
        self.supervisor.log()
    }

    /// Shuts the registry down in good order (SIGTERM); returns when the process is gone.
    pub fn stop(&self) {
        self.supervisor.end("stop");
    }

    /// Kills the registry (SIGKILL); returns when the process is gone.
    pub fn kill(&self) {
        self.supervisor.end("kill");
    }

    /// Starts a stopped or killed registry again: same address, same schemas.
    pub fn start_again(&self) {
        self.supervisor.start_again(&self.url, || self.answers());
    }

    /// Halts the registry (SIGSTOP): connections stay open and nothing is answered.
    pub fn pause(&self) {
        self.supervisor.signal("pause");
    }

    /// Lets a paused registry go on.
    pub fn resume(&self) {
        self.supervisor.signal("resume");
    }

    fn run(&self) -> Result<(), NotReady> {
        self.supervisor.start(|| self.answers())
    }

    fn answers(&self) -> bool {
        request(self.address, "GET", "/subjects", "")
            .is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    fn set_backward(&self) {
        let level = r#"{"compatibility":"BACKWARD"}"#;
        let answer = request(self.address, "PUT", "/config", level).expect("it answered before");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

/// One request, by hand: the launcher must work whatever becomes of the clients that it is there to test.
fn request(address: SocketAddr, method: &str, path: &str, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(10))?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    write!(
        stream,
        "{method} {PATH}{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/vnd.schemaregistry.v1+json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
