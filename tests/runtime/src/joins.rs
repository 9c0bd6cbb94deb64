//! Queries of every kind of join over one endless workload, for tests that kill them.
#![allow(missing_docs)]

use ksql_runtime::prelude::*;
use ksql_runtime::testing::{Test, TestBuilder};

use crate::workload::mix;

const STEP: u64 = 40;

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("clicks", partitions = 2)]
#[stream]
pub struct Click {
    #[key]
    pub id: i64,
    pub user: Option<i64>,
    pub weight: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("views", partitions = 2)]
#[stream]
pub struct View {
    #[key]
    pub user: i64,
    pub page: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("people", partitions = 2)]
#[table]
pub struct Person {
    #[key]
    pub id: i64,
    pub town: Option<i64>,
    pub age: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("towns", partitions = 2)]
#[table]
pub struct Town {
    #[key]
    pub id: i64,
    pub tax: i64,
}

/// A joined pair, or what an outer join has of one.
macro_rules! pair {
    ($name:ident, $topic:literal, $kind:ident) => {
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Entity)]
        #[topic($topic, partitions = 2)]
        #[$kind]
        pub struct $name {
            #[key]
            pub id: i64,
            pub left: Option<i64>,
            pub right: Option<i64>,
        }
    };
}

pair!(Met, "met", stream);
pair!(OfClicks, "of_clicks", stream);
pair!(OfViews, "of_views", stream);
pair!(Either, "either", stream);
pair!(Known, "known", stream);
pair!(Clicked, "clicked", stream);
pair!(Both, "both", table);
pair!(OfPeople, "of_people", table);
pair!(OfTowns, "of_towns", table);
pair!(All, "all", table);
pair!(Taxed, "taxed", table);
pair!(Housed, "housed", table);
pair!(PerTax, "per_tax", table);
pair!(PerTown, "per_town", table);

#[query]
fn met(clicks: Stream<Click>, views: Stream<View>) -> Stream<Met> {
    clicks
        .join(views, |c, v| c.user == v.user)
        .within("2s")
        .grace("1s")
        .map(|c, v| Met {
            id: c.user,
            left: c.weight,
            right: v.page,
        })
}

#[query]
fn of_clicks(clicks: Stream<Click>, views: Stream<View>) -> Stream<OfClicks> {
    clicks
        .left_join(views, |c, v| c.user == v.user)
        .within("1s", "2s")
        .grace("1s")
        .map(|c, v| OfClicks {
            id: c.user,
            left: c.weight,
            right: v.page,
        })
}

#[query]
fn of_views(clicks: Stream<Click>, views: Stream<View>) -> Stream<OfViews> {
    clicks
        .right_join(views, |c, v| c.user == v.user)
        .within("1s")
        .grace("1s")
        .map(|c, v| OfViews {
            id: v.user,
            left: c.weight,
            right: v.page,
        })
}

#[query]
fn either(clicks: Stream<Click>, views: Stream<View>) -> Stream<Either> {
    clicks
        .full_join(views, |c, v| c.user == v.user)
        .within("1s")
        .grace("500ms")
        .map(|c, v| Either {
            id: c.user.or(v.user),
            left: c.weight,
            right: v.page,
        })
}

#[query]
fn known(clicks: Stream<Click>, people: Table<Person>) -> Stream<Known> {
    clicks
        .join(people, |c, p| c.user == p.id)
        .map(|c, p| Known {
            id: c.user,
            left: c.weight,
            right: p.age,
        })
}

#[query]
fn clicked(clicks: Stream<Click>, people: Table<Person>) -> Stream<Clicked> {
    clicks
        .left_join(people, |c, p| c.user == p.id)
        .map(|c, p| Clicked {
            id: c.user,
            left: c.weight,
            right: p.age,
        })
}

#[query]
fn both(people: Table<Person>, towns: Table<Town>) -> Table<Both> {
    people.join(towns, |p, t| p.id == t.id).map(|p, t| Both {
        id: p.id,
        left: p.age,
        right: t.tax,
    })
}

#[query]
fn of_people(people: Table<Person>, towns: Table<Town>) -> Table<OfPeople> {
    people
        .left_join(towns, |p, t| p.id == t.id)
        .filter(|p, _| p.age > 3)
        .map(|p, t| OfPeople {
            id: p.id,
            left: p.age,
            right: t.tax,
        })
}

#[query]
fn of_towns(people: Table<Person>, towns: Table<Town>) -> Table<OfTowns> {
    people
        .right_join(towns, |p, t| p.id == t.id)
        .map(|p, t| OfTowns {
            id: t.id,
            left: p.age,
            right: t.tax,
        })
}

