//! A Kafka broker of one test or of a whole test binary: one KRaft process, broker and controller, on loopback.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::supervisor::{NotReady, Supervisor};
use super::{Installed, Skip, free_port, installed, new_folder};

/// The user who may do everything, and the password.
const ADMIN: &str = "admin";

/// How Kafka calls a login by name and password.
const PLAIN_LOGIN: &str = "org.apache.kafka.common.security.plain.PlainLoginModule required";

/// What a broker is started with. The defaults make one that starts quickly and creates no topic by itself.
#[derive(Debug, Clone, Default)]
pub struct KafkaOptions {
    properties: BTreeMap<String, String>,
    users: Vec<(String, String)>,
    /// The file of the broker's key and certificate, and that of the authority whose clients it knows.
    certificates: Option<(PathBuf, PathBuf)>,
    java: Vec<String>,
}

impl KafkaOptions {
    /// The defaults.
    pub fn new() -> KafkaOptions {
        KafkaOptions::default()
    }

    /// A broker property, by Kafka's own name; replaces the default of that name.
    #[must_use]
    pub fn property(mut self, name: &str, value: &str) -> KafkaOptions {
        self.properties.insert(name.to_string(), value.to_string());
        self
    }

    /// Clients must authenticate (SASL/PLAIN without TLS: `security.protocol=sasl_plaintext`, `sasl.mechanism=PLAIN`) as
    /// one of the users given so, and may do only what an ACL allows ([`Kafka::allow`]). The user `admin` with the password
    /// `admin` is always there and may do everything.
    #[must_use]
    pub fn user(mut self, name: &str, password: &str) -> KafkaOptions {
        self.users.push((name.to_string(), password.to_string()));
        self
    }

    /// TLS too, on a port of its own ([`Kafka::tls`]), with the key and certificate in a file (PEM), for clients that have a
    /// certificate of the authority whose certificate is in the other.
    #[must_use]
    pub fn certificates(mut self, own: &Path, authority: &Path) -> KafkaOptions {
        self.certificates = Some((own.to_owned(), authority.to_owned()));
        self
    }

    /// An option for the Java machine, after ours: `-Xmx2g`, `-XX:TieredStopAtLevel=4` for a broker to be measured.
    #[must_use]
    pub fn java(mut self, option: &str) -> KafkaOptions {
        self.java.push(option.to_string());
        self
    }

    fn text(&self, port: u16, controller: u16, tls: u16, data: &Path) -> String {
        let listener = if self.users.is_empty() {
            "PLAINTEXT"
        } else {
            "SASL_PLAINTEXT"
        };
        let mut all = owned([
            ("process.roles", "broker,controller"),
            ("node.id", "1"),
            ("controller.listener.names", "CONTROLLER"),
            ("inter.broker.listener.name", listener),
            (
                "listener.security.protocol.map",
                "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL",
            ),
            ("auto.create.topics.enable", "false"),
            ("group.initial.rebalance.delay.ms", "0"),
            // Tests need not wait six seconds for a member that they killed.
            ("group.min.session.timeout.ms", "500"),
            ("offsets.topic.num.partitions", "4"),
            ("offsets.topic.replication.factor", "1"),
            ("transaction.state.log.num.partitions", "4"),
            ("transaction.state.log.replication.factor", "1"),
            ("transaction.state.log.min.isr", "1"),
            // 128 MiB otherwise, of the 512 there are.
            ("log.cleaner.dedupe.buffer.size", "8388608"),
        ]);
        let mut advertised = format!("{listener}://127.0.0.1:{port}");
        if let Some((own, authority)) = &self.certificates {
            let _ = write!(advertised, ",SSL://127.0.0.1:{tls}");
            let (own, authority) = (own.display().to_string(), authority.display().to_string());
            all.extend(owned([
                ("ssl.keystore.type", "PEM"),
                ("ssl.keystore.location", &own),
                ("ssl.truststore.type", "PEM"),
                ("ssl.truststore.location", &authority),
                ("ssl.client.auth", "required"),
            ]));
        }
        all.insert(
            "listeners".to_string(),
            format!("{advertised},CONTROLLER://127.0.0.1:{controller}"),
        );
        all.insert("advertised.listeners".to_string(), advertised);
        all.insert(
            "controller.quorum.voters".to_string(),
            format!("1@127.0.0.1:{controller}"),
        );
        all.insert("log.dirs".to_string(), data.display().to_string());
        if !self.users.is_empty() {
            all.extend(self.security());
        }
        all.extend(self.properties.clone());
        all.iter().fold(String::new(), |mut text, (name, value)| {
            let _ = writeln!(text, "{name}={value}");
            text
        })
    }

