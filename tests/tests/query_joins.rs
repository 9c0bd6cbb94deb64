//! Joins as their macro makes them: the statement ksqlDB is sent, and the code that compares and makes rows.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop"
)]

mod queries_common;

use ksql_runtime::prelude::*;
use ksql_runtime::query::{Aggregate, Groups as _, Join, Project, Query, Row, Scratch, Side};
use ksql_schema::query::plan::{JoinForm, JoinKind, Within};
use queries_common::{at, between};

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("flights")]
#[stream]
struct Flight {
    #[key]
    id: i64,
    tailnum: Option<String>,
    carrier: String,
    dep_delay: Option<i32>,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("planes")]
#[table]
struct Plane {
    #[key]
    tailnum: String,
    maker: i32,
    seats: i32,
    nickname: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("makers")]
#[table]
struct Maker {
    #[key]
    id: i32,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("owners")]
#[table]
struct Owner {
    #[key]
    tailnum: String,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("airlines")]
#[table]
struct Airline {
    #[key]
    carrier: String,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("landings")]
#[stream]
struct Landing {
    #[key]
    flight: i64,
    runway: String,
}

fn flight(id: i64, tailnum: Option<&str>, delay: Option<i32>) -> Flight {
    Flight {
        id,
        tailnum: tailnum.map(str::to_owned),
        carrier: "UA".to_owned(),
        dep_delay: delay,
    }
}

fn plane(tailnum: &str, nickname: Option<&str>) -> Plane {
    Plane {
        tailnum: tailnum.to_owned(),
        maker: 7,
        seats: 180,
        nickname: nickname.map(str::to_owned),
    }
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("flown")]
#[stream]
struct Flown {
    #[key]
    tailnum: String,
    flight: i64,
    nickname: Option<String>,
    seats: i32,
}

#[query]
fn flown(flights: Stream<Flight>, planes: Table<Plane>) -> Stream<Flown> {
    flights
        .left_join(planes, |f, p| p.tailnum == f.tailnum)
        .filter(|f, _| f.dep_delay > 0)
        // Rows may be called otherwise in each closure.
        .filter(|p, f| f.seats.is_none() || f.seats > 100 || p.id < 0)
        .map(|flight, plane| Flown {
            tailnum: flight.tailnum,
            flight: flight.id,
            nickname: plane.nickname,
            seats: plane.seats.unwrap_or(0),
        })
}

#[test]
fn a_stream_looks_up_a_table_in_the_order_of_the_statement() {
    let text = flown::KSQL[0];
    assert_eq!(
        between(text, " AS SELECT ", "EMIT"),
        "`FLIGHTS`.`TAILNUM` AS `TAILNUM`, `FLIGHTS`.`ID` AS `FLIGHT`, `PLANES`.`NICKNAME` AS `NICKNAME`, \
         COALESCE(`PLANES`.`SEATS`, 0) AS `SEATS` FROM `FLIGHT` `FLIGHTS` \
         LEFT JOIN `PLANE` `PLANES` ON (`FLIGHTS`.`TAILNUM` = `PLANES`.`TAILNUM`) \
         WHERE (`FLIGHTS`.`DEP_DELAY` > 0) AND (((`PLANES`.`SEATS` IS NULL) OR (`PLANES`.`SEATS` > 100)) OR (`FLIGHTS`.`ID` < 0)) "
    );
    let join = flown::PLAN.joins().next().unwrap();
    assert_eq!(
        (join.kind, join.form, join.input),
        (JoinKind::Left, JoinForm::Lookup, 1)
    );
    assert_eq!(join.on, "p.tailnum == f.tailnum");
    assert!(flown::KSQL[0].starts_with("CREATE STREAM"));
}

fn on<'a, Q: Join>(
    query: &'a Q,
    scratch: &'a Scratch,
    join: usize,
    side: Side,
    row: Row<'a, Q::Inputs>,
) -> Option<Vec<u8>> {
    let at = at(scratch, 0);
    let mut out = Vec::new();
    query.on(join, side, &at, row, &mut out).then_some(out)
}

