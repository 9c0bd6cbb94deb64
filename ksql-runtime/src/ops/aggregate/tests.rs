//! Aggregates against naive models, undone, merged, written and read.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop"
)]

use proptest::prelude::*;

use super::*;
use crate::codec::Dec;
use crate::ops::{Any, Scalar};

/// The state of rows in turn.
fn over<A>(rows: &[Any<'_>]) -> A
where
    A: for<'a> Accumulator<Input<'a> = Any<'a>>,
{
    let mut state = A::empty();
    for (at, row) in rows.iter().enumerate() {
        state.update(*row, at as u64).unwrap();
    }
    state
}

/// The value as text, after the state went through its binary form.
fn value<A: Accumulator>(state: &A) -> String {
    let mut bytes = Vec::new();
    state.write(&mut bytes);
    let mut input = Reader::new(&bytes);
    let read = A::read(&mut input).unwrap();
    input.finish().unwrap();
    let scratch = Scratch::new();
    let show = |any: Any<'_>| match any {
        Any::List(list) => format!("{list:?}"),
        Any::Map(map) => format!("{map:?}"),
        any => format!("{any:?}"),
    };
    let text = show(read.get(&scratch).any());
    assert_eq!(text, show(state.get(&scratch).any()), "after reading");
    for cut in 0..bytes.len() {
        let _ = A::read(&mut Reader::new(&bytes[..cut]));
    }
    text
}

fn integers(values: &[Option<i32>]) -> Vec<Any<'static>> {
    values
        .iter()
        .map(|value| value.map_or(Any::Null, Any::Integer))
        .collect()
}

fn texts<'a>(values: &[Option<&'a str>]) -> Vec<Any<'a>> {
    values
        .iter()
        .map(|value| value.map_or(Any::Null, Any::String))
        .collect()
}

#[test]
fn of_nothing_each_aggregate_has_its_own_value() {
    let rows = [Any::Null, Any::Null];
    assert_eq!(value(&over::<CountOf>(&rows)), "Bigint(0)");
    assert_eq!(value(&over::<Sum<i32>>(&rows)), "Integer(0)");
    assert_eq!(value(&over::<Sum<Dec<5, 2>>>(&rows)), "Decimal(0, 2)");
    assert_eq!(value(&over::<Avg<i64>>(&rows)), "Double(0.0)");
    assert_eq!(value(&over::<Max<i32>>(&rows)), "Null");
    assert_eq!(value(&over::<Latest<i32>>(&rows)), "Null");
    assert_eq!(value(&over::<LatestN<i32, 2>>(&rows)), "[]");
    assert_eq!(value(&over::<TopK<i32, 2>>(&rows)), "[]");
    assert_eq!(value(&over::<CollectList<i32, 9>>(&rows)), "[Null, Null]");
    assert_eq!(value(&over::<CollectSet<i32, 9>>(&rows)), "[Null]");
    assert_eq!(value(&over::<StddevSample<f64>>(&rows)), "Double(0.0)");
    assert_eq!(value(&Correlation::empty()), "Double(NaN)");
    assert_eq!(value(&over::<Histogram>(&rows)), "{}");
}

#[test]
fn integer_sums_wrap_in_their_type_and_averages_with_them() {
    let rows = [Any::Integer(i32::MAX), Any::Integer(1)];
    assert_eq!(value(&over::<Sum<i32>>(&rows)), "Integer(-2147483648)");
    assert_eq!(value(&over::<Avg<i32>>(&rows)), "Double(-1073741824.0)");
    assert_eq!(value(&over::<Sum<i64>>(&rows)), "Bigint(2147483648)");
}

