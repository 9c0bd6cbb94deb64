//! Texts are UTF-16 in ksqlDB: a character beyond U+FFFF is two units.

use super::*;

entity! {
    Line "lines" #[stream] {
        #[key]
        pub id: i64,
        pub s: String,
    }
}

entity! {
    Parts "parts" #[stream] {
        #[key]
        pub id: i64,
        pub len: i32,
        pub second: String,
        pub two: String,
        pub from_fourth: String,
        pub last: String,
        pub b: i32,
        pub b_backwards: i32,
        pub clef: i32,
        pub padded: Option<String>,
    }
}

#[query]
fn parts(lines: Stream<Line>) -> Stream<Parts> {
    lines.map(|l| Parts {
        id: l.id,
        len: l.s.len(),
        second: l.s.substring(2, 1),
        two: l.s.substring(2, 2),
        from_fourth: l.s.substring(4),
        last: l.s.substring(-1),
        b: l.s.instr("b"),
        b_backwards: l.s.instr("b", -1),
        clef: l.s.instr("\u{1d11e}"),
        padded: l.s.pad_start(6, "-"),
    })
}

/// 2.5 and 5: LEN, SUBSTRING, INSTR and padding count UTF-16 units. Half of a character cannot be written as UTF-8: Java writes `?`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lengths_and_places_count_units_of_utf_16() {
    let row = |id, s: &str| Line {
        id,
        s: s.to_owned(),
    };
    let rows = vec![
        row(1, "a\u{1d11e}b"),
        row(2, "a\u{e9}\u{20ac}b"),
        row(3, "\u{1d11e}\u{1d11e}"),
    ];
    let result = |id, len, texts: [&str; 4], places: [i32; 3], padded: &str| {
        let [second, two, from_fourth, last] = texts.map(str::to_owned);
        let [b, b_backwards, clef] = places;
        let padded = Some(padded.to_owned());
        Some(Parts {
            id,
            len,
            second,
            two,
            from_fourth,
            last,
            b,
            b_backwards,
            clef,
            padded,
        })
    };
    assert_eq!(
        made::<Line, Parts, _>(parts, rows).await,
        [
            result(
                1,
                4,
                ["?", "\u{1d11e}", "b", "b"],
                [4, 4, 2],
                "--a\u{1d11e}b"
            ),
            result(
                2,
                4,
                ["\u{e9}", "\u{e9}\u{20ac}", "b", "b"],
                [4, 4, 0],
                "--a\u{e9}\u{20ac}b"
            ),
            result(
                3,
                4,
                ["?", "??", "?", "?"],
                [0, 0, 1],
                "--\u{1d11e}\u{1d11e}"
            ),
        ]
    );
}

entity! {
    Ordered "ordered" #[stream] {
        #[key]
        pub id: i64,
        pub below_tilde: bool,
        pub above_tilde: bool,
        pub between: bool,
        pub greatest: String,
    }
}

/// A fullwidth tilde, U+FF5E, is above every half of a character (U+D800 to U+DFFF).
#[query]
fn ordered(lines: Stream<Line>) -> Stream<Ordered> {
    lines.map(|l| Ordered {
        id: l.id,
        below_tilde: l.s < "\u{ff5e}",
        above_tilde: l.s > "\u{ff5e}",
        between: l.s >= "\u{d7ff}" && l.s <= "\u{e000}",
        greatest: l.s.max("\u{ff5e}"),
    })
}

entity! {
    Extremes "extremes" #[table] {
        #[key]
        pub id: i64,
        pub least: String,
        pub most: String,
    }
}

#[query]
fn extremes(lines: Stream<Line>) -> Table<Extremes> {
    lines.group_by(|l| l.id).aggregate(|g| Extremes {
        id: g.key(),
        least: g.min(|l| l.s),
        most: g.max(|l| l.s),
    })
}

/// 2.5: the order is Java's `compareTo`, by units: U+1F600 (D83D DE00) is below U+FF5E, though its code point, and its UTF-8, is above.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_character_of_two_units_is_below_the_last_of_one_unit() {
    let row = |id, s: &str| Line {
        id,
        s: s.to_owned(),
    };
    let rows = vec![row(1, "\u{1f600}"), row(2, "\u{ff5f}"), row(3, "z")];
    let result = |id, below_tilde, between, greatest: &str| {
        let greatest = greatest.to_owned();
        Some(Ordered {
            id,
            below_tilde,
            above_tilde: !below_tilde,
            between,
            greatest,
        })
    };
    assert_eq!(
        made::<Line, Ordered, _>(ordered, rows).await,
        [
            result(1, true, true, "\u{ff5e}"),
            result(2, false, false, "\u{ff5f}"),
            result(3, true, false, "\u{ff5e}"),
        ]
    );
    let rows = ["\u{1f600}", "\u{ff5e}", "\u{e000}"]
        .map(|s| row(1, s))
        .to_vec();
    let last = made::<Line, Extremes, _>(extremes, rows).await.pop();
    let (least, most) = ("\u{1f600}".to_owned(), "\u{ff5e}".to_owned());
    assert_eq!(last, Some(Some(Extremes { id: 1, least, most })));
}

entity! {
    Liked "liked" #[stream] {
        #[key]
        pub id: i64,
        pub any: bool,
        pub begins: bool,
        pub ends: bool,
        pub one_between: bool,
        pub written: bool,
        pub percent: bool,
    }
}

#[query]
fn liked(lines: Stream<Line>) -> Stream<Liked> {
    lines.map(|l| Liked {
        id: l.id,
        any: l.s.like("%"),
        begins: l.s.like("a%"),
        ends: l.s.like("%c"),
        one_between: l.s.like("a_c"),
        written: l.s.like("a\nc%"),
        percent: l.s.like("a!%!_!!%", '!'),
    })
}

/// 2.5: `%` and `_` do not match across the end of a line, one that is written does. Only what `ESCAPE` names escapes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pattern_does_not_match_across_lines() {
    let row = |id, s: &str| Line {
        id,
        s: s.to_owned(),
    };
    let rows = vec![
        row(1, "abc"),
        row(2, "a\nc"),
        row(3, "a\rc"),
        row(4, "a\nc and more"),
        row(5, "a\tc"),
        row(6, "a%_!c"),
        row(7, "a\\c"),
        row(8, ""),
    ];
    let result = |id, [any, begins, ends, one_between, written, percent]: [bool; 6]| {
        Some(Liked {
            id,
            any,
            begins,
            ends,
            one_between,
            written,
            percent,
        })
    };
    let (t, f) = (true, false);
    assert_eq!(
        made::<Line, Liked, _>(liked, rows).await,
        [
            result(1, [t, t, t, t, f, f]),
            result(2, [f, f, f, f, t, f]),
            result(3, [f, f, f, f, f, f]),
            result(4, [f, f, f, f, t, f]),
            result(5, [t, t, t, t, f, f]),
            result(6, [t, t, t, f, f, t]),
            result(7, [t, t, t, t, f, f]),
            result(8, [t, f, f, f, f, f]),
        ]
    );
}
