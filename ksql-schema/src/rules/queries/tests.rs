//! What queries break together, one rule a test, and the order in which they start.

use super::*;
use crate::model::{
    Column, GapPolicy, KindFrom, Mode, Role, SubjectStrategy, Topic, ValueFormat, Window,
    WindowKind,
};
use crate::names::hash;
use crate::query::plan::{Input, Join, JoinForm, JoinKind, Step, Writes};
use crate::rules::validate_queries;
use crate::types::Type;

const fn column(name: &'static str, sql_name: &'static str, role: Role) -> Column<'static> {
    Column {
        name,
        sql_name,
        quoted: sql_name,
        hash: hash(name),
        ty: Type::Int64,
        nullable: false,
        role,
        key_order: None,
        timestamp: false,
        avro_timestamp: false,
        decimal_precision: None,
        default: None,
        max_length: None,
        datetime_format: None,
        gap: None,
    }
}

const COLUMNS: &[Column<'static>] = &[
    column("id", "ID", Role::Key),
    column("amount", "AMOUNT", Role::Value),
];

const fn entity(names: [&'static str; 3], kind: Kind) -> Entity<'static> {
    let [name, sql_name, topic] = names;
    Entity {
        name,
        namespace: "shop",
        record_name: name,
        sql_name,
        kind,
        kind_from: KindFrom::Attribute,
        topic: Topic {
            name: topic,
            declared: true,
            partitions: None,
            replication: None,
            retention_ms: None,
            cleanup: None,
        },
        value_format: ValueFormat::Avro,
        subjects: SubjectStrategy::TopicName,
        columns: COLUMNS,
        window: None,
        mode: Mode::Strict,
    }
}

const A: Entity<'static> = entity(["A", "A", "a"], Kind::Stream);
const B: Entity<'static> = entity(["B", "B", "b"], Kind::Stream);
const C: Entity<'static> = entity(["C", "C", "c"], Kind::Stream);
const D: Entity<'static> = entity(["D", "D", "d"], Kind::Stream);
const TABLE: Entity<'static> = entity(["Total", "TOTAL", "totals"], Kind::Table);
const WINDOWED: Entity<'static> = Entity {
    window: Some(Window {
        kind: WindowKind::Tumbling,
        sizes_ms: &[60_000],
        advance_ms: None,
        grace_ms: None,
        retention_ms: None,
        gaps: GapPolicy::None,
        gap_horizon: None,
    }),
    ..entity(["Candle", "CANDLE", "candles"], Kind::Table)
};

fn reads<'a>(entity: &'a Entity<'a>) -> [Input<'a>; 1] {
    [Input {
        name: "rows",
        entity,
        kind: entity.kind,
    }]
}

fn query<'a>(name: &'a str, inputs: &'a [Input<'a>], output: &'a Entity<'a>) -> Query<'a> {
    Query {
        name,
        inputs,
        steps: &[],
        output,
        kind: output.kind,
        because: "rows become rows",
        writes: Writes::Creates,
        parameters: &[],
    }
}

/// The findings of queries alone, as `code: text`.
fn found(added: &[&Entity<'_>], queries: &[&Query<'_>]) -> Vec<(Severity, String)> {
    let mut entities: Vec<&Entity<'_>> = Vec::new();
    let of_queries = queries.iter().flat_map(|query| {
        let inputs = query.inputs.iter().map(|input| input.entity);
        inputs.chain([query.output])
    });
    for entity in added.iter().copied().chain(of_queries) {
        if !entities.iter().any(|known| same(known, entity)) {
            entities.push(entity);
        }
    }
    validate_queries(&entities, added, queries)
        .into_iter()
        .map(|finding| (finding.severity, finding.to_string()))
        .collect()
}

