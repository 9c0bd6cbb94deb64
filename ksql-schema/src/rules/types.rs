//! Rules about field types: what may be a key, decimals, what an attribute applies to.

use super::{Findings, columns, consts};
use crate::datetime_format::Pattern;
use crate::finding::Locus;
use crate::model::{Column, Entity, Kind, Role};
use crate::types::Type;

/// What can be a key, for messages.
pub(crate) const KEYS: &str = "only `i32`, `i64`, `String` and `Uuid` can be key columns";

pub(super) fn check(entity: &Entity<'_>, findings: &mut Findings) {
    for (index, column) in columns(entity) {
        match column.role {
            // Attributes on what is not sent are judged as such, not by its type.
            Role::Ignored => continue,
            Role::Key => key(entity, index, column, findings),
            Role::Value | Role::WindowStart | Role::WindowEnd => {}
        }
        record_names(entity, index, column, findings);
        decimal(index, column, findings);
        formats(index, column, findings);
        lengths(index, column, findings);
    }
}

fn key(entity: &Entity<'_>, index: usize, column: &Column<'_>, findings: &mut Findings) {
    let locus = Locus::FieldType(index);
    // Records of a stream may have no key, and a key of several columns NULLs among them.
    if column.nullable && entity.kind == Kind::Table {
        findings.error(
            "K0201",
            locus,
            format!(
                "the key column `{}` cannot be an `Option`: a record without a key is in no table",
                column.name
            ),
            "write the type without `Option`",
        );
        return;
    }
    if contains_map(&column.ty) {
        findings.error(
            "K0202",
            locus,
            "a key cannot contain a map",
            format!("{KEYS}; put the map into a value column"),
        );
        return;
    }
    if consts::may_be_key(&column.ty) {
        return;
    }
    let help = match column.ty {
        Type::Int16 => "write `i32`",
        Type::Boolean => "write `i32`, or make it part of a `String`",
        Type::Float32 | Type::Float64 => {
            "write `i64` in the smallest unit: floating point has no exact equality"
        }
        Type::Decimal { .. } => "write `i64` in the smallest unit, or `String`",
        Type::DateTime | Type::Time => "write `i64` milliseconds",
        Type::Date => "write `i32` days, or `String`",
        Type::Bytes | Type::Enum => "write `String`",
        _ => "write one `#[key]` field for each part",
    };
    findings.error(
        "K0203",
        locus,
        format!("{} cannot be a key column: {KEYS}", described(&column.ty)),
        help,
    );
}

fn contains_map(ty: &Type<'_>) -> bool {
    match ty {
        Type::Map(_) => true,
        Type::Array(item) => contains_map(&item.ty),
        Type::Struct(record) => record.fields.iter().any(|field| contains_map(&field.ty)),
        _ => false,
    }
}

fn decimal(index: usize, column: &Column<'_>, findings: &mut Findings) {
    let (declared, ty) = (column.decimal_precision, &column.ty);
    let attribute = Locus::FieldAttribute(index, "decimal_precision");
    match (declared, ty) {
        (None, Type::Decimal { precision: 0, .. }) => {
            findings.error(
                "K0210",
                Locus::FieldType(index),
                format!(
                    "the decimal `{}` has no precision: there is no default that would be right",
                    column.name
                ),
                "write `#[decimal_precision(18, 4)]`: all digits, and those after the point",
            );
        }
        (Some((precision, scale)), Type::Decimal { .. } | Type::Unknown) => {
            if !(1..=28).contains(&precision) {
                findings.error("K0211", attribute, format!("the precision of a `Decimal` is 1 to 28, not {precision}"), "precision counts all digits: (9, 4) has five before the point; `Dec<38, 4>` holds more");
            } else if scale > precision {
                findings.error(
                    "K0212",
                    attribute,
                    format!("the scale {scale} is more than the precision {precision}"),
                    "precision counts all digits: (9, 4) has five before the point",
                );
            }
        }
        (Some(_), _) => {
            findings.error(
                "K0213",
                attribute,
                format!(
                    "`#[decimal_precision]` is for `Decimal`, and `{}` is {}",
                    column.name,
                    described(ty)
                ),
                "remove this attribute, or write the type `Decimal`",
            );
        }
        _ => {}
    }
}