    fn security(&self) -> BTreeMap<String, String> {
        let mut login = format!(
            "{PLAIN_LOGIN} username=\"{ADMIN}\" password=\"{ADMIN}\" user_{ADMIN}=\"{ADMIN}\""
        );
        for (name, password) in &self.users {
            let _ = write!(login, " user_{name}=\"{password}\"");
        }
        login.push(';');
        owned([
            ("sasl.enabled.mechanisms", "PLAIN"),
            ("sasl.mechanism.inter.broker.protocol", "PLAIN"),
            (
                "listener.name.sasl_plaintext.plain.sasl.jaas.config",
                login.as_str(),
            ),
            (
                "authorizer.class.name",
                "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            ),
            // The controller's listener asks for no password, so the broker is ANONYMOUS there.
            ("super.users", "User:admin;User:ANONYMOUS"),
        ])
    }
}

/// A running broker. Dropped, or when this process ends however it ends: killed, its data removed.
///
/// Starting and stopping block the thread for seconds; a test whose other tasks must go on meanwhile calls them on
/// `spawn_blocking`.
#[derive(Debug)]
pub struct Kafka {
    supervisor: Supervisor,
    installed: Installed,
    options: KafkaOptions,
    bootstrap: String,
    tls: String,
    cluster_id: Mutex<String>,
}

impl Kafka {
    /// A broker of your own with the default options. Most tests share one: [`super::kafka_or_skip`].
    ///
    /// # Errors
    ///
    /// When this machine cannot run one. A broker that does not start although all is there is a panic with its log.
    pub fn start() -> Result<Kafka, Skip> {
        Kafka::start_with(KafkaOptions::new())
    }

    /// A broker of your own.
    ///
    /// # Errors
    ///
    /// As [`Kafka::start`].
    pub fn start_with(options: KafkaOptions) -> Result<Kafka, Skip> {
        let installed = installed()?;
        for _ in 0..5 {
            let kafka = Kafka::new(installed.clone(), options.clone());
            match kafka.run() {
                Ok(()) => return Ok(kafka),
                Err(NotReady::PortTaken) => {}
                Err(NotReady::Failed(why)) => panic!("{why}"),
            }
        }
        panic!("no port stayed free long enough for kafka to bind it");
    }

    fn new(installed: Installed, options: KafkaOptions) -> Kafka {
        let folder = new_folder("kafka");
        let (port, controller, tls) = (free_port(), free_port(), free_port());
        let properties = folder.join("server.properties");
        std::fs::write(
            &properties,
            options.text(port, controller, tls, &folder.join("data")),
        )
        .expect("the properties are written");
        let mut command = vec![installed.java.clone()];
        command.extend(installed.java_options());
        command.extend(options.java.iter().cloned());
        command.extend([
            "-cp".to_string(),
            installed.kafka_classpath(),
            "kafka.Kafka".to_string(),
            properties.display().to_string(),
        ]);
        let kafka = Kafka {
            supervisor: Supervisor::new("kafka", folder, &command),
            installed,
            options,
            bootstrap: format!("127.0.0.1:{port}"),
            tls: format!("127.0.0.1:{tls}"),
            cluster_id: Mutex::new(new_cluster_id()),
        };
        kafka.format();
        kafka
    }

    /// `host:port` for `bootstrap.servers`.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// The same for clients that speak TLS, where it has [certificates](KafkaOptions::certificates).
    pub fn tls(&self) -> &str {
        &self.tls
    }

    /// The process id of the broker, when it is running.
    pub fn id(&self) -> Option<u32> {
        self.supervisor.id()
    }