#[test]
fn a_decimal_sum_that_overflows_is_an_error_and_the_state_stays() {
    let mut sum = over::<Sum<Dec<4, 2>>>(&[Any::Decimal(9999, 2)]);
    assert_eq!(
        sum.update(Any::Decimal(1, 2), 1),
        Err(Overflow {
            precision: 4,
            scale: 2,
            wider: 14
        })
    );
    assert_eq!(value(&sum), "Decimal(9999, 2)");
    assert_eq!(sum.update(Any::Decimal(-1, 2), 1), Ok(()));
    assert_eq!(value(&sum), "Decimal(9998, 2)");
}

#[test]
fn the_last_and_the_first_go_by_processing_and_nulls_by_the_flag() {
    let rows = integers(&[None, Some(1), Some(2), None]);
    assert_eq!(value(&over::<Latest<i32>>(&rows)), "Integer(2)");
    assert_eq!(value(&over::<Latest<i32, true>>(&rows)), "Null");
    assert_eq!(value(&over::<Earliest<i32>>(&rows)), "Integer(1)");
    assert_eq!(value(&over::<Earliest<i32, true>>(&rows)), "Null");
    assert_eq!(
        value(&over::<LatestN<i32, 2>>(&rows)),
        "[Integer(1), Integer(2)]"
    );
    assert_eq!(
        value(&over::<LatestN<i32, 2, true>>(&rows)),
        "[Integer(2), Null]"
    );
    assert_eq!(
        value(&over::<EarliestN<i32, 2>>(&rows)),
        "[Integer(1), Integer(2)]"
    );
    assert_eq!(
        value(&over::<EarliestN<i32, 2, true>>(&rows)),
        "[Null, Integer(1)]"
    );
}

#[test]
fn sessions_that_meet_keep_what_was_processed_last_and_first() {
    let part = |at: u64, input| {
        (
            Latest::<i32, false, true>::first(input, at).unwrap(),
            EarliestN::<i32, 2, false, true>::first(input, at).unwrap(),
        )
    };
    let (mut latest, mut earliest) = part(7, Any::Integer(70));
    for (at, input) in [(3, Any::Integer(30)), (9, Any::Null), (5, Any::Integer(50))] {
        let (one, other) = part(at, input);
        latest.merge(one).unwrap();
        earliest.merge(other).unwrap();
    }
    assert_eq!(value(&latest), "Integer(70)");
    assert_eq!(value(&earliest), "[Integer(30), Integer(50)]");
}

#[test]
fn extremes_follow_javas_order() {
    let doubles = [
        Any::Double(1.0),
        Any::Double(f64::NAN),
        Any::Double(-0.0),
        Any::Double(0.0),
    ];
    assert_eq!(value(&over::<Max<f64>>(&doubles)), "Double(NaN)");
    assert_eq!(value(&over::<Min<f64>>(&doubles)), "Double(-0.0)");
    let rows = texts(&[Some("\u{ffff}"), None, Some("\u{10000}"), Some("a")]);
    assert_eq!(value(&over::<Max<String>>(&rows)), "String(\"\\u{ffff}\")");
    let bytes = [Any::Bytes(&[0x7f]), Any::Bytes(&[0x80])];
    assert_eq!(
        value(&over::<Min<Vec<u8>>>(&bytes)),
        "Bytes([128])",
        "bytes are signed"
    );
}

#[test]
fn the_largest_stand_first_and_distinct_ones_once() {
    let rows = integers(&[Some(3), Some(9), None, Some(9), Some(1), Some(5)]);
    assert_eq!(
        value(&over::<TopK<i32, 3>>(&rows)),
        "[Integer(9), Integer(9), Integer(5)]"
    );
    assert_eq!(
        value(&over::<TopKDistinct<i32, 3>>(&rows)),
        "[Integer(9), Integer(5), Integer(3)]"
    );
    let mut joined = over::<TopKDistinct<i32, 2>>(&rows[..2]);
    joined.merge(over(&rows[3..])).unwrap();
    assert_eq!(value(&joined), "[Integer(9), Integer(5)]");
}

