//! Tables of functions of texts.

use super::*;
use crate::ops::{Failed, Function, call};

fn run(function: Function, arguments: &[Any<'_>]) -> String {
    let scratch = Scratch::new();
    match call::<Result<Any<'_>, Failed>>(&scratch, function, arguments) {
        Err(Failed) => "failed".into(),
        Ok(Any::Null) => "null".into(),
        Ok(Any::String(text)) => format!("`{text}`"),
        Ok(Any::List(list)) => format!("{list:?}"),
        Ok(any) => format!("{any:?}"),
    }
}

fn s(text: &str) -> Any<'_> {
    Any::String(text)
}

const fn i(value: i32) -> Any<'static> {
    Any::Integer(value)
}

#[test]
fn lengths_are_utf_16_units_and_bytes() {
    assert_eq!(run(len, &[s("a\u{e9}\u{1f600}")]), "Integer(4)");
    assert_eq!(run(len, &[Any::Bytes(&[1, 2])]), "Integer(2)");
    assert_eq!(run(len, &[Any::Null]), "null");
    assert_eq!(run(len, &[Any::Failed]), "failed");
}

#[test]
fn a_substring_is_clamped() {
    for (from, length, part) in [
        (1, None, "hello"),
        (0, None, "hello"),
        (3, None, "llo"),
        (-2, None, "lo"),
        (-9, None, "hello"),
        (6, None, ""),
        (9, None, ""),
        (2, Some(3), "ell"),
        (2, Some(99), "ello"),
        (2, Some(0), ""),
        (2, Some(-1), ""),
        (1, Some(i32::MAX), "hello"),
        (i32::MIN, Some(2), "he"),
        (i32::MAX, Some(2), ""),
        // Java's sum of start and length wraps here.
        (2, Some(i32::MAX), ""),
    ] {
        for (text, part) in [
            ("hello", part.to_owned()),
            ("h\u{e9}llo", part.replace('e', "\u{e9}")),
        ] {
            let mut arguments = vec![s(text), i(from)];
            arguments.extend(length.map(i));
            assert_eq!(
                run(substring, &arguments),
                format!("`{part}`"),
                "{text} {from} {length:?}"
            );
        }
    }
    assert_eq!(
        run(substring, &[s("a\u{1f600}b"), i(2), i(1)]),
        "`?`",
        "half a character"
    );
    assert_eq!(
        run(substring, &[s("a\u{1f600}b"), i(2), i(2)]),
        "`\u{1f600}`"
    );
    assert_eq!(
        run(substring, &[Any::Bytes(&[1, 2, 3]), i(-2)]),
        "Bytes([2, 3])"
    );
    assert_eq!(run(substring, &[s("x"), Any::Null]), "null");
}

#[test]
fn a_place_counts_from_one_and_nothing_is_zero() {
    let text = "corporate floor";
    for (arguments, place) in [
        (&[s(text), s("or")][..], 2),
        (&[s(text), s("or"), i(4)], 5),
        (&[s(text), s("or"), i(4), i(2)], 14),
        (&[s(text), s("or"), i(-4)], 5),
        (&[s(text), s("or"), i(-4), i(2)], 2),
        (&[s(text), s("or"), i(-1)], 14),
        (&[s(text), s("floor"), i(-1)], 11),
        (&[s(text), s("x"), i(3)], 0),
        (&[s(text), s("or"), i(16)], 0),
        (&[s(text), s("or"), i(0)], 0),
        (&[s(text), s("or"), i(1), i(0)], 0),
        (&[s("aaa"), s("aa"), i(1), i(2)], 2),
        (&[s("\u{1f600}x"), s("x")], 3),
        (&[Any::Null, s("x")], 0),
        (&[s("x"), Any::Null], 0),
    ] {
        assert_eq!(
            run(instr, arguments),
            format!("Integer({place})"),
            "{arguments:?}"
        );
    }
}