    /// Where its properties, its data (`data/`) and its log (`server.log`) are.
    pub fn folder(&self) -> &Path {
        self.supervisor.folder()
    }

    /// What the broker wrote so far: warnings and errors.
    pub fn log(&self) -> String {
        self.supervisor.log()
    }

    /// Shuts the broker down in good order (SIGTERM); returns when the process is gone.
    pub fn stop(&self) {
        self.supervisor.end("stop");
    }

    /// Kills the broker (SIGKILL); returns when the process is gone.
    pub fn kill(&self) {
        self.supervisor.end("kill");
    }

    /// Starts a stopped or killed broker again: same address, same data.
    pub fn start_again(&self) {
        self.supervisor
            .start_again(&self.bootstrap, || self.answers());
    }

    /// The id of its cluster, as brokers tell it.
    pub fn cluster_id(&self) -> String {
        self.lock_id().clone()
    }

    fn lock_id(&self) -> MutexGuard<'_, String> {
        self.cluster_id
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a stopped or killed broker again at the same address without any of its data, under the same cluster id: an
    /// image whose id is fixed does that.
    pub fn start_empty(&self) {
        std::fs::remove_dir_all(self.folder().join("data")).expect("the data is removed");
        self.format();
        self.start_again();
    }

    /// The same under another cluster id: what formatting by hand gives.
    pub fn start_as_another_cluster(&self) {
        *self.lock_id() = new_cluster_id();
        self.start_empty();
    }

    /// Halts the broker (SIGSTOP): connections stay open and nothing is answered.
    pub fn pause(&self) {
        self.supervisor.signal("pause");
    }

    /// Lets a paused broker go on.
    pub fn resume(&self) {
        self.supervisor.signal("resume");
    }

    /// Allows `user` the operations (`Read`, `Write`, `Create`, `Describe`, `All`, ...) on a resource, as kafka-acls names
    /// it: `["--topic", "orders"]`, `["--group", "*"]`, `["--cluster"]`. For brokers with users. The broker knows it when this returns.
    /// Takes about two seconds.
    pub fn allow(&self, user: &str, operations: &[&str], resource: &[&str]) {
        let principal = format!("User:{user}");
        let mut arguments = vec!["--add", "--allow-principal", &principal];
        for operation in operations {
            arguments.extend(["--operation", operation]);
        }
        arguments.extend(resource);
        const TOOL: &str = "org.apache.kafka.tools.AclCommand";
        self.tool(TOOL, &arguments);
        // The controller has it; the broker judges by what it has heard from there, and so does it list.
        let mut listing = vec!["--list", "--principal", &principal];
        listing.extend(resource);
        for _ in 0..60 {
            let listed = self.tool(TOOL, &listing);
            let is_listed = |operation: &&str| {
                let entry = format!("operation={}", operation.to_uppercase());
                // `DescribeConfigs` is `DESCRIBE_CONFIGS` there.
                listed.replace('_', "").contains(&format!("{entry},"))
            };
            if operations.iter().all(is_listed) {
                return;
            }
        }
        panic!("{principal} was never allowed {operations:?} on {resource:?}");
    }

    /// Runs one of Kafka's own tools against this broker, as admin, and returns its standard output:
    /// `tool("org.apache.kafka.tools.TopicCommand", &["--list"])`. Takes about a second.
    pub fn tool(&self, class: &str, arguments: &[&str]) -> String {
        self.tool_as(ADMIN, class, arguments)
    }