fn formats(index: usize, column: &Column<'_>, findings: &mut Findings) {
    if let (Some(pattern), Role::Value) = (column.datetime_format, column.role) {
        let locus = Locus::FieldAttribute(index, "datetime_format");
        if !consts::may_be_formatted(&column.ty) {
            findings.error("K0220", locus, format!("`#[datetime_format]` is for `String`, `DateTime`, `NaiveDate` and `NaiveTime`, and `{}` is {}", column.name, described(&column.ty)), "remove this attribute");
        } else {
            match Pattern::parse(pattern) {
                Err(defect) => findings.error(
                    "K0221",
                    locus,
                    defect,
                    "write for example `#[datetime_format(\"yyyy-MM-dd HH:mm:ss\")]`",
                ),
                Ok(read) => covers(index, column, &read, findings),
            }
        }
    }
    if column.avro_timestamp && !matches!(column.ty, Type::DateTime | Type::Unknown) {
        findings.error(
            "K0222",
            Locus::FieldAttribute(index, "avro_timestamp"),
            format!(
                "`#[avro_timestamp]` is for `DateTime`, and `{}` is {}",
                column.name,
                described(&column.ty)
            ),
            "remove this attribute, or write the type `DateTime<Utc>`",
        );
    } else if column.avro_timestamp && column.datetime_format.is_some() {
        findings.error(
            "K0223",
            Locus::FieldAttribute(index, "avro_timestamp"),
            "`#[avro_timestamp]` makes milliseconds, `#[datetime_format]` makes text",
            "remove one of them",
        );
    }
}

/// A pattern must hold what its type holds, or writing would lose it. (What is finer than a second may be left out: it is
/// cut off, as what is finer than a millisecond is everywhere.) An event time needs its date whatever its type.
fn covers(index: usize, column: &Column<'_>, pattern: &Pattern, findings: &mut Findings) {
    let [moment, date, time] = pattern.missing();
    let missing = match column.ty {
        Type::DateTime => moment,
        Type::Date => date,
        Type::Time => time,
        _ if column.timestamp => date,
        _ => "",
    };
    if missing.is_empty() {
        return;
    }
    findings.error(
        "K0224",
        Locus::FieldAttribute(index, "datetime_format"),
        format!(
            "the pattern lacks {missing} of `{}`: reading could not restore it",
            column.name
        ),
        "write for example `#[datetime_format(\"yyyy-MM-dd HH:mm:ss\")]`",
    );
}

/// Nested records are named by the path to them, joined by `_`, which a field's name may hold too.
fn record_names(entity: &Entity<'_>, index: usize, column: &Column<'_>, findings: &mut Findings) {
    if column.role == Role::Value && consts::record_twin(entity.columns, column) {
        findings.error(
            "K0127",
            Locus::FieldName(index),
            format!(
                "two records inside `{0}`, or one of them and one of a field before, would have one Avro name: the path to them, joined by `_`",
                column.name
            ),
            "rename a field on one of the two paths",
        );
    }
}

fn lengths(index: usize, column: &Column<'_>, findings: &mut Findings) {
    let Some(length) = column.max_length else {
        return;
    };
    let locus = Locus::FieldAttribute(index, "max_length");
    if !consts::may_have_length(&column.ty) {
        findings.error(
            "K0230",
            locus,
            format!(
                "`#[max_length]` is for `String` and `Vec<u8>`, and `{}` is {}",
                column.name,
                described(&column.ty)
            ),
            "remove this attribute",
        );
    } else if length == 0 {
        findings.error(
            "K0231",
            locus,
            format!("`#[max_length(0)]` lets no value of `{}` pass", column.name),
            "write the longest length allowed: `#[max_length(12)]`",
        );
    }
}

/// A type in a user's words.
pub(super) fn described(ty: &Type<'_>) -> String {
    match ty {
        Type::Struct(record) => format!("the struct `{}`", record.name),
        other => consts::described(other).to_owned(),
    }
}
