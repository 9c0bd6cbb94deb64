//! Every aggregate over every type it takes.

use std::collections::BTreeMap;

use super::*;

entity! {
    Kinds "kinds" #[stream] {
        #[key]
        pub id: i64,
        pub b: Option<bool>,
        pub i: Option<i32>,
        pub l: Option<i64>,
        pub x: Option<f64>,
        pub d: Option<Dec<6, 2>>,
        pub s: Option<String>,
        pub raw: Option<Vec<u8>>,
        pub date: Option<NaiveDate>,
        pub time: Option<NaiveTime>,
        pub at: Option<DateTime<Utc>>,
    }
}

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn time(text: &str) -> NaiveTime {
    text.parse().expect("a time")
}

fn moment(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).expect("a moment")
}

/// A row of NULLs.
fn nothing() -> Kinds {
    Kinds {
        id: 1,
        b: None,
        i: None,
        l: None,
        x: None,
        d: None,
        s: None,
        raw: None,
        date: None,
        time: None,
        at: None,
    }
}

/// Rows whose order differs from type to type: the second is the least by its number, its bytes and its text, the last by its times.
fn rows() -> Vec<Kinds> {
    let middle = Kinds {
        id: 1,
        b: Some(false),
        i: Some(5),
        l: Some(5_000_000_000),
        x: Some(0.0),
        d: dec("5.50"),
        s: Some("m".to_owned()),
        raw: Some(vec![0x01]),
        date: Some(date("2000-01-01")),
        time: Some(time("12:00:00")),
        at: Some(moment(0)),
    };
    let low = Kinds {
        b: Some(true),
        i: Some(-5),
        l: Some(-5_000_000_000),
        x: Some(-0.0),
        d: dec("-5.50"),
        s: Some("M".to_owned()),
        // Bytes are signed: this one is below zero.
        raw: Some(vec![0x80]),
        date: Some(date("2000-01-02")),
        time: Some(time("12:00:00.001")),
        at: Some(moment(1)),
        ..middle.clone()
    };
    let high = Kinds {
        b: Some(true),
        i: Some(6),
        l: Some(6_000_000_000),
        x: Some(f64::NAN),
        d: dec("5.51"),
        s: Some("ma".to_owned()),
        raw: Some(vec![0x01, 0x00]),
        date: Some(date("1969-12-31")),
        time: Some(time("00:00:00")),
        at: Some(moment(-1)),
        ..middle.clone()
    };
    vec![nothing(), middle, low, nothing(), high, nothing()]
}

entity! {
    Least "least" #[table] {
        #[key]
        pub id: i64,
        pub i: Option<i32>,
        pub l: Option<i64>,
        pub x: Option<f64>,
        pub d: Option<Dec<6, 2>>,
        pub s: Option<String>,
        pub raw: Option<Vec<u8>>,
        pub date: Option<NaiveDate>,
        pub time: Option<NaiveTime>,
        pub at: Option<DateTime<Utc>>,
    }
}

#[query]
fn least(kinds: Stream<Kinds>) -> Table<Least> {
    kinds.group_by(|k| k.id).aggregate(|g| Least {
        id: g.key(),
        i: g.min(|k| k.i),
        l: g.min(|k| k.l),
        x: g.min(|k| k.x),
        d: g.min(|k| k.d),
        s: g.min(|k| k.s),
        raw: g.min(|k| k.raw),
        date: g.min(|k| k.date),
        time: g.min(|k| k.time),
        at: g.min(|k| k.at),
    })
}

entity! {
    Most "most" #[table] {
        #[key]
        pub id: i64,
        pub i: Option<i32>,
        pub l: Option<i64>,
        pub x: Option<f64>,
        pub d: Option<Dec<6, 2>>,
        pub s: Option<String>,
        pub raw: Option<Vec<u8>>,
        pub date: Option<NaiveDate>,
        pub time: Option<NaiveTime>,
        pub at: Option<DateTime<Utc>>,
    }
}

#[query]
fn most(kinds: Stream<Kinds>) -> Table<Most> {
    kinds.group_by(|k| k.id).aggregate(|g| Most {
        id: g.key(),
        i: g.max(|k| k.i),
        l: g.max(|k| k.l),
        x: g.max(|k| k.x),
        d: g.max(|k| k.d),
        s: g.max(|k| k.s),
        raw: g.max(|k| k.raw),
        date: g.max(|k| k.date),
        time: g.max(|k| k.time),
        at: g.max(|k| k.at),
    })
}

