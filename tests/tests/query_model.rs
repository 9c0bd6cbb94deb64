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
        writes: plan::Writes::Creates,
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

/// Every large payment again, by another key.
#[derive(Debug, Clone)]
struct Again;

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("again")]
#[stream]
pub struct Repeated {
    #[key]
    pub id: i64,
    pub amount: i64,
}

impl Query for Again {
    type Output = Repeated;
    const PLAN: &'static plan::Query<'static> = &plan::Query {
        name: "again",
        inputs: &[plan::Input {
            name: "large",
            entity: Large::MODEL,
            kind: Kind::Stream,
        }],
        steps: &[],
        output: Repeated::MODEL,
        kind: Kind::Stream,
        because: "rows become rows",
        writes: plan::Writes::Creates,
        parameters: &[],
    };
    const KSQL: &'static [&'static str] = &[
        "CREATE STREAM `REPEATED` AS SELECT `ID` AS `ID`, `AMOUNT` AS `AMOUNT` FROM `LARGE` EMIT CHANGES;",
    ];

    fn parameters(&self) -> Result<Vec<(&'static str, String)>, ParameterError> {
        Ok(Vec::new())
    }

    fn accept<H: Host>(self, host: H) -> H::Made {
        host.project(self)
    }
}

impl Project for Again {
    type Input = Large;

    fn keep<'a>(&'a self, _: &At<'a>, _: Row<'a, Large>) -> bool {
        true
    }

    fn project<'a>(&'a self, _: &At<'a>, row: Row<'a, Large>) -> Row<'a, Repeated> {
        RepeatedRow {
            id: row.id,
            amount: row.amount,
        }
    }
}

fn above(limit: i64) -> Above {
    Above { limit: Ok(limit) }
}

#[test]
fn a_query_brings_what_it_reads_and_writes_and_statements_stand_in_the_order_of_start() {
    let model = Model::new().query(Again).query(above(5)).query(above(5));
    let names: Vec<_> = model.entities().map(|entity| entity.name).collect();
    assert_eq!(names, ["Large", "Repeated", "Payment"]);
    let queries: Vec<_> = model.queries().map(|query| query.name).collect();
    assert_eq!(queries, ["above", "again"]);
    let statements = [
        Payment::CREATE.to_owned(),
        Above::KSQL[0].replace(":limit", "CAST(5 AS BIGINT)"),
        Again::KSQL[0].to_owned(),
    ];
    let warnings = model.validate().expect("a valid model");
    // `Large` states no partitions, and gets those of the payments.
    assert!(
        matches!(warnings.as_slice(), [warning] if warning.code == "K0606"),
        "{warnings:?}"
    );
    assert_eq!(
        model.ddl().expect("a valid model"),
        statements.join("\n") + "\n"
    );
    let report = model.check().expect("a valid model");
    assert!(
        report.contains("-- Large by the query above, stream: rows become rows\n"),
        "{report}"
    );
    for statement in &statements {
        assert!(report.contains(statement), "{report}");
    }
    assert!(!report.contains(Large::CREATE), "{report}");
    let schemas = model.avro().expect("a valid model");
    for entity in ["Payment", "Large", "Repeated"] {
        assert_eq!(
            schemas.matches(&format!("\"name\":\"{entity}\"")).count(),
            1,
            "{schemas}"
        );
    }
}

#[test]
fn one_query_with_two_values_is_two_that_write_one_entity() {
    let found = Model::new().query(above(5)).query(above(6)).findings();
    assert!(
        matches!(found.as_slice(), [finding] if finding.code == "K0601"),
        "{found:?}"
    );
}

#[test]
fn an_output_added_by_itself_is_told_and_an_input_is_not() {
    let model = || Model::new().query(above(5)).entity::<Payment>();
    assert_eq!(model().findings(), []);
    let found = model().entity::<Large>().findings();
    assert!(
        matches!(found.as_slice(), [finding] if finding.code == "K0602"),
        "{found:?}"
    );
}

#[test]
fn a_value_that_cannot_be_said_is_an_error_of_the_model() {
    let model = Model::new().query(Above {
        limit: Err("no literal for it"),
    });
    let error = model.check().expect_err("a value without a literal");
    assert_eq!(
        error.to_string(),
        "the model is not valid: K0607: the parameter `limit` of the query `above` cannot be said in KSQL: no literal for it; \
         give the query a value that its type holds"
    );
}