    /// As [`Kafka::tool`], as one of the users.
    pub fn tool_as(&self, user: &str, class: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(&self.installed.java);
        command
            .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"])
            .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=error")
            .args(["-cp", &self.installed.kafka_classpath(), class])
            .args(["--bootstrap-server", &self.bootstrap]);
        if self.secured() {
            let file = self.folder().join(format!("{user}.properties"));
            let login = format!(
                "security.protocol=SASL_PLAINTEXT\n\
                 sasl.mechanism=PLAIN\n\
                 sasl.jaas.config={PLAIN_LOGIN} username=\"{user}\" password=\"{}\";\n",
                self.password(user)
            );
            std::fs::write(&file, login).expect("the file is written");
            command.arg("--command-config").arg(file);
        }
        let output = command.args(arguments).output().expect("java runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{class} {arguments:?}: {said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        said
    }

    /// What a client of librdkafka needs beside the address to come in as this user. Nothing where there are no users.
    pub fn client(&self, user: &str) -> BTreeMap<String, String> {
        if !self.secured() {
            return BTreeMap::new();
        }
        owned([
            ("security.protocol", "sasl_plaintext"),
            ("sasl.mechanism", "PLAIN"),
            ("sasl.username", user),
            ("sasl.password", self.password(user)),
        ])
    }

    fn secured(&self) -> bool {
        !self.options.users.is_empty()
    }

    fn password(&self, user: &str) -> &str {
        let given = self.options.users.iter().find(|(name, _)| name == user);
        match given {
            Some((_, password)) => password,
            None if user == ADMIN => ADMIN,
            None => panic!("{user} is none of this broker's users"),
        }
    }

    fn run(&self) -> Result<(), NotReady> {
        self.supervisor.start(|| self.answers())
    }

    fn answers(&self) -> bool {
        let address = self.bootstrap.parse().expect("an address");
        answers(address, self.secured()).unwrap_or(false)
    }

    fn format(&self) {
        let data = self.folder().join("data");
        std::fs::create_dir(&data).expect("a folder");
        for file in std::fs::read_dir(self.installed.servers.join("formatted")).expect("fetched") {
            let file = file.expect("an entry");
            std::fs::copy(file.path(), data.join(file.file_name())).expect("a copy");
        }
        // Every broker would be one and the same cluster otherwise.
        let file = data.join("meta.properties");
        let text = std::fs::read_to_string(&file).expect("what formatting wrote");
        let id = format!("cluster.id={}", self.cluster_id());
        let lines = text.lines().map(|line| match line.split_once('=') {
            Some(("cluster.id", _)) => id.as_str(),
            _ => line,
        });
        let lines: Vec<&str> = lines.collect();
        std::fs::write(&file, lines.join("\n") + "\n").expect("the file is written");
    }
}

/// As Kafka makes them: none begins with a dash.
fn new_cluster_id() -> String {
    let id = URL_SAFE_NO_PAD.encode(uuid::Uuid::new_v4().as_bytes());
    match id.strip_prefix('-') {
        Some(rest) => format!("A{rest}"),
        None => id,
    }
}

fn owned<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .into()
}

/// Whether the broker answers: with the versions it speaks and, where no password is asked for first, with metadata that
/// names at least one broker.
fn answers(address: SocketAddr, secured: bool) -> std::io::Result<bool> {
    const API_VERSIONS: i16 = 18;
    const METADATA: i16 = 3;
    let limit = Duration::from_secs(10);
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_read_timeout(Some(limit))?;
    let versions = ask(&mut stream, API_VERSIONS, 0, &[])?;
    if versions.get(..2) != Some(&[0, 0]) {
        return Ok(false);
    }
    if secured {
        return Ok(true);
    }
    // Version 1 with an empty list of topics: the answer starts with the number of brokers.
    let metadata = ask(&mut stream, METADATA, 1, &[0, 0, 0, 0])?;
    Ok(metadata.get(..4).is_some_and(|count| count != [0, 0, 0, 0]))
}

/// One request of Kafka's protocol with the oldest header; returns the answer behind the correlation id.
fn ask(stream: &mut TcpStream, api: i16, version: i16, body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut request = Vec::new();
    request.extend(api.to_be_bytes());
    request.extend(version.to_be_bytes());
    request.extend(1_i32.to_be_bytes());
    request.extend((-1_i16).to_be_bytes());
    request.extend(body);
    let mut framed = (request.len() as u32).to_be_bytes().to_vec();
    framed.extend(request);
    stream.write_all(&framed)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut answer = vec![0; u32::from_be_bytes(length).min(1 << 20) as usize];
    stream.read_exact(&mut answer)?;
    Ok(answer.split_off(4.min(answer.len())))
}