#[query]
fn all(people: Table<Person>, towns: Table<Town>) -> Table<All> {
    people
        .full_join(towns, |p, t| p.id == t.id)
        .map(|p, t| All {
            id: p.id.or(t.id),
            left: p.age,
            right: t.tax,
        })
}

#[query]
fn taxed(people: Table<Person>, towns: Table<Town>) -> Table<Taxed> {
    people.join(towns, |p, t| p.town == t.id).map(|p, t| Taxed {
        id: p.id,
        left: p.age,
        right: t.tax,
    })
}

#[query]
fn housed(people: Table<Person>, towns: Table<Town>) -> Table<Housed> {
    people
        .left_join(towns, |p, t| p.town == t.id)
        .map(|p, t| Housed {
            id: p.id,
            left: p.age,
            right: t.tax,
        })
}

#[query]
fn per_tax(people: Table<Person>, towns: Table<Town>) -> Table<PerTax> {
    people
        .join(towns, |p, t| p.town == t.id)
        .group_by(|_, t| t.tax)
        .aggregate(|g| PerTax {
            id: g.key(),
            left: g.count(),
            right: g.sum(|p, _| p.age),
        })
}

#[query]
fn per_town(clicks: Stream<Click>, views: Stream<View>, people: Table<Person>) -> Table<PerTown> {
    clicks
        .join(views, |c, v| c.user == v.user)
        .within("2s")
        .grace("1s")
        .join(people, |c, _, p| c.user == p.id)
        .group_by(|_, _, p| p.town)
        .aggregate(|g| PerTown {
            id: g.key(),
            left: g.count(),
            right: g.sum(|c, v, _| c.weight + v.page),
        })
}

/// Adds every query.
pub fn with_queries(builder: TestBuilder) -> TestBuilder {
    builder
        .query(met)
        .query(of_clicks)
        .query(of_views)
        .query(either)
        .query(known)
        .query(clicked)
        .query(both)
        .query(of_people)
        .query(of_towns)
        .query(all)
        .query(taxed)
        .query(housed)
        .query(per_tax)
        .query(per_town)
}

/// Adds two of them: a stream with a table, and two streams.
pub fn with_two(builder: TestBuilder) -> TestBuilder {
    builder.query(known).query(met)
}

/// Adds those that join or group by another column than the key of what they read, from two inputs and from three.
pub fn with_other_columns(builder: TestBuilder) -> TestBuilder {
    with_two(builder).query(taxed).query(per_town)
}

/// Adds what they read.
pub fn with_sources(builder: TestBuilder) -> TestBuilder {
    builder
        .entity::<Click>()
        .entity::<View>()
        .entity::<Person>()
        .entity::<Town>()
}

/// Sends the first `count` records of the workload to each input: time goes on by 40 ms a record, one in eight comes up to six
/// seconds late.
///
/// # Errors
/// As [`Test::send_all_at`].
pub async fn fill(test: &Test, seed: u64, count: u64) -> Result<(), ksql_runtime::error::Error> {
    let draw = |n: u64, of: u64| {
        let draw = mix(seed ^ of, n);
        let late = match draw.is_multiple_of(8) {
            true => (draw >> 8) % 6000,
            false => 0,
        };
        let time = (10_000 + n * STEP).saturating_sub(late).cast_signed();
        (time, draw >> 20)
    };
    let some = |draw: u64, most: u64| (draw % most).cast_signed();
    test.send_all_at((0..count).map(|n| {
        let (time, draw) = draw(n, 1);
        let user = (draw % 9 != 0).then(|| some(draw >> 4, 50));
        let click = Click {
            id: n.cast_signed(),
            user,
            weight: some(draw >> 16, 100),
        };
        (time, click)
    }))
    .await?;
    test.send_all_at((0..count).map(|n| {
        let (time, draw) = draw(n, 2);
        (
            time,
            View {
                user: some(draw, 50),
                page: some(draw >> 16, 1000),
            },
        )
    }))
    .await?;
    for part in 0..count.div_ceil(100) {
        let numbers = || part * 100..(part * 100 + 100).min(count);
        test.send_all_at(numbers().map(|n| {
            let (time, draw) = draw(n, 3);
            let town = (draw % 7 != 0).then(|| some(draw >> 4, 20));
            (
                time,
                Person {
                    id: some(draw >> 12, 60),
                    town,
                    age: some(draw >> 20, 90),
                },
            )
        }))
        .await?;
        test.send_all_at(numbers().map(|n| {
            let (time, draw) = draw(n, 4);
            (
                time,
                Town {
                    id: some(draw, 20),
                    tax: some(draw >> 8, 6),
                },
            )
        }))
        .await?;
        let (time, draw) = draw(part * 100, 5);
        test.delete_at::<Person>(time, some(draw, 60)).await?;
        test.delete_at::<Town>(time, some(draw >> 12, 20)).await?;
    }
    Ok(())
}
