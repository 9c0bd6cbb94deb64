//! Conditions on rows as they are typed: `price > 10 and symbol = 'EURUSD'`.
//!
//! Columns are compared with values of their own type: numbers with numbers whatever their digits, moments with moments whatever their zone.
//! A comparison with NULL does not hold, as in KSQL; `is null` asks for it. Pure: a text becomes a tree, and a row either fits or does not.

use std::cmp::Ordering;
use std::str::FromStr as _;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use ksql_schema::Type;
use ksql_schema::model::{Column, Role};
use rust_decimal::Decimal;
use serde_json::Value;

use super::exit::{listed, nearest};
use super::view::Columns;

/// A condition of known columns.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
    Null {
        column: String,
    },
    Like {
        column: String,
        pattern: String,
    },
    Compare {
        column: String,
        comparison: Comparison,
        value: Literal,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// A value as a column of its type is compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Number(Decimal),
    Double(f64),
    Text(String),
    Flag(bool),
    Moment(DateTime<Utc>),
}

impl Condition {
    /// Reads a condition on these columns.
    pub(super) fn parse(text: &str, columns: &[Column<'_>]) -> Result<Condition, String> {
        let tokens = tokens(text)?;
        let mut parser = Parser {
            tokens: &tokens,
            at: 0,
            columns,
        };
        let condition = parser.either()?;
        match parser.tokens.get(parser.at) {
            None => Ok(condition),
            Some(token) => Err(format!(
                "`{token}` is not expected here: conditions are joined by `and` and `or`"
            )),
        }
    }

    /// Whether it holds of a row.
    pub(super) fn holds(&self, row: &Columns) -> bool {
        match self {
            Condition::And(one, other) => one.holds(row) && other.holds(row),
            Condition::Or(one, other) => one.holds(row) || other.holds(row),
            Condition::Not(one) => !one.holds(row),
            Condition::Null { column } => row.get(column).is_none_or(Value::is_null),
            Condition::Like { column, pattern } => match row.get(column) {
                Some(Value::String(text)) => like(text, pattern),
                _ => false,
            },
            Condition::Compare {
                column,
                comparison,
                value,
            } => row
                .get(column)
                .and_then(|found| value.compared(found))
                .is_some_and(|order| comparison.is(order)),
        }
    }
}

impl Comparison {
    fn is(self, order: Ordering) -> bool {
        match self {
            Comparison::Equal => order == Ordering::Equal,
            Comparison::Unequal => order != Ordering::Equal,
            Comparison::Less => order == Ordering::Less,
            Comparison::AtMost => order != Ordering::Greater,
            Comparison::More => order == Ordering::Greater,
            Comparison::AtLeast => order != Ordering::Less,
        }
    }
}

impl Literal {
    /// A value of a column's type from what was typed, quoted or not.
    pub(super) fn of(column: &Column<'_>, text: &str) -> Result<Literal, String> {
        let wrong =
            |expected: &str| format!("`{text}` is no value of `{}`: {expected}", column.name);
        // A text with a pattern is a text to whoever reads it.
        if column.datetime_format.is_some() {
            return Ok(Literal::Text(text.to_owned()));
        }
        let moment = matches!(column.role, Role::WindowStart | Role::WindowEnd);
        Ok(match column.ty {
            Type::Boolean => {
                Literal::Flag(text.parse().map_err(|_| wrong("it is `true` or `false`"))?)
            }
            Type::Int16 | Type::Int32 | Type::Int64 if !moment => Literal::Number(
                text.parse::<i64>()
                    .map(Decimal::from)
                    .map_err(|_| wrong("it is a whole number"))?,
            ),
            Type::Float32 | Type::Float64 => {
                Literal::Double(text.parse().map_err(|_| wrong("it is a number"))?)
            }
            Type::Decimal { .. } => Literal::Number(
                Decimal::from_str(text)
                    .or_else(|_| Decimal::from_scientific(text))
                    .map_err(|_| wrong("it is a number"))?,
            ),
            Type::DateTime => Literal::Moment(moment_of(text).ok_or_else(|| {
                wrong("it is a moment like `2024-05-08T11:30:00Z`, or a day like `2024-05-08`")
            })?),
            _ if moment => Literal::Moment(moment_of(text).ok_or_else(|| {
                wrong("it is a moment like `2024-05-08T11:30:00Z`, or a day like `2024-05-08`")
            })?),
            Type::Array(_) | Type::Map(_) | Type::Struct(_) => {
                return Err(format!(
                    "`{}` is no single value, and cannot be compared",
                    column.name
                ));
            }
            _ => Literal::Text(text.to_owned()),
        })
    }

