//! What librdkafka counts of a client, kept as it was told last and read when somebody asks.
//!
//! Invariant: telling costs one copy every few seconds (`statistics.interval.ms`) and no parsing.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde_json::Value;

use crate::operation::Client;

/// The last statistics of a client, as JSON.
#[derive(Debug, Default)]
pub(super) struct Statistics(Mutex<Vec<u8>>);

impl Statistics {
    /// Keeps what was told.
    pub(super) fn keep(&self, json: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clear();
        kept.extend_from_slice(json);
    }

    /// What was told last; nothing where nothing was.
    pub(super) fn read(&self) -> Option<Client> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let told: Value = serde_json::from_slice(&kept).ok()?;
        drop(kept);
        Some(client(&told))
    }
}

/// The statistics of readers, as long as each of them is there.
#[derive(Debug, Default)]
pub(super) struct Readers(Mutex<Vec<Weak<Statistics>>>);

impl Readers {
    /// One more.
    pub(super) fn add(&self, statistics: &Arc<Statistics>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|one| one.strong_count() > 0);
        known.push(Arc::downgrade(statistics));
    }

    /// What each was told last.
    pub(super) fn read(&self) -> Vec<Client> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let there: Vec<_> = known.iter().filter_map(Weak::upgrade).collect();
        drop(known);
        there.iter().filter_map(|one| one.read()).collect()
    }
}

fn client(told: &Value) -> Client {
    let brokers = told.get("brokers").and_then(Value::as_object);
    let brokers = || brokers.into_iter().flat_map(serde_json::Map::values);
    let sum = |names: &[&str]| {
        let each = brokers().flat_map(|broker| names.iter().map(|name| whole(broker, name)));
        each.fold(0, u64::saturating_add)
    };
    let slowest = brokers()
        .filter_map(|broker| broker.get("rtt")?.get("avg")?.as_u64())
        .max();
    let name = |key| told.get(key).and_then(Value::as_str).unwrap_or_default();
    Client {
        client: name("name").to_owned(),
        kind: name("type").to_owned(),
        sent_records: whole(told, "txmsgs"),
        sent_bytes: whole(told, "txmsg_bytes"),
        received_records: whole(told, "rxmsgs"),
        received_bytes: whole(told, "rxmsg_bytes"),
        queued_records: whole(told, "msg_cnt"),
        timeouts: sum(&["req_timeouts"]),
        failures: sum(&["txerrs", "rxerrs"]),
        disconnects: sum(&["disconnects"]),
        // Microseconds.
        round_trip_seconds: slowest.unwrap_or(0) as f64 / 1e6,
    }
}

fn whole(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::Arc;

    use super::{Readers, Statistics};

    #[test]
    fn readers_are_told_of_while_they_are_there() {
        let readers = Readers::default();
        let (one, other) = (
            Arc::new(Statistics::default()),
            Arc::new(Statistics::default()),
        );
        readers.add(&one);
        readers.add(&other);
        assert!(readers.read().is_empty(), "nothing is counted yet");
        one.keep(b"{\"name\":\"c#consumer-1\",\"type\":\"consumer\",\"rxmsgs\":7}");
        other.keep(b"{\"name\":\"c#consumer-2\",\"type\":\"consumer\",\"rxmsgs\":8}");
        drop(one);
        let left: Vec<(String, u64)> = readers
            .read()
            .into_iter()
            .map(|client| (client.client, client.received_records))
            .collect();
        assert_eq!(left, [("c#consumer-2".to_owned(), 8)]);
    }

    #[test]
    fn brokers_are_summed_and_the_slowest_is_told() {
        let statistics = Statistics::default();
        assert!(statistics.read().is_none());
        statistics.keep(b"{\"name\":\"c#producer-1\",\"type\":\"producer\",\"txmsgs\":7,\"msg_cnt\":3,\"brokers\":{\
            \"a\":{\"txerrs\":1,\"rxerrs\":2,\"req_timeouts\":4,\"disconnects\":8,\"rtt\":{\"avg\":1500}},\
            \"b\":{\"txerrs\":16,\"rtt\":{\"avg\":2500000}}}}");
        let client = statistics.read().unwrap();
        assert_eq!(client.client, "c#producer-1");
        assert_eq!((client.sent_records, client.queued_records), (7, 3));
        assert_eq!(
            (client.failures, client.timeouts, client.disconnects),
            (19, 4, 8)
        );
        assert_eq!(client.round_trip_seconds, 2.5);
    }
}
