//! All rules over one entity, and over the whole model.
//!
//! The derive runs [`validate`] while the struct is compiled and puts each finding on its token; tests, CI and start run
//! [`validate_model`], which is the only place that sees several entities. What the macro cannot see because a type hides
//! behind an alias, generated code asks again in constants ([`consts`]), by the same decisions.
//!
//! Cross-field rules are skipped for fields that already failed: one mistake, one message.

mod attributes;
pub mod consts;
pub mod converted;
mod entity;
mod model;
mod queries;
mod types;
mod windows;

pub use model::{ModelFinding, validate_model, validate_queries};
pub use queries::{parameter_finding, start_order};

use crate::finding::{Finding, Locus, Severity};
use crate::model::{Column, Entity};

/// Every finding about one entity.
pub fn validate(entity: &Entity<'_>) -> Vec<Finding> {
    let mut findings = Findings::default();
    entity::check(entity, &mut findings);
    types::check(entity, &mut findings);
    attributes::check(entity, &mut findings);
    windows::check(entity, &mut findings);
    findings.list
}

/// K0126: what is wrong with a field in mixed case, and what to write instead.
pub fn mixed_case(name: &str) -> [String; 2] {
    [
        format!(
            "ksqlDB reads NULL from the Avro field `{name}`: it looks for `{}` and `{}` only",
            name.to_ascii_uppercase(),
            name.to_ascii_lowercase()
        ),
        format!("write `{}`", crate::names::snake_case(name)),
    ]
}

/// Findings as they are collected.
#[derive(Debug, Default)]
struct Findings {
    list: Vec<Finding>,
}

impl Findings {
    fn error(
        &mut self,
        code: &'static str,
        locus: Locus,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(code, Severity::Error, locus, message.into(), help.into());
    }

    fn warning(
        &mut self,
        code: &'static str,
        locus: Locus,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(code, Severity::Warning, locus, message.into(), help.into());
    }

    fn push(
        &mut self,
        code: &'static str,
        severity: Severity,
        locus: Locus,
        message: String,
        help: String,
    ) {
        self.list.push(Finding {
            code,
            severity,
            locus,
            related: None,
            message,
            help,
        });
    }

    /// Names a second place of the last finding.
    fn also(&mut self, locus: Locus, text: impl Into<String>) {
        if let Some(last) = self.list.last_mut() {
            last.related = Some((locus, text.into()));
        }
    }

    /// Whether a field already failed.
    fn failed(&self, field: usize) -> bool {
        self.list.iter().any(|finding| {
            finding.severity == Severity::Error
                && matches!(finding.locus, Locus::FieldName(at) | Locus::FieldType(at) | Locus::FieldAttribute(at, _) if at == field)
        })
    }
}

/// Columns with their positions.
fn columns<'e, 'a>(entity: &'e Entity<'a>) -> impl Iterator<Item = (usize, &'e Column<'a>)> {
    entity.columns.iter().enumerate()
}
