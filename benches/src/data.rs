//! Payloads from a fixed seed: every run sees the same records.

use chrono::{DateTime, Utc};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use rust_decimal::Decimal;

use crate::entities::{Order, Wide};

/// The seed of everything random.
pub const SEED: u64 = 42;

/// 2024-01-01T00:00:00Z.
const EPOCH: i64 = 1_704_067_200_000;

/// The generator every benchmark starts from.
pub fn rng() -> StdRng {
    StdRng::seed_from_u64(SEED)
}

fn text(rng: &mut StdRng, length: usize) -> String {
    (0..length)
        .map(|_| char::from(rng.random_range(b'a'..=b'z')))
        .collect()
}

fn time(rng: &mut StdRng) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(EPOCH + rng.random_range(0..86_400_000)).unwrap_or_default()
}

/// One order of this key.
pub fn order(rng: &mut StdRng, id: i64) -> Order {
    Order {
        id,
        customer: text(rng, 12),
        amount: Decimal::new(rng.random_range(-5_000_000..500_000_000), 4),
        qty: rng.random_range(1..5000),
        ts: time(rng),
    }
}

/// One wide record of this key.
pub fn wide(rng: &mut StdRng, id: i64) -> Wide {
    fn some<T>(rng: &mut StdRng, make: impl FnOnce(&mut StdRng) -> T) -> Option<T> {
        if rng.random_bool(0.5) {
            Some(make(rng))
        } else {
            None
        }
    }
    Wide {
        id,
        account: text(rng, 12),
        symbol: text(rng, 4),
        venue: text(rng, 4),
        note: some(rng, |rng| text(rng, 20)),
        active: rng.random(),
        settled: rng.random(),
        side: rng.random_range(0..2),
        kind: rng.random_range(0..8),
        flags: rng.random_range(0..65_536),
        desk: rng.random_range(0..100),
        filled: rng.random_range(0..5000),
        open: rng.random_range(0..5000),
        seq: rng.random_range(0..100_000_000),
        parent: rng.random_range(0..100_000_000),
        trader: rng.random_range(0..10_000),
        book: rng.random_range(0..1000),
        latency: rng.random_range(0..1_000_000),
        limit: some(rng, |rng| rng.random_range(0..1_000_000)),
        hidden: some(rng, |rng| rng.random_range(0..5000)),
        strategy: some(rng, |rng| rng.random_range(0..50)),
        delta: rng.random(),
        gamma: rng.random(),
        vega: rng.random(),
        price: Decimal::new(rng.random_range(0..50_000_000), 4),
        fee: Decimal::new(rng.random_range(-1000..100_000), 4),
        notional: Decimal::new(rng.random_range(0..5_000_000_000), 2),
        rebate: some(rng, |rng| Decimal::new(rng.random_range(0..10_000), 4)),
        placed: time(rng),
        changed: time(rng),
        expires: some(rng, time),
    }
}

/// How often which key is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// All alike.
    Uniform,
    /// Zipf with exponent 0.99: a few keys get most of the records.
    Zipf,
}

/// Draws keys `0..n`; with [`Keys::Zipf`] the frequent ones are strewn over the whole range.
#[derive(Debug)]
pub struct Drawer {
    cumulated: Vec<f64>,
    names: Vec<i64>,
}

impl Drawer {
    /// A drawer over `n` keys.
    pub fn new(keys: Keys, n: usize, rng: &mut StdRng) -> Self {
        let mut names: Vec<i64> = (0..n as i64).collect();
        if keys == Keys::Uniform {
            return Self {
                cumulated: Vec::new(),
                names,
            };
        }
        names.shuffle(rng);
        let mut sum = 0.0;
        let cumulated = (1..=n)
            .map(|rank| {
                sum += (rank as f64).powf(-0.99);
                sum
            })
            .collect();
        Self { cumulated, names }
    }

    /// One key.
    pub fn draw(&self, rng: &mut StdRng) -> i64 {
        let at = match self.cumulated.last() {
            None => rng.random_range(0..self.names.len()),
            Some(sum) => {
                let point = rng.random_range(0.0..*sum);
                self.cumulated.partition_point(|upto| *upto <= point)
            }
        };
        self.names[at.min(self.names.len() - 1)]
    }
}
