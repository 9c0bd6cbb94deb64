//! What start would do, as data: topics, subjects and statements, each created, left alone or different.
//!
//! Invariant: making a plan changes nothing, and start does what the plan says in its order, or nothing at all where the plan
//! says that something is refused. Plain data; made by the `inspect` module from what it found, shown to users.

use std::fmt;

use serde_json::{Value, json};

/// What start would do, in the order it would do it.
///
/// Printed it is a table; [`Plan::to_json`] gives the same for programs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// The steps.
    pub steps: Vec<PlanStep>,
}

/// One thing a program needs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlanStep {
    /// What kind of thing.
    pub part: Part,
    /// Its name: the topic, the subject, the source.
    pub name: String,
    /// The entity it is for; `(dead letters)` for their topic, which is the application's, and empty for the topic that says
    /// which instance owns the queries.
    pub entity: &'static str,
    /// What would be done.
    pub action: Action,
    /// What it would be created as: settings, a schema's text, a statement.
    pub definition: String,
}

/// What kind of thing a step is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// A topic.
    Topic,
    /// A subject of the registry.
    Subject,
    /// A source of ksqlDB.
    Statement,
}

/// What start would do about a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// It is not there and would be created.
    Create,
    /// It is there and equal: nothing would be sent.
    Keep,
    /// It is there, and a new version goes with the earlier ones: a schema. With what start changes about it before: the
    /// compatibility that says so.
    NewVersion(Vec<Difference>),
    /// It is there and differs.
    Differs(Vec<Difference>),
}

/// One difference between what is there and what the definition says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// What differs: `partitions`, a column.
    pub what: String,
    /// What is there, where it is one value.
    pub existing: Option<String>,
    /// What the definition says, where it is one value.
    pub defined: Option<String>,
    /// What can be done.
    pub cure: Cure,
    /// What to do, in words.
    pub advice: String,
}

/// What can be done about a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cure {
    /// It can be altered where it is; start does so where `on_drift` is `alter`.
    InPlace,
    /// Start changes it, whatever `on_drift` says: the configuration says so alone.
    AtStart,
    /// It can be altered with the server's own tools; start goes on.
    ByHand,
    /// It needs a new version: another topic, another source.
    NewVersion,
    /// Start refuses to go on.
    Refused,
}

impl Plan {
    /// Whether start would change nothing.
    pub fn is_unchanged(&self) -> bool {
        self.steps.iter().all(|step| step.action == Action::Keep)
    }

    /// The steps whose difference start refuses to go on with.
    pub fn refused(&self) -> impl Iterator<Item = &PlanStep> {
        self.steps.iter().filter(|step| step.is_refused())
    }

    /// The plan for programs: a list of steps.
    pub fn to_json(&self) -> Value {
        Value::Array(self.steps.iter().map(PlanStep::to_json).collect())
    }
}

impl PlanStep {
    /// The differences, where there are any.
    pub fn differences(&self) -> &[Difference] {
        match &self.action {
            Action::NewVersion(differences) | Action::Differs(differences) => differences,
            Action::Create | Action::Keep => &[],
        }
    }

    pub(crate) fn is_refused(&self) -> bool {
        self.differences()
            .iter()
            .any(|difference| matches!(difference.cure, Cure::NewVersion | Cure::Refused))
    }

    fn to_json(&self) -> Value {
        let differences = self.differences().iter().map(|difference| {
            json!({
                "what": difference.what,
                "existing": difference.existing,
                "defined": difference.defined,
                "cure": difference.cure.as_str(),
                "advice": difference.advice,
            })
        });
        json!({
            "part": self.part.as_str(),
            "name": self.name,
            "entity": self.entity,
            "action": self.action.as_str(),
            "definition": self.definition,
            "differences": differences.collect::<Vec<_>>(),
        })
    }
}

impl Part {
    fn as_str(self) -> &'static str {
        match self {
            Part::Topic => "topic",
            Part::Subject => "subject",
            Part::Statement => "statement",
        }
    }
}

impl Action {
    /// About something that is there.
    pub(super) fn of(differences: Vec<Difference>) -> Action {
        if differences.is_empty() {
            Action::Keep
        } else {
            Action::Differs(differences)
        }
    }

    fn as_str(&self) -> &'static str {
        match self {
            Action::Create => "create",
            Action::Keep => "keep",
            Action::NewVersion(_) => "new version",
            Action::Differs(_) => "differs",
        }
    }
}

impl Cure {
    fn as_str(self) -> &'static str {
        match self {
            Cure::InPlace => "in place",
            Cure::AtStart => "at start",
            Cure::ByHand => "by hand",
            Cure::NewVersion => "new version",
            Cure::Refused => "refused",
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.existing, &self.defined) {
            (Some(existing), Some(defined)) => write!(
                f,
                "{} is {existing}, the definition says {defined}: {}",
                self.what, self.advice
            ),
            _ => write!(f, "{}: {}", self.what, self.advice),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.steps.iter().map(|step| {
            [
                step.action.as_str(),
                step.part.as_str(),
                &step.name,
                step.entity,
            ]
        });
        let heads = ["action", "part", "name", "entity"];
        let widths: Vec<usize> = (0..heads.len())
            .map(|column| {
                let cells = rows.clone().chain([heads]);
                cells
                    .filter_map(|row| row.get(column).map(|cell| cell.chars().count()))
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let mut line = |cells: [&str; 4]| -> fmt::Result {
            let padded: Vec<String> = cells
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:<width$}"))
                .collect();
            writeln!(f, "{}", padded.join("  ").trim_end())
        };
        line(heads)?;
        for (row, step) in rows.zip(&self.steps) {
            line(row)?;
            for difference in step.differences() {
                line([
                    &format!("  {difference} ({})", difference.cure.as_str()),
                    "",
                    "",
                    "",
                ])?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let step = |name: &str, action| PlanStep {
            part: Part::Topic,
            name: name.to_owned(),
            entity: "Rate",
            action,
            definition: String::new(),
        };
        let difference = Difference {
            what: "partitions".to_owned(),
            existing: Some("3".to_owned()),
            defined: Some("4".to_owned()),
            cure: Cure::Refused,
            advice: "state the number it has".to_owned(),
        };
        Plan {
            steps: vec![
                step("rates", Action::Keep),
                step("trades", Action::Differs(vec![difference])),
            ],
        }
    }

    #[test]
    fn a_plan_is_a_table_with_every_difference_under_its_line() {
        assert_eq!(
            plan().to_string(),
            "action   part   name    entity\n\
             keep     topic  rates   Rate\n\
             differs  topic  trades  Rate\n  \
             partitions is 3, the definition says 4: state the number it has (refused)\n"
        );
    }

    #[test]
    fn the_same_plan_is_there_for_programs() {
        let json = plan().to_json();
        assert_eq!(json.pointer("/0/action"), Some(&json!("keep")));
        assert_eq!(
            json.pointer("/1/differences/0/cure"),
            Some(&json!("refused"))
        );
        assert!(!plan().is_unchanged());
        assert_eq!(plan().refused().count(), 1);
    }
}
