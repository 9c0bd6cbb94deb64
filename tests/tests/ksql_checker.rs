//! The checker of KSQL that other tests rely on.

#![allow(missing_docs)]

use ksql_tests::ksql;

/// A checker that accepts everything would prove nothing.
#[test]
fn statements_that_the_server_refuses_are_refused_here() {
    let right = "CREATE STREAM IF NOT EXISTS `S` (`ID` STRING KEY, `AT` BIGINT) WITH (KAFKA_TOPIC='t', PARTITIONS=1, KEY_FORMAT='KAFKA', VALUE_FORMAT='AVRO', VALUE_SCHEMA_FULL_NAME='a.S', TIMESTAMP='`AT`');";
    ksql::read(right).expect("the statement is right");
    for (from, to) in [
        ("`S`", "select"),
        ("`S`", "`S.T`"),
        ("`ID`", "ID)"),
        ("`ID` STRING", "`ID` CHAR"),
        ("STRING KEY", "STRING PRIMARY KEY"),
        ("STRING KEY", "STRING"),
        ("`AT` BIGINT", "at BIGINT"),
        ("`AT` BIGINT", "`ID` BIGINT"),
        ("`AT` BIGINT", "`ROWTIME` BIGINT"),
        ("'`AT`'", "'AT'"),
        ("'`AT`'", "'`B`'"),
        ("`AT` BIGINT", "`AT` STRING"),
        ("BIGINT", "ARRAY<BIGINT"),
        ("BIGINT", "DECIMAL(2, 3)"),
        ("BIGINT", "MAP<BIGINT, BIGINT>"),
        ("'t'", "'t"),
        ("PARTITIONS=1", "PARTITIONS=0"),
        ("PARTITIONS=1", "PARTITIONS='1'"),
        ("PARTITIONS=1", "CLEANUP_POLICY='compact'"),
        ("PARTITIONS=1", "KAFKA_TOPIC='u'"),
        ("'KAFKA'", "'AVRO'"),
        (" KEY_FORMAT='KAFKA',", ""),
        ("STREAM", "TABLE"),
        (");", ")"),
        ("PARTITIONS=1", "WINDOW_SIZE='1 DAYS'"),
    ] {
        let wrong = right.replacen(from, to, 1);
        assert!(ksql::read(&wrong).is_err(), "{wrong}");
    }
    let table = right
        .replace("STREAM", "TABLE")
        .replace("STRING KEY", "STRING PRIMARY KEY");
    ksql::read(&table).expect("the statement is right");
    assert!(ksql::read(&table.replace("PARTITIONS=1", "RETENTION_MS=1")).is_err());
    assert!(ksql::read(&table.replace("PARTITIONS=1", "WINDOW_TYPE='TUMBLING'")).is_err());
}
