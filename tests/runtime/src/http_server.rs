//! An HTTP server for tests that answers as badly as a real one can: with chunks cut anywhere, streams that break off, drip or
//! fall silent, no answer at all. Plain sockets, one thread a connection, a free port of the loopback.
//!
//! What it answers is decided by a function of the request; what was asked is kept. It ends with the value.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// A request as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub method: String,
    /// Undecoded.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The statement or query in the body; empty where there is none.
    pub fn statement(&self) -> String {
        let json = self.json();
        let text = json.get("ksql").or_else(|| json.get("sql"));
        text.and_then(serde_json::Value::as_str)
            .unwrap_or_default()
            .to_owned()
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub enum Play {
    /// Status, headers and a body of a known length.
    Whole {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
    /// Status, headers, and a body in chunks.
    Chunks {
        status: u16,
        headers: Vec<(String, String)>,
        chunks: Vec<Vec<u8>>,
        end: End,
    },
    /// Status 200 at once and a complete body in chunks, with a pause of at least so long between two of them.
    Drip {
        chunks: Vec<Vec<u8>>,
        pause: Duration,
    },
    /// The request is read and never answered.
    Silence,
    /// The connection is closed without an answer.
    Slam,
    /// More is announced than comes, and the connection stays open.
    HangingBody { announced: usize, body: String },
    /// These bytes and the connection's end.
    Raw(Vec<u8>),
}

/// How a body in chunks ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With the last chunk.
    Complete,
    /// The connection is closed without it.
    Broken,
    /// Nothing more comes until the client goes.
    Silent,
}

impl Play {
    /// JSON with status 200.
    pub fn json(body: impl ToString) -> Play {
        Play::status(200, body)
    }

    /// A body with a status.
    pub fn status(status: u16, body: impl ToString) -> Play {
        Play::Whole {
            status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.to_string(),
        }
    }

    /// An error as ksqlDB answers it.
    pub fn error(code: u32, message: &str) -> Play {
        let body = serde_json::json!({ "@type": "statement_error", "error_code": code, "message": message, "statementText": "..", "entities": [] });
        Play::status(u16::try_from(code / 100).expect("a status"), body)
    }

    /// A stream of these texts, each a chunk.
    pub fn stream(chunks: &[&str], end: End) -> Play {
        Play::Chunks {
            status: 200,
            headers: Vec::new(),
            chunks: bytes(chunks),
            end,
        }
    }

    /// A complete stream of these texts, each a chunk, with a pause between two.
    pub fn drip(chunks: &[&str], pause: Duration) -> Play {
        Play::Drip {
            chunks: bytes(chunks),
            pause,
        }
    }
}

fn bytes(chunks: &[&str]) -> Vec<Vec<u8>> {
    chunks
        .iter()
        .map(|chunk| chunk.as_bytes().to_vec())
        .collect()
}

/// The server.
#[derive(Debug)]
pub struct TestServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    answer: Box<dyn Fn(&Request) -> Play + Send + Sync>,
    requests: Mutex<Vec<Request>>,
    asked: Condvar,
    /// Bytes of bodies that the sockets took.
    sent: AtomicUsize,
    /// How often a socket took nothing for a while.
    stalled: AtomicUsize,
    stopped: AtomicBool,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("requests", &self.requests)
            .finish_non_exhaustive()
    }
}

/// What ends a body in chunks.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// How often a thread that waits looks whether the server was dropped.
const LOOK: Duration = Duration::from_millis(20);

impl TestServer {
    /// A server that answers each request with what the function says.
    pub fn start(answer: impl Fn(&Request) -> Play + Send + Sync + 'static) -> TestServer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            answer: Box::new(answer),
            requests: Mutex::default(),
            asked: Condvar::new(),
            sent: AtomicUsize::new(0),
            stalled: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        });
        let server = Arc::clone(&shared);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                if server.stopped.load(Ordering::Acquire) {
                    return;
                }
                if let Ok(connection) = connection {
                    let server = Arc::clone(&server);
                    std::thread::spawn(move || server.serve(connection));
                }
            }
        });
        TestServer { address, shared }
    }

    /// One answer after another; the last again and again.
    pub fn script(answers: Vec<Play>) -> TestServer {
        let at = AtomicUsize::new(0);
        TestServer::start(move |_| {
            let at = at.fetch_add(1, Ordering::AcqRel).min(answers.len() - 1);
            answers[at].clone()
        })
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was asked so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The statements and queries that were asked so far.
    pub fn statements(&self) -> Vec<String> {
        self.requests()
            .iter()
            .map(Request::statement)
            .filter(|text| !text.is_empty())
            .collect()
    }

    /// Waits until a request came for which something holds.
    pub fn wait_for(&self, wanted: impl Fn(&Request) -> bool) -> Request {
        let limit = Duration::from_secs(120);
        let guard = self
            .shared
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (guard, timeout) = self
            .shared
            .asked
            .wait_timeout_while(guard, limit, |requests| !requests.iter().any(&wanted))
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "the request came: {guard:?}");
        guard
            .iter()
            .find(|request| wanted(request))
            .cloned()
            .expect("the request")
    }

    /// Waits until the client takes nothing more, and has taken nothing for a while.
    pub fn wait_stalled(&self) {
        let guard = self
            .shared
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let before = self.shared.stalled.load(Ordering::Acquire);
        let enough =
            |_: &mut Vec<Request>| self.shared.stalled.load(Ordering::Acquire) < before + 3;
        let waited = self
            .shared
            .asked
            .wait_timeout_while(guard, Duration::from_secs(120), enough);
        assert!(
            !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out(),
            "the client stopped reading"
        );
    }

    /// How many bytes of bodies the sockets took.
    pub fn sent(&self) -> usize {
        self.shared.sent.load(Ordering::Acquire)
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Release);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
    }
}

