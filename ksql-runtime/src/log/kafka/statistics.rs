//! What librdkafka counts of a client, kept as it was told last and read when somebody asks.
//!
//! Invariant: telling costs one copy every few seconds (`statistics.interval.ms`) and no parsing.

use std::sync::{Mutex, PoisonError};

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
    use super::Statistics;

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