    /// How what was found stands to it; nothing where they cannot be compared, as with NULL.
    pub(super) fn compared(&self, found: &Value) -> Option<Ordering> {
        match (self, found) {
            (Literal::Number(number), Value::Number(found)) => {
                Decimal::from_str(&found.to_string())
                    .ok()
                    .map(|found| found.cmp(number))
            }
            (Literal::Number(number), Value::String(found)) => {
                Decimal::from_str(found).ok().map(|found| found.cmp(number))
            }
            (Literal::Double(number), Value::Number(found)) => found.as_f64()?.partial_cmp(number),
            (Literal::Text(text), Value::String(found)) => Some(found.as_str().cmp(text)),
            (Literal::Flag(flag), Value::Bool(found)) => Some(found.cmp(flag)),
            (Literal::Moment(moment), Value::String(found)) => Some(moment_of(found)?.cmp(moment)),
            _ => None,
        }
    }
}

/// A moment as people write it: with a zone, without one in UTC, or a day.
pub(super) fn moment_of(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Some(moment.to_utc());
    }
    for format in [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M",
    ] {
        if let Ok(moment) = NaiveDateTime::parse_from_str(text, format) {
            return Some(moment.and_utc());
        }
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(day.and_hms_opt(0, 0, 0)?.and_utc())
}

/// `%` is any text, `_` any character.
fn like(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.chars();
    match parts.next() {
        None => text.is_empty(),
        Some('%') => {
            let rest = parts.as_str();
            let mut tails = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            tails.any(|at| like(text.get(at..).unwrap_or_default(), rest))
        }
        Some(wanted) => {
            let mut letters = text.chars();
            letters.next().is_some_and(|letter| {
                (wanted == '_' || wanted == letter) && like(letters.as_str(), parts.as_str())
            })
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Symbol(&'static str),
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Token::Word(word) => f.write_str(word),
            Token::Quoted(text) => write!(f, "'{text}'"),
            Token::Symbol(symbol) => f.write_str(symbol),
        }
    }
}

const SYMBOLS: [&str; 10] = ["<=", ">=", "<>", "!=", "==", "=", "<", ">", "(", ")"];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            tokens.push(Token::Symbol(symbol));
            rest = rest.get(symbol.len()..).unwrap_or_default();
        } else if first == '\'' || first == '"' {
            let (quoted, after) = quoted(rest, first)?;
            tokens.push(Token::Quoted(quoted));
            rest = after;
        } else {
            let ends = |c: char| c.is_whitespace() || "<>=!()'\"".contains(c);
            let end = rest.find(ends).unwrap_or(rest.len()).max(first.len_utf8());
            let (word, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            tokens.push(Token::Word(word.to_owned()));
            rest = after;
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

/// A text in quotes, which stand twice in it for themselves, and what comes behind.
fn quoted(text: &str, quote: char) -> Result<(String, &str), String> {
    let mut out = String::new();
    let mut rest = text.get(quote.len_utf8()..).unwrap_or_default();
    loop {
        let Some((part, after)) = rest.split_once(quote) else {
            return Err(format!("the text {text} has no end: a {quote} is missing"));
        };
        out.push_str(part);
        match after.strip_prefix(quote) {
            Some(after) => {
                out.push(quote);
                rest = after;
            }
            None => return Ok((out, after)),
        }
    }
}

struct Parser<'t, 'c> {
    tokens: &'t [Token],
    at: usize,
    columns: &'t [Column<'c>],
}

impl<'t> Parser<'t, '_> {
    fn next(&mut self) -> Option<&'t Token> {
        let token = self.tokens.get(self.at);
        self.at += 1;
        token
    }