/// 5: MIN and MAX are of any type with an order; they skip NULL, and of NULLs only are NULL. 2.1: the order of BYTES is that of signed
/// bytes; 2.10: NaN is the largest double, and -0.0 is below 0.0.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn extremes_are_in_the_order_of_their_type() {
    let all = made::<Kinds, Least, _>(least, rows()).await;
    let null = Least {
        id: 1,
        i: None,
        l: None,
        x: None,
        d: None,
        s: None,
        raw: None,
        date: None,
        time: None,
        at: None,
    };
    assert_eq!(all.first(), Some(&Some(null)));
    let last = all.into_iter().last().flatten().expect("a row");
    assert!(
        last.x.is_some_and(|x| x == 0.0 && x.is_sign_negative()),
        "{:?}",
        last.x
    );
    let expected = Least {
        id: 1,
        i: Some(-5),
        l: Some(-5_000_000_000),
        x: Some(-0.0),
        d: dec("-5.50"),
        s: Some("M".to_owned()),
        raw: Some(vec![0x80]),
        date: Some(date("1969-12-31")),
        time: Some(time("00:00:00")),
        at: Some(moment(-1)),
    };
    assert_eq!(last, expected);
    let last = made::<Kinds, Most, _>(most, rows())
        .await
        .into_iter()
        .last()
        .flatten()
        .expect("a row");
    assert!(last.x.is_some_and(f64::is_nan), "{:?}", last.x);
    let expected = Most {
        id: 1,
        i: Some(6),
        l: Some(6_000_000_000),
        x: None,
        d: dec("5.51"),
        s: Some("ma".to_owned()),
        raw: Some(vec![0x01, 0x00]),
        date: Some(date("2000-01-02")),
        time: Some(time("12:00:00.001")),
        at: Some(moment(1)),
    };
    assert_eq!(Most { x: None, ..last }, expected);
}

entity! {
    Seen "seen_kinds" #[table] {
        #[key]
        pub id: i64,
        pub first: Option<bool>,
        pub last: Option<NaiveDate>,
        pub last_two: Option<Vec<Option<i32>>>,
        pub first_two: Option<Vec<Option<Dec<6, 2>>>>,
        pub last_or_null: Option<i64>,
        pub last_two_or_null: Option<Vec<Option<String>>>,
        pub first_two_or_null: Option<Vec<Option<NaiveTime>>>,
        pub list: Option<Vec<Option<DateTime<Utc>>>>,
        pub set: Option<Vec<Option<bool>>>,
        pub bytes: Option<Vec<Option<Vec<u8>>>>,
        pub largest: Option<Vec<Option<Dec<6, 2>>>>,
        pub latest_dates: Option<Vec<Option<NaiveDate>>>,
        pub largest_texts: Option<Vec<Option<String>>>,
        pub counts: Option<BTreeMap<String, Option<i64>>>,
        pub rows: i64,
        pub values: i64,
    }
}

#[query]
fn seen(kinds: Stream<Kinds>) -> Table<Seen> {
    kinds.group_by(|k| k.id).aggregate(|g| Seen {
        id: g.key(),
        first: g.earliest(|k| k.b),
        last: g.latest(|k| k.date),
        last_two: g.latest_n(|k| k.i, 2),
        first_two: g.earliest_n(|k| k.d, 2),
        last_or_null: g.latest_with_nulls(|k| k.l),
        last_two_or_null: g.latest_n_with_nulls(|k| k.s, 2),
        first_two_or_null: g.earliest_n_with_nulls(|k| k.time, 2),
        list: g.collect_list(|k| k.at),
        set: g.collect_set(|k| k.b),
        bytes: g.collect_set(|k| k.raw),
        largest: g.top_k_distinct(|k| k.d, 2),
        latest_dates: g.top_k_distinct(|k| k.date, 2),
        largest_texts: g.top_k(|k| k.s, 5),
        counts: g.histogram(|k| k.s),
        rows: g.count(),
        values: g.count(|k| k.at),
    })
}

/// 5: by offset is by the order in which rows come, without NULLs unless asked for; lists and sets keep them, a set one; the largest
/// stand first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_seen_are_kept_in_the_order_they_came() {
    let mut again = rows();
    // The last but one: its values are there already.
    again.insert(5, rows()[1].clone());
    let last = made::<Kinds, Seen, _>(seen, again)
        .await
        .into_iter()
        .last()
        .flatten()
        .expect("a row");
    let text = |text: &str| Some(text.to_owned());
    let expected = Seen {
        id: 1,
        first: Some(false),
        last: Some(date("2000-01-01")),
        last_two: Some(vec![Some(6), Some(5)]),
        first_two: Some(vec![dec("5.50"), dec("-5.50")]),
        last_or_null: None,
        last_two_or_null: Some(vec![text("m"), None]),
        first_two_or_null: Some(vec![None, Some(time("12:00:00"))]),
        list: Some(vec![
            None,
            Some(moment(0)),
            Some(moment(1)),
            None,
            Some(moment(-1)),
            Some(moment(0)),
            None,
        ]),
        set: Some(vec![None, Some(false), Some(true)]),
        bytes: Some(vec![
            None,
            Some(vec![0x01]),
            Some(vec![0x80]),
            Some(vec![0x01, 0x00]),
        ]),
        largest: Some(vec![dec("5.51"), dec("5.50")]),
        latest_dates: Some(vec![Some(date("2000-01-02")), Some(date("2000-01-01"))]),
        largest_texts: Some(vec![text("ma"), text("m"), text("m"), text("M")]),
        counts: Some(
            [
                ("m".to_owned(), Some(2)),
                ("M".to_owned(), Some(1)),
                ("ma".to_owned(), Some(1)),
            ]
            .into(),
        ),
        rows: 7,
        values: 4,
    };
    assert_eq!(last, expected);
}

