//! Whether topics that are joined have their keys in the same partitions.
//!
//! Invariant: rows that find each other by their keys lie in partitions of the same number, which needs as many of them in
//! both topics; where a column names the other's key that does not matter. Pure; called by start, before anything runs.

use ksql_schema::query::plan::{JoinForm, Query};

use crate::log::TopicDescription;

/// What forbids a query over these topics, which stand in the order of its inputs.
pub(super) fn check(plan: &Query<'_>, topics: &[&TopicDescription]) -> Result<(), String> {
    for join in plan.joins() {
        if join.form == JoinForm::ForeignKey {
            continue;
        }
        // All that is joined by keys is partitioned as the first one.
        let (Some(left), Some(right)) = (topics.first(), topics.get(join.input)) else {
            continue;
        };
        if left.partitions != right.partitions {
            return Err(format!(
                "`{}` has {} partitions and `{}` has {}: topics that are joined by their keys need as many; create one of them \
                 anew with the other's",
                left.name, left.partitions, right.name, right.partitions
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::Arc;

    use ksql_schema::model::Kind;
    use ksql_schema::query::plan::{self, Join, JoinKind, Step};

    use super::*;
    use crate::log::{TopicId, TopicSpec};
    use crate::prelude::*;

    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("clicks")]
    struct Click {
        #[key]
        user: i64,
        weight: i64,
    }

    fn joining(form: JoinForm, left: u32, right: u32) -> Result<(), String> {
        let join = Step::Join(Join {
            input: 1,
            kind: JoinKind::Inner,
            form,
            on: "a.id == b.id",
        });
        let plan = plan::Query {
            name: "joined",
            inputs: &[],
            steps: &[join],
            output: Click::MODEL,
            kind: Kind::Stream,
            because: "",
            writes: plan::Writes::Creates,
            parameters: &[],
        };
        let topic = |name: &str, partitions| TopicDescription {
            name: Arc::from(name),
            id: TopicId::from_bytes([0; 16]),
            partitions,
            spec: TopicSpec::new(name, partitions),
        };
        check(&plan, &[&topic("left", left), &topic("right", right)])
    }

    #[test]
    fn topics_joined_by_their_keys_have_as_many_partitions() {
        let refused = joining(JoinForm::Lookup, 3, 2).unwrap_err();
        for said in ["`left` has 3", "`right` has 2"] {
            assert!(refused.contains(said), "{refused}");
        }
        joining(JoinForm::Lookup, 3, 3).unwrap();
        joining(JoinForm::ForeignKey, 3, 2).unwrap();
    }
}
