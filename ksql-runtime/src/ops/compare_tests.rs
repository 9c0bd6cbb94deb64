//! Tables of comparisons, by the kinds that compare with each other.
#![allow(clippy::indexing_slicing, reason = "a test may stop")]
use super::*;
use crate::codec::{Date, Dec, Time, Timestamp};
use crate::ops::List;

type Truth = Result<bool, Failed>;

/// `=`, `<>`, `<`, `<=`, `>`, `>=`, `IS DISTINCT FROM` in turn.
fn all<'a>(left: impl Operand<'a>, right: impl Operand<'a>) -> [Truth; 7] {
    [
        eq(left, right),
        ne(left, right),
        lt(left, right),
        le(left, right),
        gt(left, right),
        ge(left, right),
        distinct(left, right),
    ]
}

const LESS: [Truth; 7] = [
    Ok(false),
    Ok(true),
    Ok(true),
    Ok(true),
    Ok(false),
    Ok(false),
    Ok(true),
];
const EQUAL: [Truth; 7] = [
    Ok(true),
    Ok(false),
    Ok(false),
    Ok(true),
    Ok(false),
    Ok(true),
    Ok(false),
];

fn dec<const P: u32, const S: u32>(text: &str) -> Option<Dec<P, S>> {
    text.parse().ok()
}

#[test]
fn numbers_compare_by_value_across_types() {
    assert_eq!(all(1_i32, 2_i64), LESS);
    assert_eq!(all(1_i64, 1.0), EQUAL);
    assert_eq!(all(dec::<5, 1>("1.0"), dec::<5, 3>("1.000")), EQUAL);
    assert_eq!(all(dec::<5, 1>("-1.0"), 0), LESS);
    assert_eq!(
        all(
            dec::<38, 0>("99999999999999999999999999999999999999"),
            dec::<38, 38>("0.1")
        )
        .map(|truth| truth.map(|truth| !truth)),
        [
            Ok(true),
            Ok(false),
            Ok(true),
            Ok(true),
            Ok(false),
            Ok(false),
            Ok(false)
        ]
    );
    // A double counts as its shortest text says, not as its binary value.
    assert_eq!(all(dec::<5, 1>("0.1"), 0.1), EQUAL);
    assert_eq!(all(dec::<5, 1>("0.1"), 1e300), LESS);
    assert_eq!(all(-1e-300, dec::<5, 1>("0.0")), LESS);
    assert_eq!(all(dec::<5, 1>("0.0"), -0.0), EQUAL);
    assert_eq!(eq::<Truth, _, _>(dec::<5, 1>("0.1"), f64::NAN), Err(Failed));
    // 2^53 + 1 is no double: the integer is converted first.
    assert_eq!(
        all(9_007_199_254_740_993_i64, 9_007_199_254_740_992.0),
        EQUAL
    );
}

#[test]
fn nan_is_neither_equal_nor_unequal() {
    assert_eq!(all(f64::NAN, f64::NAN), [Ok(false); 7]);
    assert_eq!(all(f64::NAN, 1), [Ok(false); 7]);
    assert_eq!(all(-0.0, 0.0), EQUAL);
}

#[test]
fn with_a_null_all_are_false_but_distinct() {
    let null = None::<i32>;
    let mut one = [Ok(false); 7];
    one[6] = Ok(true);
    assert_eq!(all(null, 1), one);
    assert_eq!(all(1, null), one);
    assert_eq!(all(null, null), [Ok(false); 7]);
    assert_eq!(not_distinct::<Truth, _, _>(null, null), Ok(true));
    assert_eq!(
        crate::ops::logic::not::<Truth, _>(eq::<Truth, _, _>(null, null)),
        Ok(true)
    );
    assert_eq!(all(Any::Failed, 1), [Err(Failed); 7]);
}

#[test]
fn texts_compare_by_utf_16_and_bytes_signed() {
    assert_eq!(all("a", "b"), LESS);
    assert_eq!(all("\u{10000}", "\u{ffff}"), LESS);
    assert_eq!(all("", "\0"), LESS);
    assert_eq!(all(&[0x80_u8][..], &[0x00_u8][..]), LESS);
    let uuid = uuid::Uuid::from_u128(1);
    assert_eq!(all(uuid, "00000000-0000-0000-0000-000000000001"), EQUAL);
    assert_eq!(all(uuid, "1"), LESS);
}

#[test]
fn dates_and_times_compare_with_texts_that_name_them() {
    assert_eq!(all(Timestamp(10), "1970-01-01T00:00:00.010"), EQUAL);
    assert_eq!(all(Timestamp(-1), "1970"), LESS);
    assert_eq!(all("1970-01-01", Date(1)), LESS);
    assert_eq!(all(Date(10), Timestamp(864_000_000)), EQUAL);
    assert_eq!(all(Date(10), Timestamp(864_000_005)), LESS);
    assert_eq!(all(Time(10), "00:00:00.010"), EQUAL);
    assert_eq!(all(Time(10), "nine"), [Err(Failed); 7]);
}

#[test]
fn lists_are_equal_by_their_elements() {
    let (one, two) = ([Any::Integer(1), Any::Null], [Any::Integer(1), Any::Null]);
    assert_eq!(
        eq::<Truth, _, _>(List::new(&one), List::new(&two)),
        Ok(true)
    );
    assert_eq!(
        ne::<Truth, _, _>(List::new(&one), List::new(&two[..1])),
        Ok(true)
    );
}

#[test]
fn a_range_and_a_list_of_values() {
    assert_eq!(between::<Truth, _, _, _>(2, 1, 2), Ok(true));
    assert_eq!(between::<Truth, _, _, _>(3, 1, 2), Ok(false));
    assert_eq!(between::<Truth, _, _, _>(None::<i32>, 1, 2), Ok(false));
    let list = [Any::Null, Any::Integer(2)];
    assert_eq!(is_in::<Truth, _>(2_i64, &list), Ok(true));
    assert_eq!(is_in::<Truth, _>(3, &list), Ok(false));
    assert_eq!(is_in::<Truth, _>(None::<i32>, &list), Ok(false));
    // What is inside of a list is widened here, as it is not by `=`.
    let (narrow, wide) = ([Any::Integer(1), Any::Null], [Any::Bigint(1), Any::Null]);
    let lists = [Any::List(List::new(&narrow)), Any::List(List::new(&wide))];
    assert_eq!(is_in::<Truth, _>(lists[0], &[lists[1]]), Ok(true));
    assert_eq!(eq::<Truth, _, _>(lists[0], lists[1]), Ok(false));
}
