//! What needs no server: statements, schemas, explanations, validation; and the plan of a start, which asks them.

use ksql_schema::Severity;
use serde_json::{Value, json};

use super::command::{Explain, Validate};
use super::exit::{Exit, Failure, Outcome, unknown_name};
use super::output::{Output, Rows};
use crate::context::ContextBuilder;
use crate::context::plan::{Plan, PlanStep};
use crate::error::{Chain, Error};
use crate::query::Explanation;

pub(super) fn ddl(builder: &ContextBuilder, out: &mut Output) -> Outcome {
    lines(&builder.ddl()?, out)
}

pub(super) fn avro(builder: &ContextBuilder, out: &mut Output) -> Outcome {
    let schemas = builder.avro()?;
    if out.json {
        // As they are registered: the order of what stands in a schema is part of its text.
        let schemas: Vec<&str> = schemas.lines().collect();
        out.line(format!("[\n  {}\n]", schemas.join(",\n  ")))?;
        return Ok(Exit::Done);
    }
    lines(&schemas, out)
}

fn lines(text: &str, out: &mut Output) -> Outcome {
    match out.json {
        true => out.document(&text.lines().map(Value::from).collect())?,
        false => out.text(text)?,
    }
    Ok(Exit::Done)
}

pub(super) fn explain(builder: &ContextBuilder, arguments: &Explain, out: &mut Output) -> Outcome {
    builder.model().validate().map_err(Error::from)?;
    let names = || builder.model().queries().map(|query| query.name);
    let all: Vec<(&str, &Explanation<'_>)> = names().zip(builder.explanations()).collect();
    let chosen: Vec<_> = match &arguments.query {
        None => all,
        Some(query) => {
            let mut found = all;
            found.retain(|(name, _)| name == query);
            if found.is_empty() {
                return Err(unknown("query", query, names()));
            }
            found
        }
    };
    if out.json {
        let told = chosen.iter().map(|(name, explanation)| {
            json!({
                "query": name,
                "text": explanation.to_string(),
                "statements": explanation.statements(),
                "mermaid": explanation.mermaid(),
            })
        });
        out.document(&told.collect())?;
        return Ok(Exit::Done);
    }
    for (at, (_, explanation)) in chosen.iter().enumerate() {
        if at > 0 {
            out.line("")?;
        }
        out.text(&explanation.to_string())?;
        if arguments.mermaid {
            out.line("")?;
            out.text(&explanation.mermaid())?;
        }
    }
    Ok(Exit::Done)
}

/// Nothing has this name.
pub(super) fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    Failure::usage(unknown_name(what, name, known))
}

pub(super) async fn plan(builder: &ContextBuilder, out: &mut Output) -> Outcome {
    let plan = builder.plan().await?;
    show(&plan, out)?;
    Ok(match plan.refused().next() {
        Some(_) => Exit::Wrong,
        None => Exit::Done,
    })
}

fn show(plan: &Plan, out: &mut Output) -> Outcome<()> {
    match out.json {
        true => out.document(&plan.to_json()),
        false => out.text(&plan.to_string()),
    }
}

/// Something that is wrong, or may be.
struct Finding {
    severity: &'static str,
    code: String,
    text: String,
}

pub(super) async fn validate(
    builder: &ContextBuilder,
    arguments: &Validate,
    out: &mut Output,
) -> Outcome {
    let mut findings: Vec<Finding> = builder
        .validate()
        .iter()
        .map(|finding| Finding {
            severity: match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            code: finding.code.to_owned(),
            text: format!("{}; {}", finding.message, finding.help),
        })
        .collect();
    let config = builder.configuration();
    if let Err(error) = &config {
        findings.push(Finding {
            severity: "error",
            code: "configuration".to_owned(),
            text: error.to_string(),
        });
    }
    #[cfg(feature = "kafka")]
    if let Ok(config) = &config
        && let Err(error) = ContextBuilder::check_clients(config)
    {
        findings.push(Finding {
            severity: "error",
            code: "configuration".to_owned(),
            text: Chain(&error).to_string(),
        });
    }
    let sound = |findings: &[Finding]| findings.iter().all(|finding| finding.severity != "error");
    let cluster = config.is_ok_and(|config| config.cluster.bootstrap.is_some());
    let mut asked = "model and configuration";
    if sound(&findings) && cluster && !arguments.offline {
        asked = "model, configuration, and what the servers have";
        match builder.plan().await {
            Ok(plan) => findings.extend(plan.refused().flat_map(refused)),
            // A query that cannot be said, a definition that two have.
            Err(error) if !error.is_transient() => findings.push(Finding {
                severity: "error",
                code: "plan".to_owned(),
                text: Chain(&error).to_string(),
            }),
            Err(error) => return Err(error.into()),
        }
    }
    let valid = sound(&findings);
    if out.json {
        let findings = findings.iter().map(|finding| {
            json!({"severity": finding.severity, "code": finding.code, "text": finding.text})
        });
        let findings: Vec<Value> = findings.collect();
        out.document(&json!({"valid": valid, "checked": asked, "findings": findings}))?;
    } else {
        let mut rows = Rows::new(["severity", "code", "what"]);
        for finding in &findings {
            rows.push([finding.severity, &finding.code, &finding.text]);
        }
        if !rows.is_empty() {
            out.table(&rows)?;
        }
        match valid {
            true => out.line(format!("valid: {asked}"))?,
            false => out.line(format!("not valid: {asked}"))?,
        }
    }
    Ok(match valid {
        true => Exit::Done,
        false => Exit::Wrong,
    })
}

fn refused(step: &PlanStep) -> impl Iterator<Item = Finding> {
    step.differences().iter().map(|difference| Finding {
        severity: "error",
        code: "plan".to_owned(),
        text: format!("{}: {difference}", step.name),
    })
}