fn one_error(queries: &[&Query<'_>]) -> String {
    match found(&[], queries).as_slice() {
        [(Severity::Error, text)] => text.clone(),
        other => format!("{other:?}"),
    }
}

#[test]
fn queries_in_a_chain_are_right() {
    let (of_a, of_b) = (reads(&A), reads(&B));
    let queries = [query("b", &of_a, &B), query("total", &of_b, &TABLE)];
    let [b, total] = &queries;
    assert_eq!(found(&[&A], &[b, total]), []);
}

#[test]
fn two_queries_that_write_one_entity_are_both_named() {
    let (of_a, of_b) = (reads(&A), reads(&B));
    let (one, two) = (query("one", &of_a, &C), query("two", &of_b, &C));
    assert_eq!(
        one_error(&[&one, &two]),
        "K0601: the queries `one` and `two` both write `C`: its statement would stand for one of them only; \
         give each query an output of its own, or write `#[query(insert)]` on all but one, which then add to what that one makes"
    );
}

#[test]
fn queries_that_insert_start_behind_the_one_that_makes_their_output_and_readers_behind_them() {
    let (of_a, of_b, of_c) = (reads(&A), reads(&B), reads(&C));
    let inserting = |name, inputs| Query {
        writes: Writes::Inserts,
        ..query(name, inputs, &C)
    };
    let (one, two) = (inserting("one", &of_a), inserting("two", &of_b));
    let (made, total) = (query("made", &of_a, &C), query("total", &of_c, &TABLE));
    let queries = [&total, &one, &made, &two];
    assert_eq!(found(&[], &queries), []);
    assert_eq!(start_order(&queries), Ok(vec![2, 1, 3, 0]));
    // Nothing need make the output by a query.
    let queries = [&total, &one, &two];
    assert_eq!(found(&[], &queries), []);
    assert_eq!(start_order(&queries), Ok(vec![1, 2, 0]));
    let same = inserting("one", &of_b);
    assert_eq!(
        one_error(&[&one, &same]),
        "K0608: two queries are named `one`, one that writes `C` and one that writes `C`: what a query keeps is named by it; \
         give one of them another name"
    );
    // What it reads has more partitions than the output gets by the query that makes it, which is no wonder.
    let mut wide = B;
    wide.topic.partitions = Some(4);
    let of_wide = reads(&wide);
    let two = inserting("two", &of_wide);
    assert_eq!(found(&[], &[&made, &two, &total]), []);
}

#[test]
fn two_queries_of_one_name_would_keep_their_state_in_one_place() {
    let of_a = reads(&A);
    let (one, two) = (query("same", &of_a, &B), query("same", &of_a, &C));
    assert_eq!(
        one_error(&[&one, &two]),
        "K0608: two queries are named `same`, one that writes `B` and one that writes `C`: what a query keeps is named by it; \
         give one of them another name"
    );
}

#[test]
fn an_output_the_program_adds_itself_is_a_warning_unless_it_has_windows() {
    let of_a = reads(&A);
    let (b, candles) = (query("b", &of_a, &B), query("candles", &of_a, &WINDOWED));
    let expected = "K0602: `B` is written by the query `b` and added to the program by itself: records that the program adds \
                    would lie between those of the query; leave the entity out, for its query adds it, and write it nowhere else";
    assert_eq!(
        found(&[&A, &B, &WINDOWED], &[&b, &candles]),
        [(Severity::Warning, expected.to_owned())]
    );
}

#[test]
fn a_circle_is_told_in_the_order_of_reading() {
    let (of_a, of_b, of_c) = (reads(&A), reads(&B), reads(&C));
    let to_b = query("to_b", &of_a, &B);
    let to_c = query("to_c", &of_b, &C);
    let to_a = query("to_a", &of_c, &A);
    let aside = query("aside", &of_c, &D);
    assert_eq!(
        one_error(&[&aside, &to_a, &to_b, &to_c]),
        "K0603: queries read what each other writes, in a circle: `to_a` -> `to_b` -> `to_c` -> `to_a`; \
         write one of the results to an entity that no query of the circle reads"
    );
    let own = query("own", &of_a, &A);
    assert_eq!(
        one_error(&[&own]),
        "K0603: the query `own` reads `A`, which it writes itself; \
         write one of the results to an entity that no query of the circle reads"
    );
}

#[test]
fn a_windowed_table_is_no_input_as_a_table() {
    let of_candles = [Input {
        kind: Kind::Table,
        ..reads(&WINDOWED)[0]
    }];
    let query = query("again", &of_candles, &TABLE);
    assert_eq!(
        one_error(&[&query]),
        "K0604: the query `again` reads `Candle`, which has windows: ksqlDB runs no query over a windowed table; \
         read its results as they come: `Stream<..>`"
    );
}

#[test]
fn what_is_read_and_made_is_of_the_kind_it_is_said_to_be() {
    let as_table = [Input {
        kind: Kind::Table,
        name: "rows",
        entity: &A,
    }];
    let wrong_input = query("b", &as_table, &B);
    assert_eq!(
        one_error(&[&wrong_input]),
        "K0605: the query `b` reads `A` as a table, and it is a stream; write `Stream<A>`"
    );
    let of_a = reads(&A);
    for (output, kind, expected) in [
        (
            &TABLE,
            Kind::Stream,
            "K0605: the query `b` makes a stream (rows become rows), and its output `Total` is a table; \
             take the `#[table]` off `Total`",
        ),
        (
            &B,
            Kind::Table,
            "K0605: the query `b` makes a table (rows become rows), and its output `B` is a stream; put `#[table]` on `B`",
        ),
    ] {
        let wrong = Query {
            kind,
            ..query("b", &of_a, output)
        };
        assert_eq!(one_error(&[&wrong]), expected);
    }
}

#[test]
fn partitions_that_a_statement_cannot_know_of_are_a_warning() {
    let mut wide = A;
    wide.topic.partitions = Some(4);
    let (of_wide, of_b) = (reads(&wide), reads(&B));
    let (b, c) = (query("to_b", &of_wide, &B), query("to_c", &of_b, &C));
    let expected = "K0606: `B` gets 4 partitions by the query `to_b`, but `C`, made of it by the query `to_c`, gets 1 partition: \
                    neither states a number; write `partitions = 4` in the `#[topic]` of `B`, or the number wanted in that of `C`";
    assert_eq!(
        found(&[], &[&b, &c]),
        [(Severity::Warning, expected.to_owned())]
    );
    // Stated anywhere, it is meant.
    for (in_b, in_c) in [(Some(4), None), (None, Some(1)), (Some(2), Some(3))] {
        let (mut b, mut c) = (B, C);
        b.topic.partitions = in_b;
        c.topic.partitions = in_c;
        let of_b = reads(&b);
        let (to_b, to_c) = (query("to_b", &of_wide, &b), query("to_c", &of_b, &c));
        assert_eq!(found(&[], &[&to_b, &to_c]), [], "{in_b:?} {in_c:?}");
    }
}

#[test]
fn joined_topics_have_one_number_of_partitions_but_by_a_foreign_key() {
    let joins = |form| {
        [Step::Join(Join {
            input: 1,
            kind: JoinKind::Inner,
            form,
            on: "a.id == b.id",
        })]
    };
    let (keys, foreign) = (joins(JoinForm::Lookup), joins(JoinForm::ForeignKey));
    let (mut wide, mut narrow) = (A, B);
    (wide.topic.partitions, narrow.topic.partitions) = (Some(4), Some(2));
    let of = |other| [reads(&wide)[0], reads(other)[0]];
    let joined = |inputs, steps| Query {
        steps,
        ..query("both", inputs, &C)
    };
    let of_narrow = of(&narrow);
    assert_eq!(
        one_error(&[&joined(&of_narrow, &keys)]),
        "K0609: the query `both` joins `A`, which has 4 partitions (by its `#[topic]`), and `B`, which has 2 partitions \
         (by its `#[topic]`): rows of one key would not meet; give both topics one number of partitions, or read one of them through \
         a query whose output has the other's"
    );
    assert_eq!(found(&[], &[&joined(&of_narrow, &foreign)]), []);
    // What says nothing may have as many.
    let of_silent = of(&D);
    assert_eq!(found(&[], &[&joined(&of_silent, &keys)]), []);
    // What a query makes has as many as what it is made of.
    let of_d = reads(&narrow);
    let text = one_error(&[&joined(&of_silent, &keys), &query("to_d", &of_d, &D)]);
    assert!(
        text.contains("`D`, which has 2 partitions (by the query `to_d`)"),
        "{text}"
    );
}

#[test]
fn subjects_that_ksqldb_does_not_look_for_are_an_error_where_a_query_is() {
    let by_record = Entity {
        subjects: SubjectStrategy::RecordName,
        ..A
    };
    let of_it = reads(&by_record);
    let b = query("b", &of_it, &B);
    for (queries, severity) in [(vec![], Severity::Warning), (vec![&b], Severity::Error)] {
        let found: Vec<_> = found(&[&by_record], &queries)
            .into_iter()
            .map(|(is, text)| (is, text.starts_with("K0505: ")))
            .collect();
        assert_eq!(found, [(severity, true)]);
    }
}

#[test]
fn a_query_starts_behind_those_whose_results_it_reads() {
    let (of_a, of_b, of_c) = (reads(&A), reads(&B), reads(&C));
    let to_b = query("to_b", &of_a, &B);
    let to_c = query("to_c", &of_b, &C);
    let to_d = query("to_d", &of_c, &D);
    let total = query("total", &of_a, &TABLE);
    assert_eq!(start_order(&[]), Ok(vec![]));
    // As they were added where nothing else decides.
    assert_eq!(start_order(&[&total, &to_b]), Ok(vec![0, 1]));
    assert_eq!(
        start_order(&[&to_d, &total, &to_c, &to_b]),
        Ok(vec![1, 3, 2, 0])
    );
    // Two copies of one constant are one entity.
    let copy = B;
    let of_copy = reads(&copy);
    let to_c = query("to_c", &of_copy, &C);
    assert_eq!(start_order(&[&to_c, &to_b]), Ok(vec![1, 0]));
}
