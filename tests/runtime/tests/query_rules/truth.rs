//! Conditions where something is NULL: there is no three-valued logic, and no Rust either.

use super::*;

entity! {
    Answer "answers" #[stream] {
        #[key]
        pub id: i64,
        pub p: Option<bool>,
        pub q: Option<bool>,
    }
}

entity! {
    Logic "logic" #[stream] {
        #[key]
        pub id: i64,
        pub and: Option<bool>,
        pub or: Option<bool>,
        pub not: Option<bool>,
    }
}

#[query]
fn logic(answers: Stream<Answer>) -> Stream<Logic> {
    answers.map(|a| Logic {
        id: a.id,
        and: a.p && a.q,
        or: a.p || a.q,
        not: !a.p,
    })
}

/// Every pair of what a BOOLEAN can be.
fn answers() -> Vec<Answer> {
    let values = [Some(true), Some(false), None];
    let pairs = values.into_iter().flat_map(|p| values.map(|q| (p, q)));
    (1..)
        .zip(pairs)
        .map(|(id, (p, q))| Answer { id, p, q })
        .collect()
}

/// 2.1: AND, OR and NOT are Java's, from left to right: a NULL that is looked at makes the whole NULL, even beside a FALSE to its
/// right, and one that is not looked at does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_null_that_is_looked_at_makes_a_condition_null() {
    let (t, f, n) = (Some(true), Some(false), None);
    let expected = [
        // TRUE with TRUE, FALSE, NULL
        (t, t, f),
        (f, t, f),
        (n, t, f),
        // FALSE
        (f, t, t),
        (f, f, t),
        (f, n, t),
        // NULL
        (n, n, n),
        (n, n, n),
        (n, n, n),
    ];
    let expected: Vec<_> = (1..)
        .zip(expected)
        .map(|(id, (and, or, not))| Some(Logic { id, and, or, not }))
        .collect();
    assert_eq!(made::<Answer, Logic, _>(logic, answers()).await, expected);
}

entity! {
    Kept "kept" #[stream] {
        #[key]
        pub id: i64,
        pub p: Option<bool>,
    }
}

#[query]
fn kept_and(answers: Stream<Answer>) -> Stream<Kept> {
    answers
        .filter(|a| !(a.p && a.q))
        .map(|a| Kept { id: a.id, p: a.p })
}

#[query]
fn kept_or(answers: Stream<Answer>) -> Stream<Kept> {
    answers
        .filter(|a| a.p || a.q)
        .map(|a| Kept { id: a.id, p: a.p })
}

#[query]
fn kept_filters(answers: Stream<Answer>) -> Stream<Kept> {
    answers
        .filter(|a| a.p.is_some())
        .filter(|a| a.p)
        .map(|a| Kept { id: a.id, p: a.p })
}

async fn kept<In: Writable, By>(query: impl IntoQuery<By>, rows: Vec<In>) -> Vec<i64> {
    let kept = made::<In, Kept, _>(query, rows).await;
    kept.into_iter().map(|row| row.expect("a row").id).collect()
}

/// 2.1: a row whose condition is NULL is left out; so NOT keeps only those of a condition that is FALSE.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_condition_that_is_null_leaves_its_row_out() {
    // FALSE: TRUE AND FALSE (2), FALSE AND anything (4, 5, 6).
    assert_eq!(kept(kept_and, answers()).await, [2, 4, 5, 6]);
    // TRUE: TRUE OR anything (1, 2, 3), FALSE OR TRUE (4); not NULL OR TRUE (7).
    assert_eq!(kept(kept_or, answers()).await, [1, 2, 3, 4]);
    // The first keeps the NULLs from the second.
    assert_eq!(kept(kept_filters, answers()).await, [1, 2, 3]);
}

entity! {
    Measure "measures" #[stream] {
        #[key]
        pub id: i64,
        pub a: Option<i32>,
        pub b: Option<i32>,
        pub s: Option<String>,
    }
}

entity! {
    Compared "compared" #[stream] {
        #[key]
        pub id: i64,
        pub equal: bool,
        pub not_equal: bool,
        pub unequal: bool,
        pub less: bool,
        pub not_less: bool,
        pub between: bool,
        pub not_between: bool,
        pub among: bool,
        pub not_among: bool,
        pub distinct: bool,
        pub like: Option<bool>,
        pub not_like: Option<bool>,
        pub of_a_sum: Option<bool>,
    }
}

#[query]
fn compared(measures: Stream<Measure>) -> Stream<Compared> {
    measures.map(|m| Compared {
        id: m.id,
        equal: m.a == m.b,
        not_equal: !(m.a == m.b),
        unequal: m.a != m.b,
        less: m.a < m.b,
        not_less: !(m.a < m.b),
        between: (1..=5).contains(&m.a),
        not_between: !(1..=5).contains(&m.a),
        among: [1, 2].contains(&m.a),
        not_among: ![1, 2].contains(&m.a),
        distinct: m.a.is_distinct_from(m.b),
        like: m.s.like("x%"),
        not_like: !m.s.like("x%"),
        of_a_sum: !(m.a + 1 > m.b),
    })
}

