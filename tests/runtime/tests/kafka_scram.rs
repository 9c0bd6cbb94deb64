//! SASL's SCRAM with a real Kafka, for users that Kafka's own tools made: by a context's configuration.
//!
//! librdkafka computes the hashes with OpenSSL, where it is built with it: `make test-tls` builds it so, and runs these tests. A build
//! without the feature `kafka-ssl` has none of them.

use ksql_runtime_tests::cluster::{LIMIT, Place};
use ksql_runtime_tests::servers::{self, Kafka, KafkaOptions};
use ksql_runtime_tests::test_name;
use ksql_runtime_tests::workload::{Row, row};

const PASSWORD: &str = "hunter2-s3cret";

/// Mechanisms, with a user of each. Kafka knows him by that one only.
const USERS: [(&str, &str); 2] = [("SCRAM-SHA-256", "ann"), ("SCRAM-SHA-512", "bob")];

/// A broker that knows the users, who may do everything with every topic.
fn broker(test: &str) -> Option<Kafka> {
    let mechanisms = USERS.map(|(mechanism, _)| mechanism).join(",");
    let options = KafkaOptions::new()
        .user("nobody", "nothing")
        .property("sasl.enabled.mechanisms", &format!("PLAIN,{mechanisms}"));
    let options = USERS.iter().fold(options, |options, (mechanism, _)| {
        let name = mechanism.to_lowercase();
        options.property(
            &format!("listener.name.sasl_plaintext.{name}.sasl.jaas.config"),
            "org.apache.kafka.common.security.scram.ScramLoginModule required;",
        )
    });
    let kafka = servers::or_skip(test, Kafka::start_with(options))?;
    for (mechanism, user) in USERS {
        let secret = format!("{mechanism}=[iterations=4096,password={PASSWORD}]");
        kafka.tool(
            "kafka.admin.ConfigCommand",
            &[
                "--alter",
                "--add-config",
                &secret,
                "--entity-type",
                "users",
                "--entity-name",
                user,
            ],
        );
        kafka.allow(user, &["All"], &["--topic", "*"]);
    }
    Some(kafka)
}

fn place(kafka: &Kafka, registry: &servers::RegistryServer, mechanism: &str, user: &str) -> Place {
    Place::new(kafka.bootstrap(), registry)
        .with("kafka.security.protocol", "sasl_plaintext")
        .with("kafka.sasl.mechanism", mechanism)
        .with("kafka.sasl.username", user)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_knows_the_password_comes_in_and_who_does_not_is_told_so_at_once() {
    let Some(registry) = servers::registry_or_skip(test_name!()) else {
        return;
    };
    let Some(kafka) = broker(test_name!()) else {
        return;
    };
    for (mechanism, user) in USERS {
        let place = place(&kafka, registry, mechanism, user).with("kafka.sasl.password", PASSWORD);
        let started = place.builder().entity::<Row>().start().await;
        let ctx = started.expect("it starts");
        let rows = ctx.set::<Row>();
        rows.add(row(1, 1)).await.expect("added");
        ctx.wait_caught_up(LIMIT).await.expect("read");
        assert_eq!(rows.get(1).await.expect("a read"), Some(row(1, 1)));
        let shown = format!("{ctx:?} {:?}", ctx.config());
        assert!(!shown.contains(PASSWORD), "{shown}");
        ctx.shutdown().await.expect("a clean end");
    }
    // Another's password, nobody's name, and a mechanism by which he is not known.
    let other = |mechanism| {
        if mechanism == USERS[0].0 {
            USERS[1]
        } else {
            USERS[0]
        }
    };
    for (mechanism, user) in USERS {
        for (user, password) in [
            (user, "hunter2-wrong"),
            ("carl", PASSWORD),
            (other(mechanism).1, PASSWORD),
        ] {
            let place = place(&kafka, registry, mechanism, user)
                .with("kafka.sasl.password", password)
                .with("reach_timeout", "1h")
                .with("request_timeout", "1h");
            let start = place.builder().entity::<Row>().start();
            let started = tokio::time::timeout(LIMIT, start).await;
            let error = started.expect("long before the hour is over");
            let error = error.expect_err("it is refused");
            assert!(
                !format!("{error} {error:?}").contains(password),
                "{error:?}"
            );
            let text = error.to_string().replace(kafka.bootstrap(), "KAFKA");
            // Behind it stands how long that took.
            let (text, _) = text.split_once(" (after ").unwrap_or((&text, ""));
            assert_eq!(
                text,
                format!(
                    "start failed at the step `reach kafka`: kafka at KAFKA refuses the credentials: check `security.protocol`, \
                     `sasl.mechanism`, `sasl.username` and `sasl.password`: sasl_plaintext://KAFKA/bootstrap: SASL authentication \
                     error: Authentication failed during authentication due to invalid credentials with SASL mechanism {mechanism}"
                )
            );
        }
    }
}
