//! What may be set, what is refused, and what clients are made with.

use super::*;

type Part = fn(&mut KafkaOptions) -> &mut BTreeMap<String, String>;

fn with(part: Part, name: &str, value: &str) -> String {
    let mut options = KafkaOptions::new("localhost:9092");
    part(&mut options).insert(name.to_owned(), value.to_owned());
    match options.validate() {
        Ok(()) => String::new(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_setting_a_promise_rests_on_is_refused_by_name_and_reason() {
    let parts: [Part; 3] = [
        |options| &mut options.client,
        |options| &mut options.producer,
        |options| &mut options.consumer,
    ];
    for part in parts {
        for name in [
            "enable.auto.commit",
            "enable.auto.offset.store",
            "partitioner",
            "enable.idempotence",
            "acks",
            "group.id",
            "bootstrap.servers",
            "isolation.level",
            "auto.offset.reset",
            "transactional.id",
            "queue.buffering.max.messages",
            "message.timeout.ms",
        ] {
            let said = with(part, name, "1");
            assert!(said.contains(&format!("`{name}`")), "{said}");
            assert!(
                !said.contains("librdkafka"),
                "{name} is refused before it is tried: {said}"
            );
        }
    }
}

#[test]
fn an_unknown_setting_is_named_with_the_nearest_one() {
    let said = with(|options| &mut options.producer, "linger.mss", "5");
    assert!(
        said.contains("`linger.mss`") && said.contains("`linger.ms`"),
        "{said}"
    );
    let said = with(|options| &mut options.client, "zzzzzz", "5");
    assert!(
        said.contains("`zzzzzz`") && !said.contains("did you mean"),
        "{said}"
    );
}

#[test]
fn an_impossible_value_is_told_without_a_broker() {
    let said = with(|options| &mut options.producer, "linger.ms", "soon");
    assert!(said.contains("`linger.ms`"), "{said}");
    let said = with(
        |options| &mut options.producer,
        "max.in.flight.requests.per.connection",
        "50",
    );
    assert!(
        said.contains("max.in.flight"),
        "a contradiction to idempotence: {said}"
    );
    assert_eq!(
        with(|options| &mut options.consumer, "fetch.min.bytes", "10"),
        ""
    );
}

#[test]
fn what_librdkafka_was_built_without_is_told_with_the_feature_that_builds_it_in() {
    let with = |settings: &[(&str, &str)]| {
        let mut options = KafkaOptions::new("localhost:9092");
        for (name, value) in settings {
            let (name, value) = ((*name).to_owned(), (*value).to_owned());
            options.client.insert(name, value);
        }
        options
            .validate()
            .map_or_else(|error| error.to_string(), |()| String::new())
    };
    let sasl = |mechanism| {
        with(&[
            ("security.protocol", "sasl_plaintext"),
            ("sasl.mechanism", mechanism),
            ("sasl.username", "u"),
            ("sasl.password", "hunter2"),
        ])
    };
    assert_eq!(sasl("PLAIN"), "", "it needs none");
    let mut expected = Vec::new();
    if cfg!(not(feature = "kafka-ssl")) {
        expected.extend([
            (with(&[("security.protocol", "ssl")]), "`kafka-ssl`"),
            (with(&[("ssl.ca.location", "/ca.pem")]), "`kafka-ssl`"),
            (with(&[("ssl.key.pem", "hunter2")]), "`kafka-ssl`"),
            (sasl("SCRAM-SHA-512"), "`kafka-ssl`"),
            (sasl("OAUTHBEARER"), "`kafka-ssl`"),
        ]);
    }
    if cfg!(not(feature = "kafka-gssapi")) {
        expected.push((sasl("GSSAPI"), "`kafka-gssapi`"));
    }
    if cfg!(not(feature = "kafka-zstd")) {
        expected.push((with(&[("compression.type", "zstd")]), "`kafka-zstd`"));
    }
    for (said, feature) in expected {
        let cure = format!("(enable the cargo feature {feature})");
        assert!(said.contains(&cure), "{feature}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
    let said = with(&[("sasl.oauthbearer.method", "oidc")]);
    assert!(said.contains("no cargo feature builds it in"), "{said}");
}

#[test]
fn secrets_are_never_printed() {
    let mut options = KafkaOptions::new("localhost:9092");
    for name in [
        "sasl.password",
        "ssl.key.password",
        "ssl.keystore.password",
        "ssl.key.pem",
        "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.config",
    ] {
        options.client.insert(name.to_owned(), "hunter2".to_owned());
    }
    options
        .client
        .insert("client.id".to_owned(), "shown".to_owned());
    let printed = format!("{options:?}");
    assert!(
        !printed.contains("hunter2") && printed.contains("shown"),
        "{printed}"
    );
    if let Err(error) = options.validate() {
        let printed = format!("{error} {error:?}");
        assert!(!printed.contains("hunter2"), "{printed}");
    }
}

#[test]
fn security_reaches_every_client() {
    let mut options = KafkaOptions::new("localhost:9092");
    options
        .client
        .insert("sasl.username".to_owned(), "someone".to_owned());
    for config in [
        options.producer_config(),
        options.reader_config(),
        options.group_config("g"),
    ] {
        assert_eq!(config.get("sasl.username"), Some("someone"));
        assert_eq!(config.get("bootstrap.servers"), Some("localhost:9092"));
    }
}

#[test]
fn what_a_reader_fetches_ahead_is_bounded_by_its_memory_unless_it_is_set_by_name() {
    let settings = |change: fn(&mut KafkaOptions)| {
        let mut options = KafkaOptions::new("localhost:9092");
        change(&mut options);
        assert!(options.validate().is_ok(), "{:?}", options.validate());
        let config = options.reader_config();
        [
            "queued.max.messages.kbytes",
            "fetch.max.bytes",
            "fetch.message.max.bytes",
            "max.partition.fetch.bytes",
        ]
        .map(|name| config.get(name).map(str::to_owned).unwrap_or_default())
    };
    assert_eq!(
        settings(|options| options.reader_bytes = 32 << 20),
        ["16384", "16777216", "4194304", ""]
    );
    assert_eq!(
        settings(|options| options.reader_bytes = 6 << 20),
        ["3072", "3145728", "3145728", ""]
    );
    assert_eq!(
        settings(|options| options.reader_bytes = 0),
        ["1024", "1048576", "1048576", ""],
        "never so little that nothing is read"
    );
    let largest = settings(|options| options.reader_bytes = usize::MAX);
    assert_eq!(largest, ["2097151", "2147483135", "4194304", ""]);
    let by_name = settings(|options| {
        options.reader_bytes = 0;
        let given = [
            ("queued.max.messages.kbytes", "77"),
            ("max.partition.fetch.bytes", "99"),
        ];
        options.consumer = given
            .map(|(name, value)| (name.into(), value.into()))
            .into();
        options.client = [("fetch.max.bytes".into(), "1000001".into())].into();
    });
    assert_eq!(by_name, ["77", "1000001", "", "99"]);
    let large = settings(|options| {
        options.reader_bytes = 0;
        options.client = [("message.max.bytes".into(), "20000000".into())].into();
    });
    assert_eq!(large, ["1024", "20000000", "1048576", ""]);
}

#[test]
fn an_answer_without_records_comes_within_a_tenth_of_a_second_unless_it_is_set_by_name() {
    let wait = |options: &KafkaOptions| {
        let config = options.reader_config();
        config.get("fetch.wait.max.ms").map(str::to_owned)
    };
    let mut options = KafkaOptions::new("localhost:9092");
    assert_eq!(wait(&options).as_deref(), Some("100"));
    let given = ("fetch.wait.max.ms".to_owned(), "500".to_owned());
    options.client = [given].into();
    assert!(options.validate().is_ok(), "{:?}", options.validate());
    assert_eq!(wait(&options).as_deref(), Some("500"));
}
