//! Every scalar function under the name of its row in `ksql-schema`'s table: what generated code calls.
//!
//! Most are ksqlDB's own. What KSQL writes with several functions by a template is put together of these here, in the same order,
//! so that a `NULL` or a failure takes the same way through it.

pub use super::code::{
    bigint_from_bytes, chr, double_from_bytes, elt, encode, field, int_from_bytes, md5,
};
pub use super::collections::{
    array_concat, array_distinct, array_except, array_intersect, array_join, array_max, array_min,
    array_remove, array_sort, array_union, as_map, entries, generate_series, map_keys, map_union,
    map_values, slice,
};
pub use super::conditional::{as_value, coalesce, coalesce as if_null, nullif as null_if};
pub use super::json::{extractjsonfield as extract_json_field, is_json_string, to_json_string};
pub use super::math::{
    abs, acos, asin, atan, atan2, cbrt, ceil, cos, cosh, cot, degrees, exp, floor, greatest, least,
    ln, log, power, radians, round, round as round_to, sign, sin, sinh, sqrt, tan, tanh, trunc,
    trunc as trunc_to,
};
pub use super::pattern::regexp_extract;
pub use super::temporal::{
    add as date_add, add as time_add, add as timestamp_add, convert_tz, format,
    format as format_date, format as format_time, format as format_timestamp, from_days,
    from_unixtime, parse_date, parse_time, parse_timestamp, sub as date_sub, sub as time_sub,
    sub as timestamp_sub, unix_date, unix_timestamp,
};
pub use super::text::{
    concat, concat_ws, from_bytes, initcap as init_cap, instr, lcase, lpad as l_pad, mask, replace,
    rpad as r_pad, split, substring, to_bytes, trim, ucase,
};
use super::{Any, Scratch, Shape, cast, collections, text};

/// `LEN(x)`, or `ARRAY_LENGTH(x)` of an array.
pub fn len<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    match arguments {
        [Any::List(_)] => collections::array_length(scratch, arguments),
        _ => text::len(scratch, arguments),
    }
}

/// `LEN(x) = 0`: of `NULL` false.
pub fn is_empty<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    match (len(scratch, arguments), arguments) {
        (None, [Any::Null]) => Some(Any::Boolean(false)),
        (length, _) => Some(Any::Boolean(matches!(length?, Any::Integer(0)))),
    }
}

/// `INSTR(s, part) = 1`.
pub fn starts_with<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    instr(scratch, arguments).map(|at| Any::Boolean(matches!(at, Any::Integer(1))))
}

/// `SUBSTRING(s, LEN(s) - LEN(end) + 1) = end`: the difference of a `NULL` fails, and so does the whole.
pub fn ends_with<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let [whole, end] = arguments else {
        return None;
    };
    Some(match (whole.text(scratch), end.text(scratch)) {
        (Some(whole), Some(end)) => Any::Boolean(whole.ends_with(end)),
        _ => Any::Failed,
    })
}

/// `ARRAY_CONTAINS(a, x)`, or `INSTR(s, part) > 0` of texts.
pub fn contains<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    match arguments {
        [Any::List(_), _] => collections::array_contains(scratch, arguments),
        [Any::Null, _] => Some(Any::Boolean(false)),
        _ => instr(scratch, arguments).map(|at| Any::Boolean(!matches!(at, Any::Integer(0)))),
    }
}

macro_rules! parts {
    ($($(#[$doc:meta])* $name:ident: $pattern:literal, $of_date:literal;)*) => {$(
        $(#[$doc])*
        pub fn $name<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
            let [value] = arguments else {
                return None;
            };
            let value = if $of_date { cast::to(scratch, *value, Shape::Timestamp) } else { *value };
            let text = super::call::<Any<'a>>(scratch, format, &[value, Any::String($pattern)]);
            Some(cast::to(scratch, text, Shape::Integer))
        }
    )*};
}

parts! {
    /// The year of a date or a time.
    year: "yyyy", true;
    /// The month, from 1.
    month: "MM", true;
    /// The day of the month, from 1.
    day: "dd", true;
    /// The hour.
    hour: "HH", false;
    /// The minute.
    minute: "mm", false;
    /// The second.
    second: "ss", false;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_together_means_what_its_template_says() {
        let scratch = Scratch::new();
        let text = Any::String;
        for (function, arguments, expected) in [
            (
                len as super::super::Function,
                vec![text("a\u{1f600}")],
                "Some(Integer(3))",
            ),
            (
                len,
                vec![Any::List(crate::ops::List::new(&[Any::Null]))],
                "Some(Integer(1))",
            ),
            (is_empty, vec![text("")], "Some(Boolean(true))"),
            (is_empty, vec![Any::Null], "Some(Boolean(false))"),
            (
                starts_with,
                vec![text("abc"), text("ab")],
                "Some(Boolean(true))",
            ),
            (
                starts_with,
                vec![text("abc"), text("b")],
                "Some(Boolean(false))",
            ),
            (
                starts_with,
                vec![Any::Null, text("b")],
                "Some(Boolean(false))",
            ),
            (
                ends_with,
                vec![text("abc"), text("bc")],
                "Some(Boolean(true))",
            ),
            (
                ends_with,
                vec![text("bc"), text("abc")],
                "Some(Boolean(false))",
            ),
            (ends_with, vec![Any::Null, text("bc")], "Some(Failed)"),
            (
                contains,
                vec![text("abc"), text("b")],
                "Some(Boolean(true))",
            ),
            (
                contains,
                vec![text("abc"), text("x")],
                "Some(Boolean(false))",
            ),
            (contains, vec![Any::Null, text("x")], "Some(Boolean(false))"),
            (year, vec![Any::Date(0)], "Some(Integer(1970))"),
            (month, vec![Any::Timestamp(0)], "Some(Integer(1))"),
            (day, vec![Any::Date(30)], "Some(Integer(31))"),
            (hour, vec![Any::Time(3_600_000)], "Some(Integer(1))"),
            (minute, vec![Any::Timestamp(61_000)], "Some(Integer(1))"),
            (second, vec![Any::Timestamp(61_000)], "Some(Integer(1))"),
            (year, vec![Any::Null], "Some(Null)"),
        ] {
            assert_eq!(
                format!("{:?}", function(&scratch, &arguments)),
                expected,
                "{arguments:?}"
            );
        }
    }
}
