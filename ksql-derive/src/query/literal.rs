//! Literals: numbers, texts, `dec!(..)`, and texts that mean something to a function.

use ksql_schema::datetime_format::Pattern;
use ksql_schema::query::{Function, literal};
use ksql_schema::regular_expression::defect;
use syn::Lit;

use super::expression::Reader;
use super::tree::{Expr, Kind, Tree};
use crate::errors::Place;

impl Reader<'_> {
    pub(crate) fn literal(&mut self, lit: &Lit, negative: bool, place: Place) -> Tree {
        let kind = match lit {
            Lit::Bool(value) => Kind::Boolean(value.value),
            Lit::Str(value) => Kind::Text(value.value()),
            Lit::Char(value) => Kind::Text(value.value().to_string()),
            Lit::Int(int) => return self.whole(int, negative, place),
            Lit::Float(float) => {
                let sign = if negative { "-" } else { "" };
                if !matches!(float.suffix(), "" | "f64") {
                    return self.broken(
                        place,
                        format!("KSQL has no `{}`", float.suffix()),
                        "write the number without a suffix: it is a DOUBLE",
                    );
                }
                match format!("{sign}{}", float.base10_digits()).parse::<f64>() {
                    Ok(value) if value.is_finite() => Kind::Double(value),
                    _ => {
                        return self.broken(
                            place,
                            "this number is larger than a DOUBLE can be",
                            "write a smaller one",
                        );
                    }
                }
            }
            _ => {
                return self.broken(
                    place,
                    "KSQL has no literal of this kind",
                    "write a number, a text, `true` or `false`; bytes are `\"cafe\".to_bytes(\"hex\")`",
                );
            }
        };
        Expr::new(kind, place)
    }

    fn whole(&mut self, int: &syn::LitInt, negative: bool, place: Place) -> Tree {
        let sign = if negative { "-" } else { "" };
        let digits = format!("{sign}{}", int.base10_digits());
        let value = digits.parse::<i64>();
        let kind = match (int.suffix(), value) {
            ("f64", _) => match digits.parse::<f64>() {
                Ok(value) => Kind::Double(value),
                Err(_) => Kind::Broken,
            },
            ("" | "i64" | "i32", Err(_)) => {
                return self.broken(
                    place,
                    "this number is larger than a BIGINT can be",
                    "write it as a decimal: `dec!(..)`",
                );
            }
            ("", Ok(value)) => Kind::Integer(value),
            ("i32", Ok(value)) if i32::try_from(value).is_ok() => Kind::Integer(value),
            ("i64", Ok(value)) => Kind::Long(value),
            (suffix, _) => {
                return self.broken(
                    place,
                    format!("KSQL has no `{suffix}`"),
                    "write the number without a suffix, or with `i32`, `i64` or `f64`",
                );
            }
        };
        Expr::new(kind, place)
    }

    pub(super) fn macro_call(&mut self, call: &syn::Macro, place: Place) -> Tree {
        let name = call.path.segments.last().map(|last| last.ident.to_string());
        match name.as_deref() {
            Some("dec") => {
                let digits: String = call
                    .tokens
                    .to_string()
                    .chars()
                    .filter(|letter| !letter.is_whitespace() && *letter != '_')
                    .collect();
                let node = literal::decimal(&digits);
                if node.is_unknown() || node.precision() > 38 {
                    return self.broken(
                        place,
                        "this is no decimal of at most 38 digits",
                        "write its digits: `dec!(1.50)`",
                    );
                }
                Expr::new(Kind::Decimal(digits), place)
            }
            Some("matches") => self.matches(call, place),
            Some("vec") => self.vec(call, place),
            _ => self.broken(
                Place::of(&call.path),
                "this macro cannot be said in KSQL",
                "the ones there are: `dec!(1.50)`, `vec![r.a, r.b]`, `matches!(r.kind, \"a\" | \"b\")`; texts are joined by `.concat(..)`",
            ),
        }
    }

    /// Literals that mean something: what is wrong with them shows now and not as a NULL later.
    pub(super) fn check_literals(&mut self, function: Function, arguments: &[Tree]) {
        use Function as F;
        let literal = |index: usize| match arguments.get(index).map(|tree| (&tree.kind, tree.place))
        {
            Some((Kind::Text(text), place)) => Some((text.clone(), place)),
            _ => None,
        };
        let (pattern, zones): (Option<usize>, &[usize]) = match function {
            F::FormatTimestamp | F::ParseTimestamp => (Some(1), &[2]),
            F::FormatDate | F::FormatTime | F::Format | F::ParseDate | F::ParseTime => {
                (Some(1), &[])
            }
            F::ConvertTz => (None, &[1, 2]),
            _ => (None, &[]),
        };
        if let Some((text, place)) = pattern.and_then(literal)
            && let Err(defect) = Pattern::parse(&text)
        {
            self.error(
                place,
                defect,
                "patterns are those of Java's `DateTimeFormatter`, such as `yyyy-MM-dd HH:mm:ss`",
            );
        }
        for (text, place) in zones.iter().filter_map(|index| literal(*index)) {
            if !is_zone(&text) {
                self.error(
                    place,
                    format!("`{text}` is no zone that both engines know alike"),
                    "write `UTC` or an offset such as `+02:00`",
                );
            }
        }
        let (words, what, help): (&[&str], _, _) = match function {
            F::ToBytes | F::FromBytes | F::Encode => (
                &["hex", "utf8", "ascii", "base64"],
                "encoding of bytes",
                "write `hex`, `utf8`, `ascii` or `base64`",
            ),
            F::IntFromBytes | F::BigintFromBytes | F::DoubleFromBytes => (
                &["BIG_ENDIAN", "LITTLE_ENDIAN"],
                "order of bytes",
                "write `BIG_ENDIAN` or `LITTLE_ENDIAN`",
            ),
            F::ArraySort => (
                &["ASC", "ASCENDING", "DESC", "DESCENDING"],
                "order of elements",
                "write `ASC` or `DESC`",
            ),
            _ => (&[], "", ""),
        };
        if !words.is_empty() {
            for (text, place) in (1..arguments.len()).filter_map(literal) {
                if !words.contains(&text.as_str()) {
                    self.error(place, format!("`{text}` is no {what}"), help);
                }
            }
        }
        match function {
            F::Mask => {
                for (text, place) in (1..arguments.len()).filter_map(literal) {
                    if text.encode_utf16().count() != 1 {
                        self.error(
                            place,
                            format!("a mask is one character, not `{text}`"),
                            "write `.mask(\"X\", \"x\", \"n\", \"-\")`",
                        );
                    }
                }
            }
            F::RegexpExtract => {
                if let Some((text, place)) = literal(1)
                    && let Some(defect) = defect(&text, arguments.len() > 2)
                {
                    self.error(
                        place,
                        format!("both engines do not match this pattern alike: it has {defect}"),
                        "write it with letters, `.`, `[..]`, `(..)`, `(?:..)`, `|`, `*`, `+`, `?`, `{2,3}`, `^` in front and `$` at the end",
                    );
                }
            }
            F::ExtractJsonField => {
                if let Some((text, place)) = literal(1)
                    && !text.starts_with('$')
                {
                    self.error(
                        place,
                        "a path into JSON starts at its root, `$`",
                        format!("write `\"$.{}\"`", text.trim_start_matches('.')),
                    );
                }
            }
            _ => {}
        }
    }
}

/// Zones whose rules never change.
fn is_zone(text: &str) -> bool {
    let offset = ["UTC", "GMT", "UT"]
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix))
        .unwrap_or(text);
    if offset.is_empty() || offset == "Z" {
        return !text.is_empty();
    }
    let Some(digits) = offset.strip_prefix(['+', '-']) else {
        return false;
    };
    let parts: Vec<&str> = digits.split(':').collect();
    let numbers = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
    parts.iter().all(numbers)
        && match parts.as_slice() {
            [hours] => matches!(hours.len(), 1 | 2 | 4),
            [hours, minutes] => matches!(hours.len(), 1 | 2) && minutes.len() == 2,
            _ => false,
        }
}
