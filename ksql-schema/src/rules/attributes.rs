//! Rules about field attributes and their combinations.

use super::types::described;
use super::{Findings, columns, consts};
use crate::datetime_format::Pattern;
use crate::default_value;
use crate::finding::Locus;
use crate::model::{Column, Entity, Role};
use crate::types::Type;

pub(super) fn check(entity: &Entity<'_>, findings: &mut Findings) {
    timestamps(entity, findings);
    for (index, column) in columns(entity) {
        idle(index, column, findings);
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
                if !consts::may_be_event_time(&column.ty, column.datetime_format.is_some()) {
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
    let ty = match column.datetime_format {
        Some(_) => Type::String,
        None => column.ty,
    };
    if !default_value::has_form(&ty) {
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
    let number = default.parse::<f64>().unwrap_or_default();
    if !default_value::fits(&ty, default, number) {
        let (what, example) = match column.datetime_format {
            Some(pattern) => ("written as text".to_owned(), pattern),
            None => (described(&ty), default_value::example(&ty)),
        };
        findings.error(
            "K0312",
            locus,
            format!(
                "`{}` is {what}, and its default must be {}, not `{default}`",
                column.name,
                default_value::wanted(&ty)
            ),
            format!("write for example `{example}`"),
        );
        return;
    }
    held_to_the_others(index, column, default, findings);
}

/// A default is a value of the column: what its other attributes ask of a value they ask of it.
fn held_to_the_others(index: usize, column: &Column<'_>, default: &str, findings: &mut Findings) {
    let locus = Locus::FieldAttribute(index, "default_value");
    let Some(text) = default_value::text(default) else {
        return;
    };
    let pattern = column
        .datetime_format
        .and_then(|text| Pattern::parse(text).ok());
    if let Some(Err(defect)) = pattern.map(|pattern| pattern.read(&text)) {
        findings.error(
            "K0314",
            locus,
            format!(
                "the default of `{}` is none that its `#[datetime_format]` reads: {defect}",
                column.name
            ),
            format!(
                "write it as `{}`",
                column.datetime_format.unwrap_or_default()
            ),
        );
        return;
    }
    let length = text.chars().count();
    if let Some(most) = column.max_length.filter(|most| length > *most as usize) {
        findings.error(
            "K0315",
            locus,
            format!(
                "the default of `{}` is {length} long, and its `#[max_length]` allows {most}",
                column.name
            ),
            "write a shorter default, or allow a longer value",
        );
    }
}

/// Attributes about how a value is written, on what is not written as a value.
fn idle(index: usize, column: &Column<'_>, findings: &mut Findings) {
    let ignored = column.role == Role::Ignored;
    let what = match column.role {
        Role::Value => return,
        Role::Key => "a key column and has a form of its own",
        Role::WindowStart | Role::WindowEnd => "filled from the windowed key",
        Role::Ignored => "not sent",
    };
    let written = [
        ("datetime_format", column.datetime_format.is_some()),
        ("avro_timestamp", column.avro_timestamp),
        ("max_length", ignored && column.max_length.is_some()),
        (
            "decimal_precision",
            ignored && column.decimal_precision.is_some(),
        ),
    ];
    for (attribute, _) in written.into_iter().filter(|(_, written)| *written) {
        if !findings.failed(index) {
            findings.error(
                "K0320",
                Locus::FieldAttribute(index, attribute),
                format!(
                    "`#[{attribute}]` means nothing on `{}`, which is {what}",
                    column.name
                ),
                "remove this attribute",
            );
        }
    }
}
