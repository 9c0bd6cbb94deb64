//! Joins against a naive model: what comes out of any changes, restarts and kills in between included.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;

use ksql_schema::model::Kind;
use ksql_schema::query::plan::{self, JoinForm, JoinKind, Step};
use proptest::prelude::*;

use crate::entity::Entity;
use crate::ops::Any;
use crate::prelude::*;
use crate::query::{At, Host, Join, ParameterError, Project, Query, Row, Side, group};
use crate::testing::{self, Test};

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("clicks", partitions = 2)]
struct Click {
    #[key]
    user: i64,
    weight: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("views", partitions = 2)]
struct View {
    #[key]
    user: i64,
    page: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("people", partitions = 2)]
#[table]
struct Person {
    #[key]
    id: i64,
    name: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("homes", partitions = 2)]
#[table]
struct Home {
    #[key]
    id: i64,
    zip: i64,
}

/// What a row of two columns is joined to.
type Both = (Option<i64>, Option<i64>);

macro_rules! joins {
    ($query:ident, $output:ident, $row:ident, $topic:literal, #[$kind:ident], $of:ident,
     $left:ident $left_key:ident $left_value:ident, $right:ident $right_key:ident $right_value:ident,
     $right_of:ident, $form:expr, $join:ident) => {
        #[derive(Debug, Clone, PartialEq, Entity)]
        #[topic($topic)]
        #[$kind]
        struct $output {
            #[key]
            id: i64,
            left: Option<i64>,
            right: Option<i64>,
        }

        #[derive(Debug, Clone, Copy)]
        struct $query;

        impl Query for $query {
            type Output = $output;
            const PLAN: &'static plan::Query<'static> = &plan::Query {
                name: stringify!($query),
                inputs: &[
                    plan::Input {
                        name: "left",
                        entity: $left::MODEL,
                        kind: Kind::$of,
                    },
                    plan::Input {
                        name: "right",
                        entity: $right::MODEL,
                        kind: Kind::$right_of,
                    },
                ],
                steps: &[Step::Join(plan::Join {
                    input: 1,
                    kind: JoinKind::$join,
                    form: $form,
                    on: "left.id == right.id",
                })],
                output: $output::MODEL,
                kind: Kind::$of,
                because: "it was written by hand",
                writes: plan::Writes::Creates,
                parameters: &[],
            };
            const KSQL: &'static [&'static str] = &["-- none;"];

            fn parameters(&self) -> Result<Vec<(&'static str, String)>, ParameterError> {
                Ok(Vec::new())
            }

            fn accept<H: Host>(self, host: H) -> H::Made {
                host.joined_project(self)
            }
        }

        impl Join for $query {
            type Inputs = ($left, $right);

            fn on<'a>(
                &'a self,
                _join: usize,
                side: Side,
                _at: &At<'a>,
                (left, right): Row<'a, ($left, $right)>,
                out: &mut Vec<u8>,
            ) -> bool {
                let key = match side {
                    Side::Left => left.map(|left| left.$left_key),
                    Side::Right => right.map(|right| right.$right_key),
                };
                key.is_some_and(|key| group::push(Any::Bigint(key), true, out))
            }
        }

        impl Project for $query {
            type Input = ($left, $right);

            fn keep<'a>(&'a self, _at: &At<'a>, (left, _): Row<'a, ($left, $right)>) -> bool {
                left.is_none_or(|left| left.$left_value >= 0)
            }

            fn project<'a>(
                &'a self,
                _at: &At<'a>,
                (left, right): Row<'a, ($left, $right)>,
            ) -> Row<'a, $output> {
                let of_left = left.map(|left| left.$left_key);
                $row {
                    id: of_left.or(right.map(|right| right.$right_key)).unwrap(),
                    left: left.map(|left| left.$left_value),
                    right: right.map(|right| right.$right_value),
                }
            }
        }

        impl $output {
            async fn results(test: &Test) -> BTreeMap<i64, Vec<(i64, Option<Both>)>> {
                let mut results = BTreeMap::<i64, Vec<_>>::new();
                for sent in test.records::<$output>().await.unwrap() {
                    let row = sent.row.map(|row| (row.left, row.right));
                    let mut key = Vec::new();
                    crate::entity::EntityKey::encode(&sent.key, 0, &mut key);
                    let key = i64::from_be_bytes(key.try_into().unwrap());
                    results.entry(key).or_default().push((sent.timestamp, row));
                }
                results
            }
        }
    };
}

