//! Rules about field attributes and their combinations.

use super::types::described;
use super::{Findings, columns};
use crate::finding::Locus;
use crate::model::{Column, Entity, Role};
use crate::types::Type;

pub(super) fn check(entity: &Entity<'_>, findings: &mut Findings) {
    timestamps(entity, findings);
    for (index, column) in columns(entity) {
        defaults(index, column, findings);
    }
}

fn timestamps(entity: &Entity<'_>, findings: &mut Findings) {
    let marked: Vec<(usize, &Column<'_>)> = columns(entity)
        .filter(|(_, column)| column.timestamp)
        .collect();
    for (index, column) in &marked {
        if findings.failed(*index) {
            continue;
        }
        let locus = Locus::FieldAttribute(*index, "timestamp");
        match column.role {
            Role::Ignored => findings.error(
                "K0302",
                locus,
                format!(
                    "`{}` is not sent, so it cannot be the event time",
                    column.name
                ),
                "remove `#[kafka_ignore]` or `#[timestamp]`",
            ),
            Role::Key => findings.error(
                "K0303",
                locus,
                format!("the key column `{}` cannot be the event time", column.name),
                "mark a value column; a copy of a key is a value of its own",
            ),
            Role::WindowStart | Role::WindowEnd => findings.error(
                "K0304",
                locus,
                format!(
                    "`{}` is filled from the windowed key, not sent",
                    column.name
                ),
                "remove `#[timestamp]`",
            ),
            Role::Value if column.nullable => findings.error(
                "K0305",
                locus,
                format!("the event time `{}` cannot be an `Option`", column.name),
                "write the type without `Option`",
            ),
            Role::Value => {
                let fits = match column.ty {
                    Type::DateTime | Type::Int64 | Type::Unknown => true,
                    Type::String => column.datetime_format.is_some(),
                    _ => false,
                };
                if !fits {
                    findings.error(
                        "K0306",
                        locus,
                        format!("`#[timestamp]` needs a date-time, an `i64` of milliseconds, or a `String` with `#[datetime_format]`, and `{}` is {}", column.name, described(&column.ty)),
                        if column.ty == Type::String { "add `#[datetime_format(\"yyyy-MM-dd HH:mm:ss\")]`, or write the type `DateTime<Utc>`" } else { "write the type `DateTime<Utc>`" },
                    );
                }
            }
        }
    }
    if let [(first, one), (second, two), ..] = marked.as_slice() {
        findings.error(
            "K0301",
            Locus::FieldAttribute(*second, "timestamp"),
            format!(
                "`{}` and `{}` are both marked as the event time",
                one.name, two.name
            ),
            "keep `#[timestamp]` on one of them",
        );
        findings.also(
            Locus::FieldAttribute(*first, "timestamp"),
            format!("`{}` is the first event time", one.name),
        );
    }
}

fn defaults(index: usize, column: &Column<'_>, findings: &mut Findings) {
    let Some(default) = column.default else {
        return;
    };
    let locus = Locus::FieldAttribute(index, "default_value");
    if column.role != Role::Value {
        findings.error(
            "K0310",
            locus,
            format!(
                "`{}` is no value column: an Avro default would never be read",
                column.name
            ),
            "remove this attribute",
        );
        return;
    }
    if column.nullable {
        findings.error(
            "K0311",
            locus,
            format!(
                "an Avro default must fit the first branch, and that of the `Option` `{}` is null",
                column.name
            ),
            "remove this attribute (null is the default), or write the type without `Option`",
        );
        return;
    }
    let text = default.starts_with('"');
    let ty = if column.datetime_format.is_some() {
        Type::String
    } else {
        column.ty
    };
    let whole = |least: i64, most: i64| {
        default
            .parse::<i64>()
            .is_ok_and(|number| (least..=most).contains(&number))
    };
    let (fits, wanted) = match ty {
        Type::Boolean => (matches!(default, "true" | "false"), "`true` or `false`"),
        Type::Int16 => (
            whole(i16::MIN.into(), i16::MAX.into()),
            "a whole number that fits `i16`",
        ),
        Type::Int32 => (
            whole(i32::MIN.into(), i32::MAX.into()),
            "a whole number that fits `i32`",
        ),
        Type::Int64 => (whole(i64::MIN, i64::MAX), "a whole number that fits `i64`"),
        Type::Float32 | Type::Float64 => (
            !text && default.parse::<f64>().is_ok_and(f64::is_finite),
            "a number",
        ),
        Type::String => (text, "a string literal"),
        Type::Unknown => (true, ""),
        _ => {
            findings.error(
                "K0313",
                locus,
                format!(
                    "no default can be written for `{}`, which is {}",
                    column.name,
                    described(&ty)
                ),
                "remove this attribute, or make the field an `Option`: its default is null",
            );
            return;
        }
    };
    if !fits {
        findings.error(
            "K0312",
            locus,
            format!(
                "`{}` is {}, and its default must be {wanted}, not `{default}`",
                column.name,
                described(&ty)
            ),
            "write a literal of the field's type: `#[default_value(5)]`",
        );
    }
}
