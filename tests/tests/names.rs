//! Names: quoting, upper-casing, reserved words, topics, labels of windows.

#![allow(missing_docs)]

use std::collections::BTreeSet;

use ksql_schema::names::{self, PSEUDO_COLUMNS};
use ksql_schema::{GapPolicy, Window, WindowKind, ddl};
use ksql_tests::ksql;
use ksql_tests::strategies::cases;
use proptest::prelude::*;

/// The words KSQL's grammar reserves.
const RESERVED: &str = "ADVANCE ALL AND AS AT BEGINNING BETWEEN BY CASE CAST CATALOG CONNECTOR CONNECTORS CREATE DAYS DECIMAL DELETE \
    DESCRIBE DISTINCT DROP ELSE END EXISTS EXPORT EXTENDED FALSE FROM FULL GROUP HAVING HOPPING HOURS IN INNER INSERT \
    INTO IS JOIN LEFT LIKE LIMIT LIST LOAD MATERIALIZED MILLISECOND MILLISECONDS MINUTES MONTHS NAMESPACE NOT NULL ON \
    OR OUTER PAUSE PRINT PROPERTIES QUERIES QUERY RENAME RESUME RETENTION RIGHT RUN SAMPLE SCRIPT SECONDS SELECT SIZE \
    STREAM STREAMS TABLE TERMINATE THEN TO TOPIC TOPICS TRUE TUMBLING UNSET VALUES VIEW WHEN WHERE WINDOW WITH WITHIN YEARS";

/// Keywords that may stand bare.
const BARE: &str = "ADD ALTER ANALYZE ARRAY ASSERT CHANGES COLUMN COLUMNS DATE DAY DEFINE EMIT ESCAPE EXPLAIN FINAL \
    FUNCTION FUNCTIONS GRACE HEADER HEADERS HOUR ID IF INTEGER INTERVAL KEY MAP MINUTE MONTH PARTITION PARTITIONS PERIOD \
    PLUGINS PRIMARY REPLACE RESET SCHEMA SECOND SESSION SET SHOW SINK SOURCE STRING STRUCT SUBJECT SYSTEM TABLES TIME TIMEOUT \
    TIMESTAMP TYPE TYPES UNDEFINE VARIABLES YEAR ZONE";

fn windows() -> impl Strategy<Value = (WindowKind, u64, u64)> {
    let unit = || prop::sample::select(vec![1_u64, 1000, 60_000, 3_600_000, 86_400_000]);
    let kind = prop::sample::select(vec![
        WindowKind::Tumbling,
        WindowKind::Hopping,
        WindowKind::Session,
    ]);
    (kind, 1_u64..100, unit(), 1_u64..100, unit())
        .prop_map(|(kind, size, of, advance, by)| (kind, size * of, advance * by))
}

