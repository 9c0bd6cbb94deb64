//! Decisions about types as `const fn`s: shared by the rules and by checks that generated code makes in constants, where
//! an alias is seen through.
//!
//! Checks panic with the rule's text: in a constant that is a compile error at the call.

use crate::types::Type;

/// Whether a type can be a key column.
pub const fn may_be_key(ty: &Type<'_>) -> bool {
    matches!(
        ty,
        Type::Int32 | Type::Int64 | Type::String | Type::Uuid | Type::Unknown
    )
}

/// Whether `#[datetime_format]` applies.
pub const fn may_be_formatted(ty: &Type<'_>) -> bool {
    matches!(
        ty,
        Type::String | Type::DateTime | Type::Date | Type::Time | Type::Unknown
    )
}

/// Whether `#[max_length]` applies.
pub const fn may_have_length(ty: &Type<'_>) -> bool {
    matches!(ty, Type::String | Type::Bytes | Type::Unknown)
}

/// Refuses a key column that may be null.
#[track_caller]
#[allow(clippy::panic, reason = "in a constant a panic is the compile error")]
pub const fn check_key(nullable: bool) {
    if nullable {
        panic!("a key column cannot be an `Option`: write the type without it");
    }
}

/// Refuses an event time that is none.
#[track_caller]
#[allow(clippy::panic, reason = "in a constant a panic is the compile error")]
pub const fn check_timestamp(ty: &Type<'_>, nullable: bool, formatted: bool) {
    if nullable || !(matches!(ty, Type::DateTime | Type::Int64) || formatted) {
        panic!(
            "`#[timestamp]` needs a date-time, an `i64` of milliseconds, or a `String` with `#[datetime_format]`"
        );
    }
}

/// Refuses a maximum length on what has none.
#[track_caller]
#[allow(clippy::panic, reason = "in a constant a panic is the compile error")]
pub const fn check_max_length(ty: &Type<'_>) {
    if !may_have_length(ty) {
        panic!("`#[max_length]` is for `String` and `Vec<u8>`: remove this attribute");
    }
}

/// Refuses `#[avro_timestamp]` on what is no date-time.
#[track_caller]
#[allow(clippy::panic, reason = "in a constant a panic is the compile error")]
pub const fn check_avro_timestamp(ty: &Type<'_>) {
    if !matches!(ty, Type::DateTime) {
        panic!("`#[avro_timestamp]` is for `DateTime`: remove this attribute");
    }
}

/// Refuses window bounds that are no time.
#[track_caller]
#[allow(clippy::panic, reason = "in a constant a panic is the compile error")]
pub const fn check_window_bound(ty: &Type<'_>, nullable: bool) {
    if nullable || !matches!(ty, Type::DateTime | Type::Int64) {
        panic!("a window's bound needs `DateTime<Utc>` or an `i64` of milliseconds");
    }
}

/// Refuses a decimal whose precision nothing states.
#[track_caller]
#[allow(clippy::panic, reason = "in a constant a panic is the compile error")]
pub const fn check_decimal(ty: &Type<'_>) {
    if let Type::Decimal { precision: 0, .. } = ty {
        panic!(
            "a decimal needs `#[decimal_precision(18, 4)]`: all digits, and those after the point"
        );
    }
}
