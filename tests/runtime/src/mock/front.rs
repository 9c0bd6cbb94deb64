//! What stands before a mock broker, since two things are missing there: it names a controller that is none of its brokers,
//! so that questions for the controller are never answered, and it does not tell the settings of topics.
//!
//! Answers to metadata name these fronts as brokers and the first one as controller; settings of topics are told here, the
//! same for all. Everything else passes as it is.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Kafka's numbers of the requests that are looked into.
const METADATA: i16 = 3;
const API_VERSIONS: i16 = 18;
const DESCRIBE_CONFIGS: i16 = 32;

/// From this version on, metadata have their compact form.
const COMPACT: i16 = 9;

/// What is told of every topic.
const SETTINGS: [(&str, &str); 3] = [
    ("cleanup.policy", "compact"),
    ("retention.ms", "-1"),
    ("delete.retention.ms", "86400000"),
];

/// Fronts of some brokers; they end with the value.
#[derive(Debug)]
pub(super) struct Fronts {
    addresses: Vec<SocketAddr>,
    over: Arc<AtomicBool>,
}

impl Fronts {
    /// A front for each of these brokers, which are numbered from 1 on in this order.
    pub(super) fn start(brokers: &str) -> Fronts {
        let over = Arc::new(AtomicBool::new(false));
        let brokers: Vec<SocketAddr> = brokers
            .split(',')
            .map(|broker| broker.parse().expect("an address"))
            .collect();
        let listeners: Vec<TcpListener> = brokers
            .iter()
            .map(|_| TcpListener::bind("127.0.0.1:0").expect("a port"))
            .collect();
        let addresses: Vec<SocketAddr> = listeners
            .iter()
            .map(|listener| listener.local_addr().expect("an address"))
            .collect();
        let ports: Arc<HashMap<u16, u16>> = Arc::new(
            brokers
                .iter()
                .zip(&addresses)
                .map(|(broker, front)| (broker.port(), front.port()))
                .collect(),
        );
        for (listener, broker) in listeners.into_iter().zip(brokers) {
            let (ports, over) = (Arc::clone(&ports), Arc::clone(&over));
            std::thread::spawn(move || {
                for client in listener.incoming().flatten() {
                    if over.load(Ordering::Acquire) {
                        return;
                    }
                    // A broker that is down ends its clients' connections.
                    if let Ok(broker) = TcpStream::connect(broker) {
                        carry(client, broker, &ports);
                    }
                }
            });
        }
        Fronts { addresses, over }
    }

    /// Their addresses, for clients.
    pub(super) fn bootstrap(&self) -> String {
        let all: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        all.join(",")
    }
}

impl Drop for Fronts {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        for address in &self.addresses {
            // Wakes the thread that takes connections.
            let _ = TcpStream::connect(address);
        }
    }
}

/// What was asked by which number, to know what an answer is.
type Asked = Arc<Mutex<HashMap<[u8; 4], (i16, i16)>>>;

/// Carries both ways until one side ends.
fn carry(client: TcpStream, broker: TcpStream, ports: &Arc<HashMap<u16, u16>>) {
    let asked = Asked::default();
    let copy = |stream: &TcpStream| {
        let _ = stream.set_nodelay(true);
        stream.try_clone().expect("a copy of a socket")
    };
    // Answers come from the broker and from here.
    let answers = Arc::new(Mutex::new(copy(&client)));
    let (from_client, to_broker) = (copy(&client), copy(&broker));
    let (asks, told) = (Arc::clone(&asked), Arc::clone(&answers));
    std::thread::spawn(move || {
        let _ = carry_requests(&from_client, &to_broker, &asks, &told);
        end(&from_client, &to_broker);
    });
    let ports = Arc::clone(ports);
    std::thread::spawn(move || {
        let _ = carry_answers(&broker, &answers, &asked, &ports);
        end(&client, &broker);
    });
}