#[test]
fn padding_cuts_what_is_longer() {
    assert_eq!(run(lpad, &[s("foo"), i(7), s("Bar")]), "`BarBfoo`");
    assert_eq!(run(rpad, &[s("foo"), i(7), s("Bar")]), "`fooBarB`");
    assert_eq!(run(lpad, &[s("foo"), i(2), s("Bar")]), "`fo`");
    assert_eq!(run(rpad, &[s("foo"), i(0), s("Bar")]), "``");
    assert_eq!(run(lpad, &[s("foo"), i(-1), s("Bar")]), "null");
    assert_eq!(run(lpad, &[s("foo"), i(9), s("")]), "null");
    assert_eq!(run(lpad, &[s("foo"), i(i32::MAX), s("x")]), "failed");
    assert_eq!(
        run(rpad, &[Any::Bytes(&[1]), i(3), Any::Bytes(&[7])]),
        "Bytes([1, 7, 7])"
    );
}

#[test]
fn case_is_javas() {
    assert_eq!(run(ucase, &[s("stra\u{df}e")]), "`STRASSE`");
    assert_eq!(run(lcase, &[s("\u{130}\u{3a3}")]), "`i\u{307}\u{3c2}`");
    assert_eq!(
        run(initcap, &[s("the   Quick br0wn fOx")]),
        "`The   Quick Br0wn Fox`"
    );
    assert_eq!(run(initcap, &[s("some_string")]), "`Some_string`");
    assert_eq!(run(trim, &[s(" \t x \n")]), "`x`");
}

#[test]
fn joining_passes_over_nulls() {
    assert_eq!(run(concat, &[s("a"), Any::Null, s("b")]), "`ab`");
    assert_eq!(run(concat, &[Any::Null, Any::Null]), "``");
    assert_eq!(
        run(concat, &[Any::Bytes(&[1]), Any::Null, Any::Bytes(&[2])]),
        "Bytes([1, 2])"
    );
    assert_eq!(
        run(concat_ws, &[s(", "), s("a"), Any::Null, s("b")]),
        "`a, b`"
    );
    assert_eq!(run(concat_ws, &[s(", "), Any::Null]), "``");
    assert_eq!(run(concat_ws, &[Any::Null, s("a")]), "null");
}

#[test]
fn splitting_and_replacing_take_texts_literally() {
    assert_eq!(run(replace, &[s("anaconda"), s("a"), s("o")]), "`onocondo`");
    assert_eq!(run(replace, &[s("a.b"), s("."), s("$1")]), "`a$1b`");
    assert_eq!(run(replace, &[s("x"), s("x"), Any::Null]), "null");
    assert_eq!(
        run(split, &[s("a.b..c"), s(".")]),
        r#"[String("a"), String("b"), String(""), String("c")]"#
    );
    assert_eq!(
        run(split, &[s("ab"), s("")]),
        r#"[String("a"), String("b")]"#
    );
}

#[test]
fn masks_and_encodings() {
    assert_eq!(run(mask, &[s("My Test $123")]), "`Xx-Xxxx--nnn`");
    assert_eq!(
        run(mask, &[s("aB1!"), Any::Null, s("q"), Any::Null, s("?")]),
        "`qB1?`"
    );
    // Java's kinds of characters, and a mask of more than one.
    assert_eq!(
        run(mask, &[s("\u{c9}\u{e9}\u{661}\u{bd}\u{2160}\u{aa}")]),
        "`Xxn---`"
    );
    assert_eq!(run(mask, &[s("a\u{1f600}")]), "`x--`");
    let masks = |other| [s("a\u{1f600}"), s("X"), s("x"), s("n"), other];
    assert_eq!(run(mask, &masks(Any::Null)), "`x\u{1f600}?`");
    assert_eq!(run(mask, &masks(s("--"))), "failed");
    assert_eq!(run(mask, &masks(s(""))), "failed");
    assert_eq!(run(to_bytes, &[s("0x48"), s("hex")]), "Bytes([72])");
    assert_eq!(run(to_bytes, &[s("X'4869'"), s("hex")]), "Bytes([72, 105])");
    assert_eq!(run(to_bytes, &[s("zz"), s("hex")]), "failed");
    assert_eq!(run(to_bytes, &[s("\u{e9}"), s("ascii")]), "Bytes([63])");
    assert_eq!(run(from_bytes, &[Any::Bytes(b"hi"), s("base64")]), "`aGk=`");
    assert_eq!(run(from_bytes, &[Any::Bytes(&[0xab]), s("hex")]), "`AB`");
    assert_eq!(run(from_bytes, &[Any::Bytes(b"hi"), s("utf8")]), "`hi`");
}
