//! The broker that benchmarks run on: the same for us, the floors and the peers of one run.

use ksql_runtime_tests::servers::KafkaOptions;

/// Memory and compilation of a broker that is measured, not of one that starts quickly.
pub fn broker() -> KafkaOptions {
    KafkaOptions::new()
        .java("-Xmx1g")
        .java("-XX:TieredStopAtLevel=4")
}