/// 2.1: a comparison with a NULL is FALSE, `<>`, BETWEEN and IN too, so that NOT makes TRUE of it. IS DISTINCT FROM knows NULL.
/// LIKE of a NULL throws, and 2.2: so does what computes with one; the column is then NULL (2.8).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comparison_with_a_null_is_false_and_its_negation_true() {
    let row = |id, a, b, s: Option<&str>| Measure {
        id,
        a,
        b,
        s: s.map(str::to_owned),
    };
    let rows = vec![
        row(1, Some(1), Some(1), Some("x1")),
        row(2, None, Some(1), Some("y")),
        row(3, Some(7), None, None),
        row(4, None, None, None),
    ];
    let of_nulls = Compared {
        id: 0,
        equal: false,
        not_equal: true,
        unequal: false,
        less: false,
        not_less: true,
        between: false,
        not_between: true,
        among: false,
        not_among: true,
        distinct: true,
        like: None,
        not_like: None,
        of_a_sum: None,
    };
    assert_eq!(
        made::<Measure, Compared, _>(compared, rows).await,
        [
            Some(Compared {
                id: 1,
                equal: true,
                not_equal: false,
                between: true,
                not_between: false,
                among: true,
                not_among: false,
                distinct: false,
                like: Some(true),
                not_like: Some(false),
                of_a_sum: Some(false),
                ..of_nulls.clone()
            }),
            Some(Compared {
                id: 2,
                like: Some(false),
                not_like: Some(true),
                ..of_nulls.clone()
            }),
            // 7 + 1 is there: compared with NULL it is FALSE.
            Some(Compared {
                id: 3,
                of_a_sum: Some(true),
                ..of_nulls.clone()
            }),
            Some(Compared {
                id: 4,
                distinct: false,
                ..of_nulls
            }),
        ]
    );
}

#[query]
fn kept_not_like(measures: Stream<Measure>) -> Stream<Kept> {
    measures
        .filter(|m| !m.s.like("x%") || m.a.is_none())
        .map(|m| Kept {
            id: m.id,
            p: Some(true),
        })
}

/// 2.1: what throws on the left of OR is never helped by the right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_condition_that_fails_leaves_its_row_out_whatever_follows() {
    let row = |id, a, s: Option<&str>| Measure {
        id,
        a,
        b: None,
        s: s.map(str::to_owned),
    };
    let rows = vec![
        row(1, Some(1), Some("y")),
        row(2, None, Some("x")),
        row(3, Some(1), Some("x")),
        row(4, None, None),
    ];
    assert_eq!(kept(kept_not_like, rows).await, [1, 2]);
}

entity! {
    Chosen "chosen" #[stream] {
        #[key]
        pub id: i64,
        pub literal_widens: i64,
        pub decimal: Option<Dec<5, 2>>,
        pub converted: Option<f64>,
        pub null_first: Option<i32>,
        pub by_null: Option<String>,
    }
}

entity! {
    Choice "choices" #[stream] {
        #[key]
        pub id: i64,
        pub n: i32,
        pub large: i64,
        pub d: Dec<5, 2>,
        pub x: f64,
        pub p: Option<bool>,
    }
}

#[query]
fn chosen(choices: Stream<Choice>) -> Stream<Chosen> {
    choices.map(|c| Chosen {
        id: c.id,
        literal_widens: if c.n > 1 { c.large } else { 0 },
        decimal: if c.n > 1 {
            c.d
        } else if c.n == 1 {
            dec!(1)
        } else {
            dec!(0.5)
        },
        converted: if c.n > 1 { c.x } else { c.d as f64 },
        null_first: if c.n > 1 { None } else { c.n },
        by_null: if c.n > 1 {
            "first"
        } else if c.p {
            "second"
        } else {
            "third"
        },
    })
}

/// 2.4: all branches of a CASE have one type: a bare number takes that of the others, the rest is converted where it is written.
/// 2.1 and 2.8: a condition that is NULL, once it is looked at, makes the whole NULL - it is no FALSE.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn branches_have_one_type_and_a_condition_that_is_null_makes_null() {
    let row = |id, n, p| Choice {
        id,
        n,
        large: 5_000_000_000,
        d: "12.34".parse().expect("a decimal"),
        x: 2.5,
        p,
    };
    let rows = vec![
        row(1, 2, None),
        row(2, 1, Some(true)),
        row(3, 0, Some(false)),
        row(4, 0, None),
    ];
    let text = chosen::KSQL[0];
    for written in [
        "THEN `LARGE` ELSE CAST(0 AS BIGINT) END",
        "ELSE CAST(`D` AS DOUBLE) END",
        "THEN CAST(NULL AS INTEGER) ELSE `N` END",
    ] {
        assert!(text.contains(written), "{written} in {text}");
    }
    let result = |id, large, decimal, converted, null_first, by_null: Option<&str>| {
        Some(Chosen {
            id,
            literal_widens: large,
            decimal: dec(decimal),
            converted: Some(converted),
            null_first,
            by_null: by_null.map(str::to_owned),
        })
    };
    assert_eq!(
        made::<Choice, Chosen, _>(chosen, rows).await,
        [
            // The second condition is NULL, and not looked at.
            result(1, 5_000_000_000, "12.34", 2.5, None, Some("first")),
            result(2, 0, "1.00", 12.34, Some(1), Some("second")),
            result(3, 0, "0.50", 12.34, Some(0), Some("third")),
            result(4, 0, "0.50", 12.34, Some(0), None),
        ]
    );
}