#[test]
fn equal_values_of_both_sides_have_equal_bytes_and_null_has_none() {
    let (scratch, query) = (Scratch::new(), flown());
    let (late, plane) = (flight(1, Some("N1"), Some(5)), plane("N1", None));
    let left = on(&query, &scratch, 0, Side::Left, (Some(late.row()), None));
    let right = on(&query, &scratch, 0, Side::Right, (None, Some(plane.row())));
    assert_eq!(left, Some(b"N1".to_vec()));
    assert_eq!(left, right);
    let nameless = flight(2, None, None);
    assert_eq!(
        on(
            &query,
            &scratch,
            0,
            Side::Left,
            (Some(nameless.row()), None)
        ),
        None
    );
    // Without the side's row there is nothing to compare.
    assert_eq!(
        on(&query, &scratch, 0, Side::Left, (None, Some(plane.row()))),
        None
    );
    assert_eq!(
        on(&query, &scratch, 1, Side::Left, (Some(late.row()), None)),
        None
    );
}

#[test]
fn a_joined_row_is_made_of_both_sides_and_of_a_missing_one_its_fields_are_null() {
    let scratch = Scratch::new();
    let at = at(&scratch, 0);
    let query = flown();
    let (late, plane) = (flight(1, Some("N1"), Some(5)), plane("N1", Some("Kitty")));
    let row = (Some(late.row()), Some(plane.row()));
    assert!(query.keep(&at, row));
    let made = Flown::from_row(query.project(&at, row)).unwrap();
    let expected = Flown {
        tailnum: "N1".to_owned(),
        flight: 1,
        nickname: Some("Kitty".to_owned()),
        seats: 180,
    };
    assert_eq!(made, expected);
    let alone = (Some(late.row()), None);
    assert!(query.keep(&at, alone));
    let made = Flown::from_row(query.project(&at, alone)).unwrap();
    assert_eq!((made.nickname, made.seats), (None, 0));
    let early = flight(1, Some("N1"), None);
    assert!(!query.keep(&at, (Some(early.row()), Some(plane.row()))));
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("landed")]
#[stream]
struct Landed {
    #[key]
    id: i64,
    carrier: Option<String>,
    runway: Option<String>,
}

#[query]
fn landed(flights: Stream<Flight>, landings: Stream<Landing>) -> Stream<Landed> {
    flights
        .full_join(landings, |f, l| f.id == l.flight)
        .within("10m", "6h")
        .grace("1h")
        .map(|f, l| Landed {
            id: f.id.or(l.flight),
            carrier: f.carrier,
            runway: l.runway,
        })
}

#[test]
fn of_a_full_join_the_key_is_the_one_that_ksqldb_makes() {
    assert_eq!(
        between(landed::KSQL[0], " AS SELECT ", "EMIT"),
        "ROWKEY AS `ID`, `FLIGHTS`.`CARRIER` AS `CARRIER`, `LANDINGS`.`RUNWAY` AS `RUNWAY` \
         FROM `FLIGHT` `FLIGHTS` FULL JOIN `LANDING` `LANDINGS` WITHIN (10 MINUTES, 6 HOURS) GRACE PERIOD 1 HOURS \
         ON (`FLIGHTS`.`ID` = `LANDINGS`.`FLIGHT`) "
    );
    let within = Within {
        before_ms: 600_000,
        after_ms: 21_600_000,
        grace_ms: Some(3_600_000),
    };
    let join = landed::PLAN.joins().next().unwrap();
    assert_eq!(
        (join.kind, join.form),
        (JoinKind::Full, JoinForm::Within(within))
    );
    let scratch = Scratch::new();
    let at = at(&scratch, 0);
    let landing = Landing {
        flight: 9,
        runway: "4L".to_owned(),
    };
    let query = landed();
    let row = query.project(&at, (None, Some(landing.row())));
    let expected = Landed {
        id: 9,
        carrier: None,
        runway: Some("4L".to_owned()),
    };
    assert_eq!(Landed::from_row(row).unwrap(), expected);
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("touched")]
#[stream]
struct Touched {
    #[key]
    flight: i64,
    copy: Option<i64>,
}

#[query]
fn touched(flights: Stream<Flight>, landings: Stream<Landing>) -> Stream<Touched> {
    flights
        .left_join(landings, |f, l| f.id == l.flight)
        .within("6h")
        .map(|_, l| Touched {
            flight: l.flight,
            copy: l.flight.as_value(),
        })
}

