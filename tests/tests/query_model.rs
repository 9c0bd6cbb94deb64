//! Queries as data, without a broker: what is explained, and what a model of entities and queries refuses.
//!
//! The queries are written by hand, so that each says just what its test is about.

use ksql_runtime::prelude::*;
use ksql_runtime::query::{At, Host, ParameterError, Project, Query, Row};
use ksql_schema::Kind;
use ksql_schema::query::plan;

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("payments", partitions = 4)]
pub struct Payment {
    #[key]
    pub id: i64,
    pub amount: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("large_payments")]
#[stream]
pub struct Large {
    #[key]
    pub id: i64,
    pub amount: i64,
}

/// Payments above a limit.
#[derive(Debug, Clone)]
struct Above {
    limit: Result<i64, &'static str>,
}

impl Query for Above {
    type Output = Large;
    const PLAN: &'static plan::Query<'static> = &plan::Query {
        name: "above",
        inputs: &[plan::Input {
            name: "payments",
            entity: Payment::MODEL,
            kind: Kind::Stream,
        }],
        steps: &[plan::Step::Filter("p.amount > limit")],
        output: Large::MODEL,
        kind: Kind::Stream,
        because: "rows become rows",
        parameters: &[plan::Parameter {
            name: "limit",
            ty: "i64",
        }],
    };
    const KSQL: &'static [&'static str] = &[
        "CREATE STREAM IF NOT EXISTS `LARGE` WITH (KAFKA_TOPIC='large_payments') AS SELECT `ID` AS `ID`, `AMOUNT` AS `AMOUNT` \
         FROM `PAYMENT` WHERE (`AMOUNT` > :limit) EMIT CHANGES;",
    ];

    fn parameters(&self) -> Result<Vec<(&'static str, String)>, ParameterError> {
        match self.limit {
            Ok(limit) => Ok(vec![("limit", format!("CAST({limit} AS BIGINT)"))]),
            Err(defect) => Err(ParameterError {
                query: "above",
                name: "limit",
                defect: defect.to_owned(),
            }),
        }
    }

    fn accept<H: Host>(self, host: H) -> H::Made {
        host.project(self)
    }
}

impl Project for Above {
    type Input = Payment;

    fn keep<'a>(&'a self, _: &At<'a>, row: Row<'a, Payment>) -> bool {
        self.limit.is_ok_and(|limit| row.amount > limit)
    }

    fn project<'a>(&'a self, _: &At<'a>, row: Row<'a, Payment>) -> Row<'a, Large> {
        LargeRow {
            id: row.id,
            amount: row.amount,
        }
    }
}

#[test]
fn an_explanation_holds_the_values_of_parameters() {
    let explanation = Above { limit: Ok(500) }.explain();
    assert_eq!(
        explanation.statements(),
        [Above::KSQL[0].replace(":limit", "CAST(500 AS BIGINT)")]
    );
    let text = explanation.to_string();
    assert!(
        text.contains("\nparameters\n  limit: i64 = CAST(500 AS BIGINT)\n"),
        "{text}"
    );
    assert!(text.contains("\n  stream: rows become rows\n"), "{text}");
    assert!(
        explanation
            .mermaid()
            .contains("step0[\"filter<br/>p.amount #gt; limit\"]"),
        "{}",
        explanation.mermaid()
    );
}

#[test]
fn where_a_value_cannot_be_said_the_hole_stays_and_the_reason_is_told() {
    let explanation = Above {
        limit: Err("no literal for it"),
    }
    .explain();
    assert_eq!(explanation.statements(), Above::KSQL);
    let text = explanation.to_string();
    assert!(
        text.contains("\n  limit: i64 = no literal for it\n"),
        "{text}"
    );
}
