//! Column types as ksqlDB writes them: `DECIMAL(18, 4)`, ``STRUCT<`A` INTEGER>``, the schema of an answer's header.
//!
//! Values are decoded by these and never by their looks: `1` may be an INTEGER, a DECIMAL or a TIMESTAMP of an old server.

use std::fmt;

use ksql_schema::names::quoted;

use super::token::{Cursor, Token, tokens};

/// A column type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SqlType {
    /// `BOOLEAN`.
    Boolean,
    /// `INTEGER`.
    Integer,
    /// `BIGINT`.
    Bigint,
    /// `DOUBLE`.
    Double,
    /// `STRING`.
    String,
    /// `BYTES`.
    Bytes,
    /// `DECIMAL(p, s)`.
    Decimal {
        /// All digits.
        precision: u32,
        /// Digits after the point.
        scale: u32,
    },
    /// `TIMESTAMP`.
    Timestamp,
    /// `DATE`.
    Date,
    /// `TIME`.
    Time,
    /// `ARRAY<E>`.
    Array(Box<SqlType>),
    /// `MAP<K, V>`.
    Map(Box<SqlType>, Box<SqlType>),
    /// `STRUCT<F ..>`.
    Struct(Vec<(String, SqlType)>),
}

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaColumn {
    /// Its name, without quotes.
    pub name: String,
    /// Its type.
    pub ty: SqlType,
    /// Whether the server calls it a key. It does for pull queries only.
    pub key: bool,
}

impl SqlType {
    /// Reads a type's text.
    ///
    /// # Errors
    /// What is no type in it.
    pub fn parse(text: &str) -> Result<SqlType, String> {
        let tokens = tokens(text)?;
        let mut cursor = Cursor::new(&tokens);
        let ty = read(&mut cursor).map_err(|reason| format!("`{text}` is no type: {reason}"))?;
        match cursor.peek() {
            None => Ok(ty),
            Some(_) => Err(format!("`{text}` is no type: something stands behind it")),
        }
    }

    /// The type of an entity's column.
    pub(super) fn of(ty: &ksql_schema::Type<'_>) -> Result<SqlType, String> {
        SqlType::parse(&ksql_schema::ddl::ksql_type(ty))
    }
}

impl SchemaColumn {
    /// Reads the schema of a header: `` `ID` STRING KEY, `COUNT` BIGINT ``.
    ///
    /// # Errors
    /// What is no schema in it.
    pub fn parse_all(schema: &str) -> Result<Vec<SchemaColumn>, String> {
        let tokens = tokens(schema)?;
        let mut cursor = Cursor::new(&tokens);
        let mut columns = Vec::new();
        while cursor.peek().is_some() {
            let column = column(&mut cursor)
                .map_err(|reason| format!("`{schema}` is no schema: {reason}"))?;
            columns.push(column);
            if cursor.peek().is_some() && !cursor.eat_symbol(",") {
                return Err(format!("`{schema}` is no schema: a comma is missing"));
            }
        }
        Ok(columns)
    }
}

/// One column of a header or a `CREATE`: name, type, `[PRIMARY] KEY`.
pub(super) fn column(cursor: &mut Cursor<'_>) -> Result<SchemaColumn, String> {
    let name = cursor.name().ok_or("a column's name is missing")?;
    let ty = read(cursor).map_err(|reason| format!("column `{name}`: {reason}"))?;
    let key = cursor.eat_all(&["PRIMARY", "KEY"]) || cursor.eat("KEY");
    Ok(SchemaColumn { name, ty, key })
}

/// A type at the front of some tokens.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<SqlType, String> {
    let Some(Token::Word(word)) = cursor.next() else {
        return Err("a type's name is missing".to_owned());
    };
    Ok(match word.as_str() {
        "BOOLEAN" => SqlType::Boolean,
        "INTEGER" | "INT" => SqlType::Integer,
        "BIGINT" => SqlType::Bigint,
        "DOUBLE" => SqlType::Double,
        "STRING" | "VARCHAR" => SqlType::String,
        "BYTES" => SqlType::Bytes,
        "TIMESTAMP" => SqlType::Timestamp,
        "DATE" => SqlType::Date,
        "TIME" => SqlType::Time,
        "DECIMAL" => {
            expect(cursor, "(")?;
            let precision = number(cursor)?;
            expect(cursor, ",")?;
            let scale = number(cursor)?;
            expect(cursor, ")")?;
            SqlType::Decimal { precision, scale }
        }
        "ARRAY" => {
            expect(cursor, "<")?;
            let item = read(cursor)?;
            expect(cursor, ">")?;
            SqlType::Array(Box::new(item))
        }
        "MAP" => {
            expect(cursor, "<")?;
            let key = read(cursor)?;
            expect(cursor, ",")?;
            let value = read(cursor)?;
            expect(cursor, ">")?;
            SqlType::Map(Box::new(key), Box::new(value))
        }
        "STRUCT" => SqlType::Struct(fields(cursor)?),
        other => return Err(format!("there is no type `{other}`")),
    })
}

fn fields(cursor: &mut Cursor<'_>) -> Result<Vec<(String, SqlType)>, String> {
    // `STRUCT< >` is how a struct without fields is written: the symbol `<>` would be read as "not equal".
    if cursor.eat_symbol("<>") {
        return Ok(Vec::new());
    }
    expect(cursor, "<")?;
    let mut fields = Vec::new();
    while !cursor.eat_symbol(">") {
        let name = cursor.name().ok_or("a field's name is missing")?;
        fields.push((name, read(cursor)?));
        if !cursor.eat_symbol(",") {
            expect(cursor, ">")?;
            break;
        }
    }
    Ok(fields)
}

fn expect(cursor: &mut Cursor<'_>, symbol: &str) -> Result<(), String> {
    if cursor.eat_symbol(symbol) {
        Ok(())
    } else {
        Err(format!("`{symbol}` is missing"))
    }
}

fn number(cursor: &mut Cursor<'_>) -> Result<u32, String> {
    match cursor.next() {
        Some(Token::Number(digits)) => digits
            .parse()
            .map_err(|_| format!("`{digits}` is no number of digits")),
        _ => Err("a number of digits is missing".to_owned()),
    }
}

impl fmt::Display for SqlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SqlType::Boolean => f.write_str("BOOLEAN"),
            SqlType::Integer => f.write_str("INTEGER"),
            SqlType::Bigint => f.write_str("BIGINT"),
            SqlType::Double => f.write_str("DOUBLE"),
            SqlType::String => f.write_str("STRING"),
            SqlType::Bytes => f.write_str("BYTES"),
            SqlType::Decimal { precision, scale } => write!(f, "DECIMAL({precision}, {scale})"),
            SqlType::Timestamp => f.write_str("TIMESTAMP"),
            SqlType::Date => f.write_str("DATE"),
            SqlType::Time => f.write_str("TIME"),
            SqlType::Array(item) => write!(f, "ARRAY<{item}>"),
            SqlType::Map(key, value) => write!(f, "MAP<{key}, {value}>"),
            SqlType::Struct(fields) => {
                f.write_str("STRUCT<")?;
                for (at, (name, ty)) in fields.iter().enumerate() {
                    if at > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{} {ty}", quoted(name))?;
                }
                f.write_str(">")
            }
        }
    }
}