#[test]
fn the_key_is_there_also_where_the_side_it_is_written_of_has_no_row() {
    assert!(touched::KSQL[0].contains("SELECT `LANDINGS`.`FLIGHT` AS `FLIGHT`"));
    let scratch = Scratch::new();
    let at = at(&scratch, 0);
    let (query, alone) = (touched(), flight(7, None, None));
    let row = query.project(&at, (Some(alone.row()), None));
    let expected = Touched {
        flight: 7,
        copy: None,
    };
    assert_eq!(Touched::from_row(row).unwrap(), expected);
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("met")]
#[stream]
struct Met {
    #[key]
    id: i64,
    runway: Option<String>,
}

#[query]
fn met(flights: Stream<Flight>, landings: Stream<Landing>) -> Stream<Met> {
    flights
        .left_join(landings, |f, l| f.id == l.flight)
        .within("6h")
        .map(|f, l| Met {
            id: f.id,
            runway: l.runway,
        })
}

#[test]
fn an_outer_join_of_streams_says_a_grace_so_that_a_row_without_a_match_comes_once() {
    assert!(
        met::KSQL[0]
            .contains("LEFT JOIN `LANDING` `LANDINGS` WITHIN 6 HOURS GRACE PERIOD 1 DAYS ON"),
        "{}",
        met::KSQL[0]
    );
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("owned")]
#[table]
struct Owned {
    #[key]
    tailnum: String,
    owner: String,
    seats: i32,
}

#[query]
fn owned(planes: Table<Plane>, owners: Table<Owner>) -> Table<Owned> {
    planes
        .join(owners, |p, o| p.tailnum == o.tailnum)
        .map(|p, o| Owned {
            tailnum: p.tailnum,
            owner: o.name,
            seats: p.seats,
        })
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("made")]
#[table]
struct Made {
    #[key]
    tailnum: String,
    maker: Option<String>,
}

#[query]
fn made(planes: Table<Plane>, makers: Table<Maker>) -> Table<Made> {
    planes
        .left_join(makers, |p, m| p.maker == m.id)
        .map(|p, m| Made {
            tailnum: p.tailnum,
            maker: m.name,
        })
}

#[test]
fn tables_are_joined_by_their_keys_or_by_a_foreign_key() {
    let form = |plan: &ksql_schema::query::plan::Query<'static>| plan.joins().next().unwrap().form;
    assert_eq!(form(owned::PLAN), JoinForm::Keys);
    assert_eq!(form(made::PLAN), JoinForm::ForeignKey);
    assert!(owned::KSQL[0].starts_with("CREATE TABLE"));
    assert!(made::KSQL[0].ends_with(
        "FROM `PLANE` `PLANES` LEFT JOIN `MAKER` `MAKERS` ON (`PLANES`.`MAKER` = `MAKERS`.`ID`) EMIT CHANGES;"
    ));
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("parts")]
#[table]
struct Parts {
    #[key]
    tailnum: String,
    #[key]
    maker: i32,
    pieces: i32,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("built")]
#[table]
struct Built {
    #[key]
    tailnum: String,
    #[key]
    maker: i32,
    by: String,
}

/// A part of a key is none: rows are found by it as by any other value.
#[query]
fn built(parts: Table<Parts>, makers: Table<Maker>) -> Table<Built> {
    parts
        .join(makers, |p, m| p.maker == m.id)
        .map(|p, m| Built {
            tailnum: p.tailnum,
            maker: p.maker,
            by: m.name,
        })
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("known")]
#[table]
struct Known {
    #[key]
    tailnum: String,
    maker: String,
    owner: Option<String>,
}

#[query]
fn known(planes: Table<Plane>, makers: Table<Maker>, owners: Table<Owner>) -> Table<Known> {
    planes
        .join(makers, |p, m| p.maker == m.id)
        .left_join(owners, |p, _, o| p.tailnum == o.tailnum)
        .map(|p, m, o| Known {
            tailnum: p.tailnum,
            maker: m.name,
            owner: o.name,
        })
}