fn window(kind: WindowKind, advance: u64) -> Window<'static> {
    let advance_ms = (kind == WindowKind::Hopping).then_some(advance);
    Window {
        kind,
        sizes_ms: &[],
        advance_ms,
        grace_ms: None,
        retention_ms: None,
        gaps: GapPolicy::None,
        gap_horizon: None,
    }
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn a_quoted_name_is_read_back_as_the_name(name in any::<String>()) {
        prop_assert_eq!(ksql::column_reference(&names::quoted(&name)), Ok(name));
    }

    #[test]
    fn no_name_breaks_out_of_its_quotes(name in "[`'\"a; )(]{0,12}") {
        let quoted = names::quoted(&name);
        prop_assert!(quoted.starts_with('`') && quoted.ends_with('`') && quoted.len() >= 2);
        prop_assert!(!quoted[1..quoted.len() - 1].replace("``", "").contains('`'));
        prop_assert_eq!(ksql::column_reference(&quoted), Ok(name));
    }

    /// A bare name in KSQL text folds to the column. A field in mixed case is another matter: see the next property.
    #[test]
    fn rust_names_are_avro_names_and_in_ksql_text_the_column_they_fold_to(name in "[a-zA-Z_][a-zA-Z0-9_]{0,20}") {
        prop_assert!(names::is_avro_name(&name));
        let upper = names::upper(&name);
        prop_assert!(names::is_avro_name(&upper) && !upper.bytes().any(|byte| byte.is_ascii_lowercase()));
        prop_assert_eq!(names::upper(&upper), upper.clone());
        // A bare name folds to the same column, unless it is reserved.
        let bare = ksql::column_reference(&name).ok();
        prop_assert_eq!(bare, (!names::is_reserved(&name)).then_some(upper));
    }

    #[test]
    fn ksqldb_finds_fields_in_one_case_only_and_every_name_has_one_that_is_found(name in "[a-zA-Z_][a-zA-Z0-9_]{0,20}") {
        let one_case = name == name.to_ascii_lowercase() || name == name.to_ascii_uppercase();
        prop_assert_eq!(names::is_found_by_ksqldb(&name), one_case);
        let instead = names::snake_case(&name);
        prop_assert!(names::is_found_by_ksqldb(&instead) && names::is_avro_name(&instead), "{}", instead);
        prop_assert_eq!(instead.replace('_', ""), name.to_ascii_lowercase().replace('_', ""), "the same letters");
        prop_assert_eq!(names::snake_case(&instead), instead.clone());
    }

    #[test]
    fn avro_names_are_letters_digits_and_underscores_and_begin_with_no_digit(name in prop_oneof![any::<String>(), "[a-z0-9_.é-]{0,6}"]) {
        let letters = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        let begins = name.chars().next().is_some_and(|first| !first.is_ascii_digit());
        prop_assert_eq!(names::is_avro_name(&name), letters && begins);
    }

    #[test]
    fn a_namespace_is_avro_names_between_dots(parts in prop::collection::vec("[a-z_][a-z0-9_]{0,4}", 1..4), dot in prop::sample::select(vec![".", "::"])) {
        let namespace = parts.join(dot);
        prop_assert!(names::is_namespace(&namespace));
        let doubled = format!("{}..a", namespace);
        let trailing = format!("{}.", namespace);
        let digit = format!("{}.1a", namespace);
        prop_assert!(!names::is_namespace(&doubled) && !names::is_namespace(&trailing) && !names::is_namespace(&digit));
    }

    #[test]
    fn a_topic_is_what_kafka_allows_and_its_defect_names_the_character(name in prop_oneof!["[a-zA-Z0-9._-]{1,249}", "[a-z .:/é]{0,12}", any::<String>()]) {
        let right = (1..=249).contains(&name.len()) && name != "." && name != ".."
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        match names::topic_defect(&name) {
            None => prop_assert!(right, "{}", name),
            Some(defect) => {
                prop_assert!(!right, "{}: {}", name, defect);
                let wrong = name.chars().find(|letter| !(letter.is_ascii_alphanumeric() || "._-".contains(*letter)));
                if let Some(wrong) = wrong {
                    prop_assert!(defect.contains(&format!("`{wrong}`")), "{}", defect);
                }
            }
        }
    }

    #[test]
    fn labels_are_names_of_topics_and_sources_and_different_for_different_windows(a in windows(), b in windows()) {
        let label = |(kind, size, advance): (WindowKind, u64, u64)| names::window_label(&window(kind, advance), size);
        let meaning = |(kind, size, advance): (WindowKind, u64, u64)| (kind, size, (kind == WindowKind::Hopping).then_some(advance));
        prop_assert_eq!(label(a) == label(b), meaning(a) == meaning(b), "{} {}", label(a), label(b));
        let label = label(a);
        prop_assert_eq!(names::topic_defect(&label), None);
        prop_assert!(label.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_'), "{}", label);
    }

    #[test]
    fn a_duration_in_ksql_is_the_same_length_in_its_largest_unit(number in 1_u64..10_000, unit in prop::sample::select(vec![1_u64, 1000, 60_000, 3_600_000, 86_400_000])) {
        let mut bytes = [0; 32];
        let mut sink = ksql_schema::text::Sink::new(&mut bytes);
        ddl::push_duration(number * unit, &mut sink);
        let length = sink.len();
        let text = ksql_schema::text::as_str(&bytes[..length]).to_ascii_lowercase();
        prop_assert_eq!(ksql_schema::duration::parse(&text), Ok(number * unit), "{}", text);
        let (count, _) = text.split_once(' ').expect("a number and a unit");
        prop_assert!(count.parse::<u64>().is_ok_and(|count| count <= number));
    }

    #[test]
    fn numbers_and_literals_are_rendered_as_they_are(number in any::<i64>(), text in any::<String>()) {
        let mut bytes = vec![0; 2 * text.len() + 64];
        let mut sink = ksql_schema::text::Sink::new(&mut bytes);
        sink.push_number(number);
        let length = sink.len();
        prop_assert_eq!(ksql_schema::text::as_str(&bytes[..length]), number.to_string());
        let mut sink = ksql_schema::text::Sink::new(&mut bytes);
        sink.push_literal(&text);
        let length = sink.len();
        prop_assert_eq!(ksql_schema::text::as_str(&bytes[..length]), text.replace('\'', "''"));
    }
}