joins!(Found, FoundClick, FoundClickRow, "found", #[stream], Stream, Click user weight, Person id name, Table, JoinForm::Lookup, Inner);
joins!(Named, NamedClick, NamedClickRow, "named", #[stream], Stream, Click user weight, Person id name, Table, JoinForm::Lookup, Left);
joins!(Pairs, Pair, PairRow, "pairs", #[table], Table, Home id zip, Person id name, Table, JoinForm::Keys, Inner);
joins!(Homes, HomeOf, HomeOfRow, "homes_of", #[table], Table, Home id zip, Person id name, Table, JoinForm::Keys, Left);
joins!(People, PersonOf, PersonOfRow, "people_of", #[table], Table, Home id zip, Person id name, Table, JoinForm::Keys, Right);
joins!(Everything, Every, EveryRow, "everything", #[table], Table, Home id zip, Person id name, Table, JoinForm::Keys, Full);

/// A view up to three milliseconds before a click, or five after it.
const NEAR: JoinForm = JoinForm::Within(plan::Within {
    before_ms: 3,
    after_ms: 5,
    grace_ms: Some(4),
});

joins!(Met, MetClick, MetClickRow, "met", #[stream], Stream, Click user weight, View user page, Stream, NEAR, Inner);
joins!(Clicks, ClickOf, ClickOfRow, "clicks_of", #[stream], Stream, Click user weight, View user page, Stream, NEAR, Left);
joins!(Views, ViewOf, ViewOfRow, "views_of", #[stream], Stream, Click user weight, View user page, Stream, NEAR, Right);
joins!(Either, EitherOf, EitherOfRow, "either_of", #[stream], Stream, Click user weight, View user page, Stream, NEAR, Full);

/// What happens.
#[derive(Debug, Clone, Copy)]
enum Happens {
    Click(i64, i64),
    Home(i64, Option<i64>),
    Person(i64, Option<i64>),
    Reopen,
    Kill,
}

fn steps() -> impl Strategy<Value = Vec<Happens>> {
    let key = 0..3_i64;
    // Below zero: left out by the condition.
    let value = -1..4_i64;
    let row = || proptest::option::weighted(0.7, -1..4_i64);
    let step = prop_oneof![
        6 => (key.clone(), value).prop_map(|(key, value)| Happens::Click(key, value)),
        6 => (key.clone(), row()).prop_map(|(key, row)| Happens::Home(key, row)),
        6 => (key, row()).prop_map(|(key, row)| Happens::Person(key, row)),
        1 => Just(Happens::Reopen),
        2 => Just(Happens::Kill),
    ];
    proptest::collection::vec(step, 1..30)
}

type Results = BTreeMap<i64, Vec<(i64, Option<Both>)>>;

/// What the six queries make of it, each as one would write it down.
#[derive(Debug, Default)]
struct Model {
    homes: BTreeMap<i64, (i64, i64)>,
    people: BTreeMap<i64, (i64, i64)>,
    results: [Results; 6],
}

impl Model {
    fn click(&mut self, time: i64, key: i64, weight: i64) {
        if weight < 0 {
            return;
        }
        let name = self.people.get(&key).map(|(_, name)| *name);
        let result = (time, Some((Some(weight), name)));
        if name.is_some() {
            self.results[0].entry(key).or_default().push(result);
        }
        self.results[1].entry(key).or_default().push(result);
    }

    /// What the table joins show of a key.
    fn shown(&self, key: i64) -> [Option<Both>; 4] {
        let home = self.homes.get(&key).map(|(_, value)| *value);
        let person = self.people.get(&key).map(|(_, value)| *value);
        let kept = home.is_none_or(|zip| zip >= 0);
        let shown = |is: bool| (is && kept).then_some((home, person));
        [
            shown(home.is_some() && person.is_some()),
            shown(home.is_some()),
            shown(person.is_some()),
            shown(home.is_some() || person.is_some()),
        ]
    }

    fn change(&mut self, time: i64, key: i64, is_home: bool, row: Option<i64>) {
        let before = self.shown(key);
        let table = match is_home {
            true => &mut self.homes,
            false => &mut self.people,
        };
        match row {
            Some(value) => drop(table.insert(key, (time, value))),
            None => drop(table.remove(&key)),
        }
        let after = self.shown(key);
        // A right row without a change that is seen is told all the same where its key has a result.
        for (index, (before, after)) in before.into_iter().zip(after).enumerate() {
            if before.is_some() || after.is_some() {
                let results = &mut self.results[index + 2];
                results.entry(key).or_default().push((time, after));
            }
        }
    }
}

async fn follow(steps: Vec<Happens>) {
    let mut test = testing::query(Found)
        .query(Named)
        .query(Pairs)
        .query(Homes)
        .query(People)
        .query(Everything)
        .start()
        .await
        .unwrap();
    let mut model = Model::default();
    let mut last = 3;
    for (time, step) in (1_i64..).zip(steps) {
        let input = match step {
            Happens::Click(..) => 0,
            Happens::Home(..) => 1,
            Happens::Person(..) => 2,
            Happens::Reopen | Happens::Kill => last,
        };
        // What is sent to another topic is not there before.
        if input != last {
            test.settle().await.unwrap();
            last = input;
        }
        match step {
            Happens::Click(user, weight) => {
                test.send_at(time, Click { user, weight }).await.unwrap();
                model.click(time, user, weight);
            }
            Happens::Home(id, row) => {
                match row {
                    Some(zip) => test.send_at(time, Home { id, zip }).await,
                    None => test.delete_at::<Home>(time, id).await,
                }
                .unwrap();
                model.change(time, id, true, row);
            }
            Happens::Person(id, row) => {
                match row {
                    Some(name) => test.send_at(time, Person { id, name }).await,
                    None => test.delete_at::<Person>(time, id).await,
                }
                .unwrap();
                model.change(time, id, false, row);
            }
            Happens::Reopen => test = test.reopen().await.unwrap(),
            Happens::Kill => test = test.kill().await.unwrap(),
        }
    }
    test.settle().await.unwrap();
    let made = [
        FoundClick::results(&test).await,
        NamedClick::results(&test).await,
        Pair::results(&test).await,
        HomeOf::results(&test).await,
        PersonOf::results(&test).await,
        Every::results(&test).await,
    ];
    test.end().await.unwrap();
    let names = ["Found", "Named", "Pairs", "Homes", "People", "Everything"];
    for ((name, made), expected) in names.iter().zip(made).zip(model.results) {
        assert_eq!(once(made), expected, "{name}");
    }
}

/// A result may be written again after a kill, with the same bytes: then all from one on come again.
fn once(results: Results) -> Results {
    let once = |(key, results): (i64, Vec<(i64, Option<Both>)>)| {
        let mut kept: Vec<(i64, Option<Both>)> = Vec::new();
        for result in results {
            // Each change has a time of its own.
            match kept.iter().find(|known| known.0 == result.0) {
                Some(known) => assert_eq!(*known, result, "made again otherwise"),
                None => kept.push(result),
            }
        }
        (key, kept)
    };
    results.into_iter().map(once).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn joins_make_what_a_naive_model_makes_whatever_ends_in_between(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(follow(steps));
    }
}

/// A record of one of the streams, at a time; or an end of the program.
#[derive(Debug, Clone, Copy)]
enum Sent {
    Record(usize, i64, i64),
    Kill,
    Reopen,
}

fn sent() -> impl Strategy<Value = Vec<Sent>> {
    // Time goes on, and some come earlier than it says.
    let record = (0..2_usize, 0..3_i64, 0..4_i64, 0..14_i64);
    let step = prop_oneof![
        12 => record.prop_map(|(side, key, on, back)| (Some((side, key, on, back)), false)),
        1 => Just((None, true)),
        1 => Just((None, false)),
    ];
    proptest::collection::vec(step, 1..50).prop_map(|steps| {
        let mut now = 100;
        let made = steps
            .into_iter()
            .map(|(record, kill)| match (record, kill) {
                (Some((side, key, on, back)), _) => {
                    now += on;
                    Sent::Record(side, key, now - back)
                }
                (None, true) => Sent::Kill,
                (None, false) => Sent::Reopen,
            });
        made.collect()
    })
}

/// A record that the model remembers.
#[derive(Debug, Clone, Copy)]
struct Known {
    side: usize,
    key: i64,
    time: i64,
    value: i64,
    alone: bool,
    gone: bool,
}

/// What a join of a kind makes of the records of a partition, each known by its value.
fn met(records: &[(usize, i64, i64, i64)], kind: JoinKind) -> (Vec<(i64, i64, Both)>, u64) {
    let (mut now, mut late) = (i64::MIN, 0);
    let mut known: Vec<Known> = Vec::new();
    let mut results = Vec::new();
    let after = |side| if side == 0 { 5 } else { 3 };
    let only = |side, value| match side {
        0 => (Some(value), None),
        _ => (None, Some(value)),
    };
    for (side, key, time, value) in records.iter().copied() {
        now = now.max(time);
        if time + after(side) + 4 < now {
            late += 1;
            continue;
        }
        let mut over: Vec<&mut Known> = known
            .iter_mut()
            .filter(|one| one.alone && !one.gone && one.time + after(one.side) + 4 < now)
            .collect();
        over.sort_by_key(|one| one.time + after(one.side));
        for one in over {
            one.gone = true;
            results.push((one.key, one.time, only(one.side, one.value)));
        }
        let mut others: Vec<&mut Known> = known
            .iter_mut()
            .filter(|one| one.side != side && one.key == key && !one.gone)
            // Nothing that comes in time may meet it any more.
            .filter(|one| one.time + 3 + 5 + 4 >= now)
            .filter(|one| match side {
                0 => (time - 3..=time + 5).contains(&one.time),
                _ => (time - 5..=time + 3).contains(&one.time),
            })
            .collect();
        others.sort_by_key(|one| one.time);
        for other in &mut others {
            other.alone = false;
            let both = match side {
                0 => (Some(value), Some(other.value)),
                _ => (Some(other.value), Some(value)),
            };
            results.push((key, time.max(other.time), both));
        }
        let outer = match kind {
            JoinKind::Inner => false,
            JoinKind::Left => side == 0,
            JoinKind::Right => side == 1,
            JoinKind::Full => true,
        };
        let alone = others.is_empty() && outer;
        known.push(Known {
            side,
            key,
            time,
            value,
            alone,
            gone: false,
        });
    }
    (results, late)
}

fn without_repeats(results: Results) -> Results {
    let mut once = Results::new();
    for (key, results) in results {
        let kept = once.entry(key).or_default();
        for result in results {
            if !kept.contains(&result) {
                kept.push(result);
            }
        }
    }
    once
}

async fn meet(steps: Vec<Sent>) {
    let mut test = testing::query(Met)
        .query(Clicks)
        .query(Views)
        .query(Either)
        .start()
        .await
        .unwrap();
    let killed = steps.iter().any(|step| matches!(step, Sent::Kill));
    let mut records = [Vec::new(), Vec::new()];
    let mut last = 2;
    for (value, step) in (1_i64..).zip(steps) {
        match step {
            Sent::Record(side, user, time) => {
                // What is sent to another topic is not there before.
                if side != last {
                    test.settle().await.unwrap();
                    last = side;
                }
                let (weight, page) = (value, value);
                let receipt = match side {
                    0 => test.send_at(time, Click { user, weight }).await,
                    _ => test.send_at(time, View { user, page }).await,
                };
                let partition = receipt.unwrap().partition as usize;
                records[partition].push((side, user, time, value));
            }
            Sent::Kill => test = test.kill().await.unwrap(),
            Sent::Reopen => test = test.reopen().await.unwrap(),
        }
    }
    test.settle().await.unwrap();
    let made = [
        ("Met", JoinKind::Inner, MetClick::results(&test).await),
        ("Clicks", JoinKind::Left, ClickOf::results(&test).await),
        ("Views", JoinKind::Right, ViewOf::results(&test).await),
        ("Either", JoinKind::Full, EitherOf::results(&test).await),
    ];
    for (name, kind, made) in made {
        let (mut expected, mut late) = (Results::new(), 0);
        for records in &records {
            let (results, of_partition) = met(records, kind);
            late += of_partition;
            for (key, time, both) in results {
                expected.entry(key).or_default().push((time, Some(both)));
            }
        }
        // A result may be written again after a kill, with the same bytes; without one each comes once.
        let made = match killed {
            true => without_repeats(made),
            false => made,
        };
        assert_eq!(made, expected, "{name} of {records:?}");
        let table = test.context().query_table(name).unwrap();
        assert_eq!(table.late(), late, "{name}: how many were late");
    }
    test.end().await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn streams_meet_as_a_naive_model_says_whatever_ends_in_between(steps in sent()) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(meet(steps));
    }
}

#[test]
fn what_comes_to_no_row_is_in_none_that_is_joined_later() {
    fn joined(kinds: [JoinKind; 2], have: [bool; 3]) -> Option<[bool; 3]> {
        let joins = [1, 2].map(|input| plan::Join {
            input,
            kind: kinds[input - 1],
            form: JoinForm::Keys,
            on: "",
        });
        let mut parts = [false; super::MOST_INPUTS];
        parts[..3].copy_from_slice(&have);
        super::keys::matched(&joins, &mut parts).then(|| [parts[0], parts[1], parts[2]])
    }
    use JoinKind::{Full, Inner, Left, Right};
    let (yes, no) = (true, false);
    // The first two come to no row: the third stands alone, or there is none.
    assert_eq!(joined([Inner, Full], [yes, no, yes]), Some([no, no, yes]));
    assert_eq!(joined([Left, Right], [no, yes, yes]), Some([no, no, yes]));
    assert_eq!(joined([Inner, Left], [yes, no, yes]), None);
    assert_eq!(joined([Left, Inner], [yes, no, yes]), Some([yes, no, yes]));
    assert_eq!(joined([Right, Left], [no, yes, no]), Some([no, yes, no]));
    assert_eq!(joined([Full, Full], [no, no, no]), None);
    assert_eq!(joined([Full, Inner], [yes, yes, no]), None);
    assert_eq!(joined([Full, Full], [yes, yes, yes]), Some([yes, yes, yes]));
}