#[test]
fn a_foreign_key_may_be_a_part_of_the_key_and_stand_in_front_of_joins_by_keys() {
    let forms = |plan: &ksql_schema::query::plan::Query<'static>| {
        plan.joins().map(|join| join.form).collect::<Vec<_>>()
    };
    assert_eq!(forms(built::PLAN), [JoinForm::ForeignKey]);
    assert_eq!(forms(known::PLAN), [JoinForm::ForeignKey, JoinForm::Keys]);
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("seats")]
#[table]
struct Seats {
    #[key]
    airline: String,
    flights: i64,
    seats: Option<i32>,
}

/// Inputs in another order than they are joined in.
#[query]
fn seats(airlines: Table<Airline>, planes: Table<Plane>, flights: Stream<Flight>) -> Table<Seats> {
    flights
        .join(airlines, |f, a| f.carrier == a.carrier)
        .left_join(planes, |f, _, p| f.tailnum == p.tailnum)
        .group_by(|_, a, _| a.name)
        .aggregate(|g| Seats {
            airline: g.key(),
            flights: g.count(),
            seats: g.sum(|_, _, p| p.seats),
        })
}

#[test]
fn several_joins_stand_in_a_row_and_their_rows_are_grouped() {
    assert_eq!(
        between(seats::KSQL[0], " AS SELECT ", "EMIT"),
        "`AIRLINES`.`NAME` AS `AIRLINE`, COUNT(*) AS `FLIGHTS`, SUM(`PLANES`.`SEATS`) AS `SEATS` FROM `FLIGHT` `FLIGHTS` \
         JOIN `AIRLINE` `AIRLINES` ON (`FLIGHTS`.`CARRIER` = `AIRLINES`.`CARRIER`) \
         LEFT JOIN `PLANE` `PLANES` ON (`FLIGHTS`.`TAILNUM` = `PLANES`.`TAILNUM`) \
         GROUP BY `AIRLINES`.`NAME` "
    );
    let names: Vec<&str> = seats::PLAN.inputs.iter().map(|input| input.name).collect();
    assert_eq!(names, ["flights", "airlines", "planes"]);
    let places: Vec<usize> = seats::PLAN.joins().map(|join| join.input).collect();
    assert_eq!(places, [1, 2]);
    let scratch = Scratch::new();
    let at = at(&scratch, 0);
    let (flight, plane) = (flight(1, Some("N1"), None), plane("N1", None));
    let airline = Airline {
        carrier: "UA".to_owned(),
        name: "United".to_owned(),
    };
    let query = seats();
    let both = (Some(flight.row()), Some(airline.row()), Some(plane.row()));
    let mut key = Vec::new();
    assert!(query.key(&at, both, &mut key));
    assert_eq!(key, b"United");
    let mut groups = query.first(&at, both).unwrap();
    query
        .update(&at, (both.0, both.1, None), &mut groups)
        .unwrap();
    let mut bytes = Vec::new();
    groups.write(&mut bytes);
    let window = ksql_runtime::entity::Window { start: 0, end: 0 };
    let row = query.finish(&scratch, &key, window, &groups);
    let expected = Seats {
        airline: "United".to_owned(),
        flights: 2,
        seats: Some(180),
    };
    assert_eq!(Seats::from_row(row).unwrap(), expected);
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("apart")]
#[stream]
struct Apart {
    #[key]
    half: i64,
    runway: String,
}

#[query]
fn apart(flights: Stream<Flight>, landings: Stream<Landing>) -> Stream<Apart> {
    flights
        .join(landings, |f, l| f.id / 2 == l.flight / 2)
        .within("1m")
        .map(|f, l| Apart {
            half: f.id / 2,
            runway: l.runway,
        })
}

#[test]
fn where_both_sides_are_expressions_the_key_is_ksqldbs_own() {
    assert_eq!(
        between(apart::KSQL[0], " AS SELECT ", "EMIT"),
        "ROWKEY AS `HALF`, `LANDINGS`.`RUNWAY` AS `RUNWAY` FROM `FLIGHT` `FLIGHTS` \
         JOIN `LANDING` `LANDINGS` WITHIN 1 MINUTES ON ((`FLIGHTS`.`ID` / 2) = (`LANDINGS`.`FLIGHT` / 2)) "
    );
}

#[test]
fn an_explanation_tells_of_the_joins() {
    let text = seats.explain().to_string();
    for part in [
        "join airlines on f.carrier == a.carrier: a lookup in the table at the time of the record",
        "left join planes on f.tailnum == p.tailnum",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}
