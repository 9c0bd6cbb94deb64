//! A TCP proxy between Kafka's clients and a broker, which does to their connections what networks do: ends them, takes no
//! new ones, slows them down, goes silent while everything seems connected, or loses the answer to a request that the
//! broker has done.
//!
//! The broker must advertise the proxy's address, or clients go past it after their first question. The proxy listens
//! before the broker is started and is told later where it runs. Dropped, it ends every connection.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::workload::mix;

/// What happens to connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Those there are were ended, and new ones are ended at once.
    Refused,
    /// What is sent arrives up to this much later, either way.
    Delayed(Duration),
    /// They stay, new ones are taken, and nothing arrives. When it is over those that were silent are ended.
    Silent,
}

/// A running proxy.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    broker: Mutex<Option<SocketAddr>>,
    fault: Mutex<Fault>,
    changed: Condvar,
    open: Mutex<Vec<TcpStream>>,
    /// How many answers to requests of which kind are still to be lost.
    lost: Mutex<BTreeMap<i16, u32>>,
    /// When the last one was.
    last_lost: Mutex<Option<Instant>>,
    /// Connections taken so far.
    taken: AtomicU64,
    /// Draws delays.
    drawn: AtomicU64,
    over: AtomicBool,
}

impl Proxy {
    /// A proxy on a free port, without a broker yet.
    pub fn start() -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port to listen on");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            broker: Mutex::new(None),
            fault: Mutex::new(Fault::None),
            changed: Condvar::new(),
            open: Mutex::new(Vec::new()),
            lost: Mutex::new(BTreeMap::new()),
            last_lost: Mutex::new(None),
            taken: AtomicU64::new(0),
            drawn: AtomicU64::new(0),
            over: AtomicBool::new(false),
        });
        let taking = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if taking.over.load(Ordering::Acquire) {
                    return;
                }
                taking.taken.fetch_add(1, Ordering::Relaxed);
                taking.take(client);
            }
        });
        Proxy { address, shared }
    }

    /// `host:port`, for clients and for the broker to advertise.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Where the broker runs, as `host:port`.
    pub fn leads_to(&self, broker: &str) {
        let broker = broker.parse().expect("an address");
        *lock(&self.shared.broker) = Some(broker);
    }

    /// How many connections were taken so far.
    pub fn connections(&self) -> u64 {
        self.shared.taken.load(Ordering::Relaxed)
    }

    /// From now on this happens to connections.
    pub fn set(&self, fault: Fault) {
        let before = std::mem::replace(&mut *lock(&self.shared.fault), fault);
        if fault == Fault::Refused || before == Fault::Silent {
            self.cut();
        }
        self.shared.changed.notify_all();
    }

    /// The next so many requests of a kind reach the broker, and their connections end instead of giving an answer. The
    /// kind is Kafka's own number of it: 0 produces, 1 fetches, 2 lists offsets, 3 asks for metadata.
    pub fn lose_answers(&self, kind: i16, count: u32) {
        lock(&self.shared.lost).insert(kind, count);
    }

    /// How many answers are still to be lost.
    pub fn to_be_lost(&self) -> u32 {
        lock(&self.shared.lost).values().sum()
    }

    /// When the last answer was lost, if any was.
    pub fn last_lost(&self) -> Option<Instant> {
        *lock(&self.shared.last_lost)
    }

    /// Ends every connection there is; new ones are as before.
    pub fn cut(&self) {
        for stream in lock(&self.shared.open).drain(..) {
            // One that has ended is as good.
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.shared.changed.notify_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Release);
        self.set(Fault::Refused);
        // Wakes the thread that takes connections.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn take(self: &Arc<Self>, client: TcpStream) {
        let broker = *lock(&self.broker);
        if *lock(&self.fault) == Fault::Refused {
            return;
        }
        let Some(Ok(broker)) = broker.map(TcpStream::connect) else {
            return;
        };
        for stream in [&client, &broker] {
            let _ = stream.set_nodelay(true);
            let copy = stream.try_clone().expect("a copy of a socket");
            lock(&self.open).push(copy);
        }
        // Set when the answer that comes next is to be lost.
        let lose = Arc::new(AtomicBool::new(false));
        for (from, to, asks) in [(&client, &broker, true), (&broker, &client, false)] {
            let from = from.try_clone().expect("a copy of a socket");
            let to = to.try_clone().expect("a copy of a socket");
            let (shared, lose) = (Arc::clone(self), Arc::clone(&lose));
            std::thread::spawn(move || {
                // Whatever ended it: the connection is over both ways.
                let _ = if asks {
                    shared.carry_requests(&from, &to, &lose)
                } else {
                    shared.carry_answers(&from, &to, &lose)
                };
                for stream in [from, to] {
                    let _ = stream.shutdown(Shutdown::Both);
                }
            });
        }
    }

    /// Carries requests, one after the other, until the connection ends.
    fn carry_requests(
        &self,
        mut from: &TcpStream,
        mut to: &TcpStream,
        lose: &AtomicBool,
    ) -> std::io::Result<()> {
        loop {
            let mut length = [0; 4];
            from.read_exact(&mut length)?;
            let mut request = length.to_vec();
            request.resize(4 + u32::from_be_bytes(length) as usize, 0);
            from.read_exact(&mut request[4..])?;
            if !self.let_through() {
                return Ok(());
            }
            if let Some(kind) = request[4..].first_chunk() {
                let mut lost = lock(&self.lost);
                if let Some(left) = lost
                    .get_mut(&i16::from_be_bytes(*kind))
                    .filter(|left| **left > 0)
                {
                    *left -= 1;
                    lose.store(true, Ordering::Release);
                }
            }
            to.write_all(&request)?;
        }
    }

    /// Carries answers until the connection ends, or one is to be lost.
    fn carry_answers(
        &self,
        mut from: &TcpStream,
        mut to: &TcpStream,
        lose: &AtomicBool,
    ) -> std::io::Result<()> {
        let mut bytes = vec![0; 64 * 1024];
        loop {
            let length = from.read(&mut bytes)?;
            if lose.load(Ordering::Acquire) {
                *lock(&self.last_lost) = Some(Instant::now());
                return Ok(());
            }
            if length == 0 || !self.let_through() {
                return Ok(());
            }
            to.write_all(&bytes[..length])?;
        }
    }

    /// Waits as the fault says; whether the bytes may go on then.
    fn let_through(&self) -> bool {
        let fault = lock(&self.fault);
        let longest = match *fault {
            Fault::None => return true,
            Fault::Refused => return false,
            Fault::Silent => {
                let over = self
                    .changed
                    .wait_while(fault, |fault| *fault == Fault::Silent);
                drop(over);
                return false;
            }
            Fault::Delayed(longest) => longest,
        };
        drop(fault);
        let draw = mix(0, self.drawn.fetch_add(1, Ordering::Relaxed));
        let share = u32::try_from(draw % 1000).unwrap_or(0);
        std::thread::sleep(longest * share / 1000);
        true
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request of Kafka's form: its length, its kind (0), and two bytes of its own.
    const REQUEST: [u8; 8] = *b"\0\0\0\x04\0\0hi";

    /// A server that says back what it is told.
    fn echo() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || {
                    let mut copy = stream.try_clone().expect("a copy");
                    let _ = std::io::copy(&mut &stream, &mut copy);
                });
            }
        });
        address
    }

    fn says_back(mut stream: &TcpStream) -> bool {
        let mut answer = [0; 8];
        stream.write_all(&REQUEST).is_ok()
            && stream.read_exact(&mut answer).is_ok()
            && answer == REQUEST
    }

    #[test]
    fn each_fault_does_what_it_says_and_ends() {
        let proxy = Proxy::start();
        proxy.leads_to(&echo());
        let connect = || TcpStream::connect(proxy.address()).expect("a connection");
        let first = connect();
        assert!(says_back(&first));
        proxy.set(Fault::Delayed(Duration::from_millis(5)));
        assert!(says_back(&first));
        proxy.set(Fault::Refused);
        assert!(!says_back(&first) && !says_back(&connect()));
        proxy.set(Fault::None);
        let second = connect();
        assert!(says_back(&second));
        proxy.set(Fault::Silent);
        second
            .set_read_timeout(Some(Duration::from_millis(50)))
            .expect("a limit");
        assert!(!says_back(&second));
        proxy.set(Fault::None);
        assert!(!says_back(&second), "what was silent is over");
        let third = connect();
        assert!(says_back(&third));
        proxy.cut();
        assert!(!says_back(&third));
        proxy.lose_answers(7, 1);
        let fourth = connect();
        assert!(says_back(&fourth), "of another kind");
        proxy.lose_answers(0, 1);
        assert!(!says_back(&fourth) && says_back(&connect()));
        assert_eq!((proxy.to_be_lost(), proxy.connections()), (1, 6));
        assert!(proxy.last_lost().is_some());
    }
}