    fn eat(&mut self, keyword: &str) -> bool {
        let is = matches!(self.tokens.get(self.at), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.at += usize::from(is);
        is
    }

    fn either(&mut self) -> Result<Condition, String> {
        let mut condition = self.both()?;
        while self.eat("or") {
            condition = Condition::Or(Box::new(condition), Box::new(self.both()?));
        }
        Ok(condition)
    }

    fn both(&mut self) -> Result<Condition, String> {
        let mut condition = self.one()?;
        while self.eat("and") {
            condition = Condition::And(Box::new(condition), Box::new(self.one()?));
        }
        Ok(condition)
    }

    fn one(&mut self) -> Result<Condition, String> {
        if self.eat("not") {
            return Ok(Condition::Not(Box::new(self.one()?)));
        }
        match self.next() {
            Some(Token::Symbol("(")) => {
                let condition = self.either()?;
                match self.next() {
                    Some(Token::Symbol(")")) => Ok(condition),
                    _ => Err("a `)` is missing".to_owned()),
                }
            }
            Some(Token::Word(name)) => self.comparison(name),
            Some(token) => Err(format!("`{token}` stands where a column is expected")),
            None => Err("a comparison is missing, like `price > 10`".to_owned()),
        }
    }

    fn comparison(&mut self, name: &str) -> Result<Condition, String> {
        let column = self.column(name)?;
        let name = column.name.to_owned();
        if self.eat("is") {
            let not = self.eat("not");
            if !self.eat("null") {
                return Err(format!("`{name} is` goes on with `null` or `not null`"));
            }
            let null = Condition::Null { column: name };
            return Ok(match not {
                true => Condition::Not(Box::new(null)),
                false => null,
            });
        }
        if self.eat("like") {
            return match self.next() {
                Some(Token::Quoted(pattern) | Token::Word(pattern)) => Ok(Condition::Like {
                    column: name,
                    pattern: pattern.clone(),
                }),
                _ => Err(format!("`{name} like` goes on with a pattern, like 'EUR%'")),
            };
        }
        let comparison = match self.next() {
            Some(Token::Symbol("=" | "==")) => Comparison::Equal,
            Some(Token::Symbol("<>" | "!=")) => Comparison::Unequal,
            Some(Token::Symbol("<")) => Comparison::Less,
            Some(Token::Symbol("<=")) => Comparison::AtMost,
            Some(Token::Symbol(">")) => Comparison::More,
            Some(Token::Symbol(">=")) => Comparison::AtLeast,
            _ => {
                return Err(format!(
                    "`{name}` is compared with `=`, `<>`, `<`, `<=`, `>`, `>=`, `like`, `is null` or `is not null`"
                ));
            }
        };
        let value = match self.next() {
            Some(Token::Word(text) | Token::Quoted(text)) => Literal::of(column, text)?,
            _ => return Err(format!("a value is missing to compare `{name}` with")),
        };
        Ok(Condition::Compare {
            column: name,
            comparison,
            value,
        })
    }

    fn column(&self, name: &str) -> Result<&'t Column<'t>, String> {
        let known = || {
            self.columns
                .iter()
                .filter(|column| column.role != Role::Ignored)
        };
        known()
            .find(|column| column.name.eq_ignore_ascii_case(name))
            .ok_or_else(|| {
                let near = nearest(name, known().map(|column| column.name));
                match near.as_str() {
                    "" => format!(
                        "there is no column `{name}`; there are {}",
                        listed(known().map(|column| column.name))
                    ),
                    near => format!("there is no column `{name}`{near}"),
                }
            })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::prelude::*;

    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("offers")]
    #[table]
    #[entity(namespace = "cli")]
    struct Offer {
        #[key]
        symbol: String,
        #[decimal_precision(18, 4)]
        price: rust_decimal::Decimal,
        pieces: i64,
        ratio: Option<f64>,
        open: bool,
        quoted_at: DateTime<Utc>,
        tags: Vec<String>,
    }

    fn row() -> Columns {
        let columns = [
            ("symbol", json!("EURUSD")),
            ("price", json!("1.0800")),
            ("pieces", json!(9_007_199_254_740_993_i64)),
            ("ratio", json!(null)),
            ("open", json!(true)),
            ("quoted_at", json!("2024-05-08T11:30:00Z")),
            ("tags", json!(["a"])),
        ];
        Columns(
            columns
                .map(|(name, value)| (name.to_owned(), value))
                .to_vec(),
        )
    }

    fn holds(text: &str) -> bool {
        let condition = Condition::parse(text, Offer::COLUMNS).unwrap();
        condition.holds(&row())
    }

    fn error(text: &str) -> String {
        Condition::parse(text, Offer::COLUMNS).unwrap_err()
    }

    #[test]
    fn columns_are_compared_by_their_types() {
        for text in [
            "price = 1.08",
            "price > 1.0799 and price < 1.0801",
            "pieces = 9007199254740993",
            "not pieces = 9007199254740992",
            "SYMBOL = EURUSD",
            "symbol = 'EURUSD' and open = true",
            "symbol like 'EUR%' and symbol like \"%_SD\"",
            "quoted_at = 2024-05-08T13:30:00+02:00",
            "quoted_at >= 2024-05-08 and quoted_at < '2024-05-08 12:00'",
            "ratio is null and symbol is not null",
            "symbol = X or (open = true and pieces > 0)",
            "symbol = X and open = false or pieces <> 0",
        ] {
            assert!(holds(text), "{text}");
            assert!(!holds(&format!("not ({text})")), "{text}");
        }
    }

    #[test]
    fn nothing_compares_with_null() {
        for text in ["ratio > 0", "ratio <= 0", "ratio = 0", "ratio <> 0"] {
            assert!(!holds(text), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_write() {
        for (text, expected) in [
            ("", "a comparison is missing, like `price > 10`"),
            (
                "prize > 10",
                "there is no column `prize`: did you mean `price`?",
            ),
            (
                "pieces > many",
                "`many` is no value of `pieces`: it is a whole number",
            ),
            (
                "price",
                "`price` is compared with `=`, `<>`, `<`, `<=`, `>`, `>=`, `like`, `is null` or `is not null`",
            ),
            ("price >", "a value is missing to compare `price` with"),
            ("(price > 1", "a `)` is missing"),
            (
                "price > 1 pieces > 2",
                "`pieces` is not expected here: conditions are joined by `and` and `or`",
            ),
            ("symbol = 'EUR", "the text 'EUR has no end: a ' is missing"),
            (
                "tags = a",
                "`tags` is no single value, and cannot be compared",
            ),
            (
                "quoted_at > noon",
                "`noon` is no value of `quoted_at`: it is a moment like `2024-05-08T11:30:00Z`, or a day like `2024-05-08`",
            ),
        ] {
            assert_eq!(error(text), expected, "{text}");
        }
        assert!(
            error("xyz = 1").starts_with("there is no column `xyz`; there are `symbol`, `price`")
        );
    }

    #[test]
    fn quotes_stand_twice_for_themselves() {
        assert_eq!(
            tokens("'it''s' \"a \"\"b\"\"\"").unwrap(),
            [
                Token::Quoted("it's".to_owned()),
                Token::Quoted("a \"b\"".to_owned())
            ]
        );
    }

    proptest! {
        #[test]
        fn any_text_is_a_condition_or_an_error(text in "[a-z<>=!()'\" %_0-9.]{0,40}") {
            let _ = Condition::parse(&text, Offer::COLUMNS);
        }

        #[test]
        fn like_is_what_a_regular_expression_says(text in "[ab]{0,6}", pattern in "[ab%_]{0,5}") {
            let regular = pattern.replace('%', ".*").replace('_', ".");
            let regular = regex::Regex::new(&format!("^{regular}$")).unwrap();
            prop_assert_eq!(like(&text, &pattern), regular.is_match(&text));
        }
    }
}
