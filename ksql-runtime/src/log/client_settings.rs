//! Settings of Kafka's clients by librdkafka's names: which are not a user's to choose, which hold secrets.
//!
//! Invariant: a setting that a promise of the log rests on is owned, wherever it is given. The configuration refuses it
//! under its own key, the log once more for whoever opens it by hand.

/// Settings that the framework owns, and why.
const OWNED: &[(&[&str], &str)] = &[
    (
        &["bootstrap.servers", "metadata.broker.list"],
        "the addresses stand in `bootstrap`, for every client at once",
    ),
    (
        &["enable.idempotence"],
        "without it a retry writes a record twice or out of order",
    ),
    (
        &["acks", "request.required.acks"],
        "a record is acknowledged when all in-sync replicas have it: that is what a receipt says",
    ),
    (
        &["partitioner", "partitioner_cb"],
        "keys go to the partitions the JVM's clients choose, or joins and tables over the topic miss rows",
    ),
    (&["transactional.id"], "the log produces no transactions"),
    (
        &["delivery.report.only.error"],
        "every receipt comes from a delivery report",
    ),
    (
        &["delivery.timeout.ms", "message.timeout.ms"],
        "how long a record may wait for its acknowledgement, all attempts included, stands in `delivery_timeout`",
    ),
    (
        &["queue.buffering.max.messages", "queue.buffering.max.kbytes"],
        "memory is bounded by bytes in all, by waiting instead of an error",
    ),
    (
        &[
            "group.id",
            "group.instance.id",
            "group.protocol",
            "group.remote.assignor",
        ],
        "groups are named by the application id; tables and readers join none",
    ),
    (
        &["partition.assignment.strategy"],
        "a partition moves only after its handlers have finished, which needs `cooperative-sticky`",
    ),
    (
        &[
            "enable.auto.commit",
            "auto.commit.enable",
            "auto.commit.interval.ms",
        ],
        "an offset is committed when everything before it is finished, never by a timer",
    ),
    (
        &["enable.auto.offset.store"],
        "an offset is stored after its record is finished, not when it is handed out",
    ),
    (
        &["auto.offset.reset"],
        "every reader starts where it is told; an offset that is gone is an error, never a jump",
    ),
    (
        &["isolation.level"],
        "records of transactions that are open or aborted are never read",
    ),
    (
        &["enable.partition.eof"],
        "a table learns from it that it has read everything",
    ),
    (
        &["log.queue", "log_cb", "error_cb", "stats_cb", "opaque"],
        "it is how the log hears of its clients",
    ),
];

/// Why a setting cannot be chosen, or nothing where it can.
pub(crate) fn owned(name: &str) -> Option<&'static str> {
    OWNED
        .iter()
        .find(|(names, _)| names.contains(&name))
        .map(|(_, reason)| *reason)
}

/// Whether a setting of this name holds what must not be printed.
pub(crate) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "password",
        "passphrase",
        "secret",
        "jaas",
        "token",
        ".pem",
        "oauthbearer.config",
        // An assertion's file or endpoint is no secret; what is asserted may be.
        "assertion.claim",
    ]
    .iter()
    .any(|part| name.contains(part))
}

/// The names of all of them.
#[cfg(test)]
pub(crate) fn owned_names() -> impl Iterator<Item = &'static str> {
    OWNED.iter().flat_map(|(names, _)| names.iter().copied())
}
