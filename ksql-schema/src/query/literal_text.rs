//! Literals as KSQL text, at run time: what the macro writes for a literal, and what fills a parameter's place.
//!
//! Invariant: ksqlDB reads the very value and the very type back. A value whose plain text would be of another type is
//! written with a CAST; what no text says is `None`.

use super::node::Sql;
use super::words::sql_text;

/// A text: only the quote is escaped, by doubling it.
pub fn string(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// A truth.
pub fn boolean(value: bool) -> String {
    String::from(if value { "true" } else { "false" })
}

/// A whole number as it stands in a query, typed as [`super::literal::integer`] says.
pub fn number(value: i64) -> String {
    // ksqlDB reads the digits before the sign, and these have no positive counterpart.
    if value == i64::MIN {
        format!("CAST('{value}' AS BIGINT)")
    } else {
        value.to_string()
    }
}

/// An INTEGER.
pub fn integer(value: i32) -> String {
    if value == i32::MIN {
        format!("CAST({value} AS INTEGER)")
    } else {
        value.to_string()
    }
}

/// A BIGINT, also where its digits are those of an INTEGER.
pub fn bigint(value: i64) -> String {
    if super::literal::integer(value).ty == Sql::Integer {
        format!("CAST({value} AS BIGINT)")
    } else {
        number(value)
    }
}

/// A DOUBLE: the exponent is what makes it one. Infinities and NaN have no text.
pub fn double(value: f64) -> Option<String> {
    if !value.is_finite() {
        return None;
    }
    let text = format!("{value:E}");
    Some(match text.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
        _ => text,
    })
}

/// A decimal as it stands in a query (`dec!(1.50)`), typed as [`super::literal::decimal`] says.
pub fn decimal(digits: &str) -> Option<String> {
    let node = super::literal::decimal(digits);
    let Sql::Decimal { scale, .. } = node.ty else {
        return None;
    };
    let plain = digits.replace(['_', '+'], "");
    let (sign, plain) = match plain.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", plain.as_str()),
    };
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    Some(if scale == 0 {
        // Without digits behind the point it would be an INTEGER.
        format!("CAST({sign}{whole}.0 AS {})", sql_text(node.ty))
    } else {
        format!("{sign}{whole}.{fraction}")
    })
}

/// A decimal of a given size, from its unscaled value.
pub fn sized_decimal(unscaled: i128, precision: u32, scale: u32) -> String {
    let digits = unscaled.unsigned_abs().to_string();
    let width = scale as usize + 1;
    let digits = format!("{digits:0>width$}");
    let (whole, fraction) = digits.split_at(digits.len() - scale as usize);
    let fraction = if fraction.is_empty() { "0" } else { fraction };
    let sign = if unscaled < 0 { "-" } else { "" };
    let ty = sql_text(Sql::Decimal { precision, scale });
    format!("CAST({sign}{whole}.{fraction} AS {ty})")
}

/// A NULL of a type.
pub fn null(ty: Sql) -> String {
    format!("CAST(NULL AS {})", sql_text(ty))
}

/// Bytes.
pub fn bytes(value: &[u8]) -> String {
    let digits: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("TO_BYTES('{digits}', 'hex')")
}

/// A DATE from the days since 1970-01-01; of the years 0 to 9999.
pub fn date(days: i32) -> Option<String> {
    Some(format!("CAST('{}' AS DATE)", day(i64::from(days))?))
}

/// A TIME from the milliseconds of the day.
pub fn time(millis: i32) -> Option<String> {
    let millis = u32::try_from(millis)
        .ok()
        .filter(|millis| *millis < 86_400_000)?;
    Some(format!("CAST('{}' AS TIME)", clock(millis)))
}

/// A TIMESTAMP from the milliseconds since 1970-01-01 UTC; of the years 0 to 9999.
pub fn timestamp(millis: i64) -> Option<String> {
    let day = day(millis.div_euclid(86_400_000))?;
    let clock = clock(u32::try_from(millis.rem_euclid(86_400_000)).ok()?);
    Some(format!("CAST('{day}T{clock}' AS TIMESTAMP)"))
}

/// The day so many days after 1970-01-01, in the calendar of today for all times.
fn day(days: i64) -> Option<String> {
    // Counted from 0000-03-01, so that the leap day ends a year; 146097 days are 400 years.
    let days = days.checked_add(719_468)?;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (0..=9999)
        .contains(&year)
        .then(|| format!("{year:04}-{month:02}-{day:02}"))
}

fn clock(millis: u32) -> String {
    let seconds = millis / 1000;
    format!(
        "{:02}:{:02}:{:02}.{:03}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        millis % 1000
    )
}

#[cfg(test)]
mod tests;