#[test]
fn numbers_at_the_edges_are_rendered_as_they_are() {
    for number in [0, 9, 10, -1, -10, i64::MIN, i64::MAX] {
        let mut bytes = [0; 32];
        let mut sink = ksql_schema::text::Sink::new(&mut bytes);
        sink.push_number(number);
        let length = sink.len();
        assert_eq!(
            ksql_schema::text::as_str(&bytes[..length]),
            number.to_string()
        );
    }
}

#[test]
fn the_reserved_words_are_those_of_the_grammar_in_any_case() {
    let reserved: BTreeSet<&str> = RESERVED.split_ascii_whitespace().collect();
    for word in &reserved {
        assert!(
            names::is_reserved(word) && names::is_reserved(&word.to_lowercase()),
            "{word}"
        );
    }
    for word in BARE.split_ascii_whitespace() {
        assert!(!names::is_reserved(word), "{word}");
        assert!(!reserved.contains(word), "{word}");
    }
    for word in ["", "ROWTIME", "SELECTED", "SELEC", "ÉND"] {
        assert!(!names::is_reserved(word), "{word}");
    }
}

#[test]
fn columns_ksqldb_keeps_are_known() {
    assert_eq!(
        PSEUDO_COLUMNS,
        [
            "ROWTIME",
            "ROWPARTITION",
            "ROWOFFSET",
            "WINDOWSTART",
            "WINDOWEND"
        ]
    );
}

#[test]
fn labels_read_as_people_write_them() {
    for (kind, size, advance, wanted) in [
        (WindowKind::Tumbling, 300_000, 0, "5min"),
        (WindowKind::Tumbling, 30_000, 0, "30s"),
        (WindowKind::Tumbling, 86_400_000, 0, "1440min"),
        (WindowKind::Tumbling, 90_000, 0, "90s"),
        (WindowKind::Tumbling, 1500, 0, "1500ms"),
        (WindowKind::Hopping, 3_600_000, 900_000, "60min_by_15min"),
        (WindowKind::Hopping, 60_000, 500, "1min_by_500ms"),
        (WindowKind::Session, 1_800_000, 0, "30min_session"),
    ] {
        assert_eq!(names::window_label(&window(kind, advance), size), wanted);
    }
}

#[test]
fn what_is_wrong_with_a_topic_is_said_in_words() {
    let longest = "a".repeat(249);
    for right in ["a", "orders", "a.b_c-D9", "...", longest.as_str()] {
        assert_eq!(names::topic_defect(right), None, "{right}");
    }
    let long = "a".repeat(250);
    for (wrong, said) in [
        ("", "cannot be empty"),
        (".", "`.` cannot be"),
        ("..", "`..` cannot be"),
        (long.as_str(), "at most 249 characters, not 250"),
        ("a b", "` `"),
        ("größe", "`ö`"),
    ] {
        assert!(
            names::topic_defect(wrong).is_some_and(|defect| defect.contains(said)),
            "{wrong}: {:?}",
            names::topic_defect(wrong)
        );
    }
}

#[test]
fn retention_is_never_below_size_and_grace() {
    let week = Window::DEFAULT_RETENTION_MS;
    let own = Window {
        grace_ms: Some(week),
        ..window(WindowKind::Tumbling, 0)
    };
    assert_eq!(own.effective_retention_ms(60_000), week + 60_000);
    assert_eq!(
        window(WindowKind::Tumbling, 0).effective_retention_ms(60_000),
        week
    );
    assert_eq!(
        Window {
            retention_ms: Some(5),
            ..own
        }
        .effective_retention_ms(60_000),
        5,
        "what is stated is judged by the rules"
    );
}

#[test]
fn words_of_a_name_in_mixed_case_are_told_apart() {
    for (name, snake) in [
        ("depDelayMin", "dep_delay_min"),
        ("Symbol", "symbol"),
        ("HTTPStatus", "http_status"),
        ("arr2Delay", "arr2_delay"),
        ("Plain_Text", "plain_text"),
        ("_hiddenField", "_hidden_field"),
        ("already_snake", "already_snake"),
    ] {
        assert_eq!(names::snake_case(name), snake);
    }
}