fn end(one: &TcpStream, other: &TcpStream) {
    for stream in [one, other] {
        // One that has ended is as good.
        let _ = stream.shutdown(Shutdown::Both);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn frame(mut from: &TcpStream) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let mut body = vec![0; u32::from_be_bytes(length) as usize];
    from.read_exact(&mut body)?;
    Ok(body)
}

fn send(mut to: &TcpStream, body: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(body.len()).expect("a length");
    to.write_all(&[&length.to_be_bytes(), body].concat())
}

fn carry_requests(
    from: &TcpStream,
    to: &TcpStream,
    asked: &Asked,
    answers: &Mutex<TcpStream>,
) -> std::io::Result<()> {
    loop {
        let request = frame(from)?;
        let mut bytes = Bytes(&request);
        let (kind, version) = (bytes.i16(), bytes.i16());
        let number: [u8; 4] = bytes.array();
        if kind == DESCRIBE_CONFIGS {
            send(&lock(answers), &settings(number, bytes))?;
        } else {
            lock(asked).insert(number, (kind, version));
            send(to, &request)?;
        }
    }
}

fn carry_answers(
    from: &TcpStream,
    to: &Mutex<TcpStream>,
    asked: &Asked,
    ports: &HashMap<u16, u16>,
) -> std::io::Result<()> {
    loop {
        let mut answer = frame(from)?;
        let number: [u8; 4] = Bytes(&answer).array();
        match lock(asked).remove(&number) {
            Some((METADATA, version)) => {
                assert!(version >= COMPACT, "metadata of version {version}");
                name_fronts(&mut answer, ports);
            }
            Some((API_VERSIONS, _)) => name_settings(&mut answer),
            _ => {}
        }
        send(&lock(to), &answer)?;
    }
}

/// Brokers are reached at their fronts, and the first one is the controller.
fn name_fronts(answer: &mut [u8], ports: &HashMap<u16, u16>) {
    let whole = answer.len();
    let mut changes: Vec<(usize, i32)> = Vec::new();
    let mut bytes = Bytes(answer);
    // The request's number, a tag count, the throttle time.
    bytes.skip(4 + 1 + 4);
    let brokers = bytes.varint() - 1;
    let mut first = 1;
    for at in 0..brokers {
        let broker = bytes.i32();
        if at == 0 {
            first = broker;
        }
        bytes.compact();
        let place = whole - bytes.0.len();
        let port = u16::try_from(bytes.i32()).expect("a port");
        changes.push((place, i32::from(ports.get(&port).copied().unwrap_or(port))));
        bytes.compact();
        bytes.skip(1);
    }
    bytes.compact();
    changes.push((whole - bytes.0.len(), first));
    for (place, number) in changes {
        answer[place..place + 4].copy_from_slice(&number.to_be_bytes());
    }
}

/// Settings of topics are told too.
fn name_settings(answer: &mut Vec<u8>) {
    let mut bytes = Bytes(answer);
    bytes.skip(4);
    if bytes.i16() != 0 {
        return;
    }
    let known = bytes.i32();
    answer[6..10].copy_from_slice(&(known + 1).to_be_bytes());
    let versions = [DESCRIBE_CONFIGS, 1, 1].map(i16::to_be_bytes).concat();
    answer.splice(10..10, versions);
}

/// The answer to a question for the settings of topics.
fn settings(number: [u8; 4], mut asked: Bytes<'_>) -> Vec<u8> {
    let mut answer = number.to_vec();
    let text = |answer: &mut Vec<u8>, text: &[u8]| {
        answer.extend(u16::try_from(text.len()).expect("short").to_be_bytes());
        answer.extend(text);
    };
    // Who asks.
    asked.text();
    let resources = asked.i32();
    // No throttle time.
    answer.extend(0_i32.to_be_bytes());
    answer.extend(resources.to_be_bytes());
    for _ in 0..resources {
        let kind = asked.array::<1>();
        let name = asked.text();
        for _ in 0..asked.i32() {
            asked.text();
        }
        // No error, no text of one.
        answer.extend(0_i16.to_be_bytes());
        answer.extend((-1_i16).to_be_bytes());
        answer.extend(kind);
        text(&mut answer, name);
        answer.extend(i32::try_from(SETTINGS.len()).expect("few").to_be_bytes());
        for (name, value) in SETTINGS {
            text(&mut answer, name.as_bytes());
            text(&mut answer, value.as_bytes());
            // Not read only, set on the topic, not sensitive, no synonyms.
            answer.extend([0, 1, 0]);
            answer.extend(0_i32.to_be_bytes());
        }
    }
    answer
}

/// What is left of a frame.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn skip(&mut self, bytes: usize) -> &'a [u8] {
        let (first, rest) = self.0.split_at(bytes);
        self.0 = rest;
        first
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        self.skip(N).try_into().expect("so many")
    }

    fn i16(&mut self) -> i16 {
        i16::from_be_bytes(self.array())
    }

    fn i32(&mut self) -> i32 {
        i32::from_be_bytes(self.array())
    }

    fn varint(&mut self) -> usize {
        let (mut value, mut shift) = (0, 0);
        loop {
            let [byte] = self.array();
            value |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return value;
            }
            shift += 7;
        }
    }

    /// A text of the compact form; none is passed too.
    fn compact(&mut self) {
        let length = self.varint();
        self.skip(length.saturating_sub(1));
    }

    /// A text of the older form; none is empty.
    fn text(&mut self) -> &'a [u8] {
        let length = self.i16();
        self.skip(usize::try_from(length).unwrap_or(0))
    }
}