entity! {
    Item "items" #[table] {
        #[key]
        pub id: i64,
        pub shelf: String,
        pub n: Option<i32>,
        pub d: Option<Dec<6, 2>>,
        pub x: Option<f64>,
        pub s: Option<String>,
        pub list: Option<Vec<Option<i64>>>,
    }
}

entity! {
    Shelf "shelves" #[table] {
        #[key]
        pub shelf: String,
        pub items: i64,
        pub sum: Option<i32>,
        pub total: Option<Dec<8, 2>>,
        pub mean: Option<f64>,
        pub spread: Option<f64>,
        pub variance: Option<f64>,
        pub all: Option<Vec<Option<String>>>,
        pub counts: Option<BTreeMap<String, Option<i64>>>,
        pub elements: Option<i64>,
        pub only: Option<String>,
    }
}

#[query]
fn shelves(items: Table<Item>) -> Table<Shelf> {
    items.group_by(|i| i.shelf).aggregate(|g| Shelf {
        shelf: g.key(),
        items: g.count(),
        sum: g.sum(|i| i.n),
        total: g.sum(|i| i.d as Decimal<8, 2>),
        mean: g.avg(|i| i.n),
        spread: g.stddev_sample(|i| i.x),
        variance: g.stddev_samp(|i| i.x),
        all: g.collect_list(|i| i.s),
        counts: g.histogram(|i| i.s),
        elements: g.sum_list(|i| i.list),
        only: g.attr(|i| i.s),
    })
}

/// 5, "undo": over a table a row that is replaced or deleted is taken back first - its text from the list (the last equal one), its
/// count from the histogram, its number from every sum - and what is left is as if it had never been there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_table_takes_back_leaves_every_aggregate() {
    let test = testing::query(shelves).start().await.expect("it starts");
    let item = |id, shelf: &str, n: Option<i32>, s: Option<&str>| Item {
        id,
        shelf: shelf.to_owned(),
        n,
        d: n.map(|n| format!("{n}.25").parse().expect("a decimal")),
        x: n.map(f64::from),
        s: s.map(str::to_owned),
        list: n.map(|n| vec![Some(i64::from(n)), None, Some(1)]),
    };
    for row in [
        item(1, "a", Some(2), Some("x")),
        item(2, "a", Some(4), Some("y")),
        item(3, "a", Some(9), Some("x")),
        item(4, "a", None, None),
        // Replaced within its shelf, then moved to another.
        item(3, "a", Some(6), Some("x")),
        item(2, "b", Some(4), Some("y")),
    ] {
        send(&test, 0, row).await;
    }
    test.delete_at::<Item>(0, 4).await.expect("it is sent");
    test.settle().await.expect("nothing stops");
    let table = test.context().set::<Shelf>();
    let shelf = table.get("a").await.expect("a read").expect("a row");
    let near = |found: Option<f64>, wanted: f64| {
        assert!(
            found.is_some_and(|found| (found - wanted).abs() < 1e-9),
            "{found:?}, not {wanted}"
        );
    };
    // Of 2 and 6.
    near(shelf.spread, 8_f64.sqrt());
    near(shelf.variance, 8.0);
    let x = || Some("x".to_owned());
    let expected = Shelf {
        shelf: "a".to_owned(),
        items: 2,
        sum: Some(8),
        total: dec("8.50"),
        mean: Some(4.0),
        spread: None,
        variance: None,
        all: Some(vec![x(), x()]),
        counts: Some([("x".to_owned(), Some(2))].into()),
        elements: Some(10),
        only: x(),
    };
    assert_eq!(
        Shelf {
            spread: None,
            variance: None,
            ..shelf
        },
        expected
    );
    let shelf = table.get("b").await.expect("a read").expect("a row");
    assert_eq!(
        (shelf.items, shelf.sum, shelf.total),
        (1, Some(4), dec("4.25"))
    );
    test.end().await.expect("it ends");
}