/// A port where nobody listens, as long as this process lives: it is bound, so that the system gives it to nobody else, and
/// without a listener, so that connections are refused.
pub fn closed_port() -> String {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(any).expect("a free port");
    let address = socket.local_addr().expect("an address");
    std::mem::forget(socket);
    format!("http://{address}")
}

impl Shared {
    fn serve(&self, mut connection: TcpStream) {
        let _ = connection.set_nodelay(true);
        let _ = connection.set_read_timeout(Some(LOOK));
        let _ = connection.set_write_timeout(Some(LOOK));
        let Some(request) = self.read(&mut connection) else {
            return;
        };
        let play = (self.answer)(&request);
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(request);
        self.asked.notify_all();
        let _ = self.play(&mut connection, play);
        let _ = connection.shutdown(std::net::Shutdown::Write);
    }

    /// The client may have gone, which is its right.
    fn play(&self, connection: &mut TcpStream, play: Play) -> std::io::Result<()> {
        match play {
            Play::Whole {
                status,
                headers,
                body,
            } => {
                let length = ("content-length".to_owned(), body.len().to_string());
                self.write(connection, head(status, &headers, Some(length)).as_bytes())?;
                self.write(connection, body.as_bytes())
            }
            Play::Chunks {
                status,
                headers,
                chunks,
                end,
            } => {
                self.begin_chunks(connection, status, &headers)?;
                for chunk in &chunks {
                    self.write_chunk(connection, chunk)?;
                }
                match end {
                    End::Complete => self.write(connection, LAST_CHUNK),
                    End::Broken => Ok(()),
                    End::Silent => self.wait_until_gone(connection),
                }
            }
            Play::Drip { chunks, pause } => {
                self.begin_chunks(connection, 200, &[])?;
                for (at, chunk) in chunks.iter().enumerate() {
                    if at > 0 {
                        std::thread::sleep(pause);
                    }
                    if self.stopped.load(Ordering::Acquire) {
                        return Ok(());
                    }
                    self.write_chunk(connection, chunk)?;
                }
                self.write(connection, LAST_CHUNK)
            }
            Play::Silence => self.wait_until_gone(connection),
            Play::Slam => Ok(()),
            Play::HangingBody { announced, body } => {
                let length = ("content-length".to_owned(), announced.to_string());
                self.write(connection, head(200, &[], Some(length)).as_bytes())?;
                self.write(connection, body.as_bytes())?;
                self.wait_until_gone(connection)
            }
            Play::Raw(bytes) => self.write(connection, &bytes),
        }
    }

    fn begin_chunks(
        &self,
        connection: &mut TcpStream,
        status: u16,
        headers: &[(String, String)],
    ) -> std::io::Result<()> {
        let chunked = ("transfer-encoding".to_owned(), "chunked".to_owned());
        self.write(connection, head(status, headers, Some(chunked)).as_bytes())
    }

    fn write_chunk(&self, connection: &mut TcpStream, chunk: &[u8]) -> std::io::Result<()> {
        // An empty one would be the last.
        if chunk.is_empty() {
            return Ok(());
        }
        let mut framed = format!("{:x}\r\n", chunk.len()).into_bytes();
        framed.extend_from_slice(chunk);
        framed.extend_from_slice(b"\r\n");
        self.write(connection, &framed)?;
        self.sent.fetch_add(chunk.len(), Ordering::AcqRel);
        Ok(())
    }

    /// Writes all, for as long as the client reads.
    fn write(&self, connection: &mut TcpStream, mut bytes: &[u8]) -> std::io::Result<()> {
        while !bytes.is_empty() {
            match connection.write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if is_timeout(&error) && !self.stopped.load(Ordering::Acquire) => {
                    self.stalled.fetch_add(1, Ordering::AcqRel);
                    self.asked.notify_all();
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn wait_until_gone(&self, connection: &mut TcpStream) -> std::io::Result<()> {
        let mut byte = [0];
        loop {
            match connection.read(&mut byte) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if is_timeout(&error) && !self.stopped.load(Ordering::Acquire) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn read(&self, connection: &mut TcpStream) -> Option<Request> {
        let mut bytes = Vec::new();
        loop {
            if let Some(request) = parse(&bytes) {
                return Some(request);
            }
            let mut more = [0; 4096];
            match connection.read(&mut more) {
                Ok(0) => return None,
                Ok(read) => bytes.extend_from_slice(&more[..read]),
                Err(error) if is_timeout(&error) && !self.stopped.load(Ordering::Acquire) => {}
                Err(_) => return None,
            }
        }
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

/// The request, once all of it is there.
fn parse(bytes: &[u8]) -> Option<Request> {
    let split = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let text = String::from_utf8_lossy(&bytes[..split]).into_owned();
    let mut lines = text.lines();
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(0, |(_, value)| value.parse().expect("a length"));
    let body = bytes.get(split + 4..split + 4 + length)?;
    Some(Request {
        method,
        path,
        headers,
        body: String::from_utf8_lossy(body).into_owned(),
    })
}

fn head(status: u16, headers: &[(String, String)], framing: Option<(String, String)>) -> String {
    let mut head = format!("HTTP/1.1 {status} Played\r\n");
    let own = ["transfer-encoding", "content-length", "connection"];
    let played = headers
        .iter()
        .filter(|(name, _)| !own.contains(&name.to_lowercase().as_str()));
    for (name, value) in played.chain(&framing) {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("connection: close\r\n\r\n");
    head
}
