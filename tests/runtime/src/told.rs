//! What two runs of a query told of each key, held against each other: one that was killed, and one that was not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::time::Duration;

use ksql_runtime::entity::Windowed;
use ksql_runtime::prelude::*;
use ksql_runtime::testing::{Sent, Test};

/// What a query told of each key, in order: times and rows.
pub type Told<T> = BTreeMap<String, Vec<(i64, Option<T>)>>;

fn by_key<T: Entity>(records: Vec<Sent<T>>) -> Told<T>
where
    T::Key: Debug,
{
    let mut told = Told::new();
    for sent in records {
        let of_key: &mut Vec<_> = told.entry(format!("{:?}", sent.key)).or_default();
        of_key.push((sent.timestamp, sent.row));
    }
    told
}

/// What a query told.
///
/// # Panics
/// Where its topic cannot be read.
pub async fn told<T: Entity + Clone + PartialEq + Ord + Debug>(test: &Test) -> Told<T>
where
    T::Key: Debug,
{
    by_key(test.records::<T>().await.expect("records"))
}

/// Holds what was told by a run with kills against one without; how much was told again.
///
/// # Panics
/// Where something was lost or invented, or another row is the last of a key.
pub async fn same<T: Entity + Clone + PartialEq + Ord + Debug>(killed: &Test, whole: &Test) -> usize
where
    T::Key: Debug,
{
    hold(told::<T>(killed).await, &told::<T>(whole).await)
}

/// As [`same`], of the windows of a size; of sessions by their gap.
///
/// # Panics
/// As [`same`].
pub async fn same_windows<T: Windowed + Clone + PartialEq + Ord + Debug>(
    killed: &Test,
    whole: &Test,
    seconds: u64,
) -> usize
where
    T::Key: Debug,
{
    let size = Duration::from_secs(seconds);
    let told =
        async |test: &Test| by_key(test.window_records_of::<T>(size).await.expect("records"));
    hold(told(killed).await, &told(whole).await)
}

/// How many records each query left out: those that came too late, and those without what is compared.
pub fn left_out(test: &Test) -> BTreeMap<&'static str, (u64, u64)> {
    let queries = test.context().queries().into_iter();
    let left_out = queries.map(|query| (query.query, (query.late, query.keyless)));
    left_out.collect()
}

fn hold<T: Entity + Clone + PartialEq + Ord + Debug>(killed: Told<T>, whole: &Told<T>) -> usize {
    let name = std::any::type_name::<T>();
    assert!(!whole.is_empty(), "{name} tells nothing");
    let keys = |told: &Told<T>| told.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(keys(&killed), keys(whole), "{name}");
    let mut again = 0;
    for (key, told) in killed {
        let whole = &whole[&key];
        let set = |told: &[(i64, Option<T>)]| told.iter().cloned().collect::<BTreeSet<_>>();
        assert!(
            set(&told) == set(whole),
            "{name} of {key}: lost {:?}, invented {:?}",
            set(whole).difference(&set(&told)).collect::<Vec<_>>(),
            set(&told).difference(&set(whole)).collect::<Vec<_>>(),
        );
        assert_eq!(told.last(), whole.last(), "{name} of {key}");
        again += told.len() - whole.len();
    }
    again
}