#[test]
fn collections_stop_at_their_limit_and_undo_the_last_equal_one() {
    let rows = texts(&[Some("a"), None, Some("b"), Some("a")]);
    assert_eq!(
        value(&over::<CollectList<String, 3>>(&rows)),
        r#"[String("a"), Null, String("b")]"#
    );
    assert_eq!(
        value(&over::<CollectSet<String, 9>>(&rows)),
        r#"[String("a"), Null, String("b")]"#
    );
    let mut list = over::<CollectList<String, 9>>(&rows);
    list.undo(Any::String("a")).unwrap();
    list.undo(Any::Null).unwrap();
    list.undo(Any::String("z")).unwrap();
    assert_eq!(value(&list), r#"[String("a"), String("b")]"#);
}

#[test]
fn a_histogram_forgets_what_is_undone_and_takes_no_new_text_beyond_its_limit() {
    let mut histogram = over::<Histogram>(&texts(&[Some("a"), Some("b"), None, Some("a")]));
    assert_eq!(value(&histogram), r#"{"a": Bigint(2), "b": Bigint(1)}"#);
    histogram.undo(Any::String("b")).unwrap();
    assert_eq!(value(&histogram), r#"{"a": Bigint(2)}"#);
    for number in 0..1000 {
        let text = number.to_string();
        histogram.update(Any::String(&text), 0).unwrap();
    }
    histogram.update(Any::String("a"), 0).unwrap();
    assert_eq!(histogram.get(&Scratch::new()).len(), 1000);
    let scratch = Scratch::new();
    assert!(matches!(
        histogram.get(&scratch).get("a", &scratch),
        Some(Any::Bigint(3))
    ));
}

#[test]
fn attr_is_the_only_value_or_null() {
    let mut attr = over::<Attr<i32>>(&integers(&[Some(1), Some(1)]));
    assert_eq!(value(&attr), "Integer(1)");
    attr.update(Any::Integer(2), 2).unwrap();
    assert_eq!(value(&attr), "Null");
    attr.undo(Any::Integer(1)).unwrap();
    attr.undo(Any::Integer(1)).unwrap();
    assert_eq!(value(&attr), "Integer(2)");
}

#[test]
fn a_list_is_summed_without_its_nulls() {
    let one = integers(&[Some(1), None, Some(2)]);
    let rows = [Any::List(crate::ops::List::new(&one)), Any::Null];
    assert_eq!(value(&over::<SumList<i32>>(&rows)), "Integer(3)");
}

#[test]
fn what_is_no_type_is_never_there() {
    assert_eq!(value(&over::<Sum<Nothing>>(&[Any::String("x")])), "Null");
    assert_eq!(value(&over::<Max<Nothing>>(&[Any::String("x")])), "Null");
}

fn double<A: Accumulator>(state: &A) -> f64 {
    let scratch = Scratch::new();
    state.get(&scratch).any().double().unwrap()
}

proptest! {
    #[test]
    fn sums_counts_and_averages_are_those_of_a_loop(values: Vec<Option<i32>>) {
        let rows = integers(&values);
        let there: Vec<i32> = values.iter().copied().flatten().collect();
        let sum = there.iter().fold(0_i32, |sum, value| sum.wrapping_add(*value));
        let average = if there.is_empty() { 0.0 } else { f64::from(sum) / there.len() as f64 };
        prop_assert_eq!(value(&over::<Sum<i32>>(&rows)), format!("Integer({sum})"));
        prop_assert_eq!(value(&over::<CountOf>(&rows)), format!("Bigint({})", there.len()));
        prop_assert_eq!(double(&over::<Avg<i32>>(&rows)), average);
        let extreme = |value: Option<&i32>| value.map_or("Null".to_owned(), |value| format!("Integer({value})"));
        prop_assert_eq!(value(&over::<Max<i32>>(&rows)), extreme(there.iter().max()));
        prop_assert_eq!(value(&over::<Min<i32>>(&rows)), extreme(there.iter().min()));
    }

    #[test]
    fn what_is_undone_was_never_there(kept: Vec<Option<i16>>, gone: Vec<Option<i16>>) {
        let any = |values: &[Option<i16>]| integers(&values.iter().map(|value| value.map(i32::from)).collect::<Vec<_>>());
        let (kept, gone) = (any(&kept), any(&gone));
        macro_rules! check {
            ($($ty:ty)*) => {$(
                let mut state: $ty = over(&[kept.clone(), gone.clone()].concat());
                for row in gone.iter().rev() {
                    state.undo(*row).unwrap();
                }
                prop_assert_eq!(value(&state), value(&over::<$ty>(&kept)));
            )*};
        }
        check!(Sum<i32> Sum<Dec<9, 2>> CountOf Avg<i64> Attr<i32> CollectList<i32, 1000>);
        let mut state: StddevSample<i64> = over(&[kept.clone(), gone.clone()].concat());
        for row in gone.iter().rev() {
            state.undo(*row).unwrap();
        }
        let (undone, never) = (double(&state), double(&over::<StddevSample<i64>>(&kept)));
        // A difference of squares can end a little below zero.
        prop_assert!(undone.is_nan() || (undone - never).abs() < 1.0, "{undone} {never}");
    }

    #[test]
    fn a_merge_is_as_if_the_rows_had_been_one_session(left: Vec<Option<i16>>, right: Vec<Option<i16>>) {
        let any = |values: &[Option<i16>]| integers(&values.iter().map(|value| value.map(i32::from)).collect::<Vec<_>>());
        let (left, right) = (any(&left), any(&right));
        macro_rules! check {
            ($($ty:ty)*) => {$(
                let mut state: $ty = over(&left);
                state.merge(over(&right)).unwrap();
                prop_assert_eq!(value(&state), value(&over::<$ty>(&[left.clone(), right.clone()].concat())));
            )*};
        }
        check!(Sum<i32> CountOf Avg<i64> Max<i32> Min<i32> TopK<i32, 3> TopKDistinct<i32, 3> CollectList<i32, 5> CollectSet<i32, 5> Attr<i32>);
    }

    #[test]
    fn deviation_and_correlation_are_those_of_the_formulas(pairs in proptest::collection::vec((-100.0_f64..100.0, -100.0_f64..100.0), 2..30)) {
        let count = pairs.len() as f64;
        let mean = |values: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(values).sum::<f64>() / count;
        let (x, y) = (mean(&|pair| pair.0), mean(&|pair| pair.1));
        let variance = pairs.iter().map(|pair| (pair.0 - x).powi(2)).sum::<f64>() / (count - 1.0);
        let rows: Vec<Any<'_>> = pairs.iter().map(|pair| Any::Double(pair.0)).collect();
        prop_assert!((double(&over::<StddevSamp<f64>>(&rows)) - variance).abs() < 1e-6);
        prop_assert!((double(&over::<StddevSample<f64>>(&rows)) - variance.sqrt()).abs() < 1e-6);
        let mut correlation = Correlation::empty();
        for (x, y) in &pairs {
            correlation.update((Any::Double(*x), Any::Double(*y)), 0).unwrap();
        }
        let covariance = mean(&|pair| (pair.0 - x) * (pair.1 - y));
        let spread = mean(&|pair| (pair.0 - x).powi(2)).sqrt() * mean(&|pair| (pair.1 - y).powi(2)).sqrt();
        prop_assert!((double(&correlation) - covariance / spread).abs() < 1e-6);
    }
}

#[test]
fn what_an_accumulator_holds_is_counted_with_every_change() {
    const LONG: usize = 1000;
    let texts: Vec<String> = (0..9).map(|n| format!("{n}").repeat(LONG)).collect();
    let rows: Vec<Any<'_>> = texts.iter().map(|text| Any::String(text)).collect();
    macro_rules! check {
        ($($ty:ty: $kept:literal;)*) => {$(
            let name = stringify!($ty);
            let mut state = <$ty>::empty();
            assert_eq!(state.owned(), 0, "{name}");
            for (at, row) in rows.iter().enumerate() {
                state.update(*row, at as u64).unwrap();
            }
            let held = state.owned();
            assert!(held >= $kept * LONG, "{name} holds {held}");
            assert!(held < $kept * LONG + 2000, "{name} holds {held}");
            // As it is loaded again.
            let mut bytes = Vec::new();
            state.write(&mut bytes);
            let read = <$ty>::read(&mut Reader::new(&bytes)).unwrap();
            assert!(read.owned() >= $kept * LONG && read.owned() <= held, "{name}");
            let mut joined = <$ty>::empty();
            joined.merge(state).unwrap();
            assert!(joined.owned() >= $kept * LONG, "{name}");
        )*};
    }
    check! {
        Latest<String>: 1;
        EarliestN<String, 3>: 3;
        LatestN<String, 3>: 3;
        Max<String>: 1;
        TopK<String, 4>: 4;
        CollectList<String, 100>: 9;
        CollectSet<String, 100>: 9;
        Attr<String>: 9;
        Histogram: 9;
    }
    let mut list = over::<CollectList<String, 100>>(&rows);
    let held = list.owned();
    rows.iter().rev().for_each(|row| list.undo(*row).unwrap());
    assert_eq!(list.owned(), held - 9 * LONG, "only the room is left");
}

#[test]
fn the_largest_bring_what_stands_beside_them_and_earlier_ones_come_first() {
    use ksql_schema::query::{Node, Sql, Why, aggregates};

    #[derive(Debug, Clone)]
    struct Row;

    impl Nest for Row {
        const SQL: Sql = {
            const FIELDS: &[aggregates::Field<'static>] = &[
                aggregates::ranked_field(&Node::new(Sql::Integer, Why::Never), 0),
                aggregates::ranked_field(&Node::new(Sql::String, Why::Never), 1),
            ];
            Sql::Struct(&aggregates::Struct {
                name: "",
                fields: FIELDS,
            })
        };
    }

    type Top = TopKWith<i32, Row, 3>;
    let texts = ["a", "b", "c", "d", "e"];
    let values = [Some(1), None, Some(7), Some(1), Some(7)];
    let fields: Vec<[(&str, Any<'_>); 2]> = values
        .iter()
        .zip(texts)
        .map(|(value, text)| {
            let value = value.map_or(Any::Null, Any::Integer);
            [("sort_col", value), ("col0", Any::String(text))]
        })
        .collect();
    let rows: Vec<Any<'_>> = fields.iter().map(|row| Any::Struct(row)).collect();
    let expected = r#"[Struct([("sort_col", Integer(7)), ("col0", String("c"))]), Struct([("sort_col", Integer(7)), ("col0", String("e"))]), Struct([("sort_col", Integer(1)), ("col0", String("a"))])]"#;
    assert_eq!(value(&over::<Top>(&rows)), expected);
    let mut joined = over::<Top>(&rows[..3]);
    joined.merge(over(&rows[3..])).unwrap();
    assert_eq!(value(&joined), expected);
}

#[test]
fn the_binary_form_is_fixed() {
    let bytes = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = Vec::new();
        write(&mut bytes);
        bytes
    };
    let sum = over::<Sum<Dec<18, 4>>>(&[Any::Decimal(-1, 4)]);
    assert_eq!(bytes(&|out| sum.write(out)), [2, 0xff]);
    let max = over::<Max<i32>>(&[Any::Integer(-3)]);
    assert_eq!(bytes(&|out| max.write(out)), [2, 5]);
    let latest = Latest::<String, false, true>::first(Any::String("x"), 300).unwrap();
    assert_eq!(bytes(&|out| latest.write(out)), [2, 0xd8, 4, 2, 2, b'x']);
    assert_eq!(<Dec<5, 2> as Scalar<'_>>::absent().unscaled(), 0);
}
