//! One statement: its text, what it does and to what. Whoever sends one knows from this how to see whether it was applied.

use std::collections::BTreeMap;

use super::error::KsqlDbError;
use super::sql_type::{SchemaColumn, column};
use super::token::{Cursor, Lexed, Token, tokens};

/// Stream or table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// A stream.
    Stream,
    /// A table.
    Table,
}

impl std::fmt::Display for SourceKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            SourceKind::Stream => "STREAM",
            SourceKind::Table => "TABLE",
        })
    }
}

/// What a statement does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// Nothing changes: `SHOW`, `LIST`, `DESCRIBE`, `EXPLAIN`, `ASSERT`.
    Read,
    /// `CREATE STREAM` or `TABLE` with columns.
    Create {
        /// The source.
        name: String,
        /// Stream or table.
        kind: SourceKind,
        /// `OR REPLACE`.
        replace: bool,
    },
    /// `CREATE STREAM` or `TABLE .. AS SELECT`.
    CreateAs {
        /// The sink.
        name: String,
        /// Stream or table.
        kind: SourceKind,
        /// `OR REPLACE`.
        replace: bool,
    },
    /// `INSERT INTO .. SELECT`.
    InsertInto {
        /// The sink.
        name: String,
        /// The id given to the query, upper-case.
        query_id: Option<String>,
    },
    /// `ALTER STREAM` or `TABLE`.
    Alter {
        /// The source.
        name: String,
    },
    /// `DROP STREAM` or `TABLE`.
    Drop {
        /// The source.
        name: String,
    },
    /// `CREATE TYPE`.
    CreateType {
        /// The type.
        name: String,
    },
    /// `DROP TYPE`.
    DropType {
        /// The type.
        name: String,
    },
    /// `TERMINATE` of one query.
    Terminate {
        /// The query.
        id: String,
    },
    /// What may be sent twice, with the same effect as once: `PAUSE`, `RESUME`, `TERMINATE ALL`, settings.
    Repeatable,
}

/// One statement.
///
/// ```
/// use ksql_runtime::ksqldb::{Effect, Statement};
///
/// let statement = Statement::parse("drop stream `ORDERS`")?;
/// assert_eq!(statement.text(), "drop stream `ORDERS`;");
/// assert_eq!(statement.effect(), &Effect::Drop { name: "ORDERS".into() });
/// assert!(Statement::parse("SHOW STREAMS; SHOW TABLES;").is_err(), "one a request");
/// # Ok::<(), ksql_runtime::ksqldb::KsqlDbError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Statement {
    text: String,
    effect: Effect,
    pub(super) tokens: Vec<Lexed>,
}

impl Statement {
    /// Reads a statement; the `;` may be missing.
    ///
    /// # Errors
    /// Where it is none, more than one, or one that is not sent as a statement.
    pub fn parse(text: &str) -> Result<Statement, KsqlDbError> {
        let text = text.trim();
        let refuse = |reason: String| KsqlDbError::Statement {
            statement: text.to_owned(),
            reason,
        };
        let mut lexed = tokens(text).map_err(refuse)?;
        let ends = lexed
            .iter()
            .filter(|lexed| lexed.token == Token::Symbol(";"))
            .count();
        let ended = lexed
            .last()
            .is_some_and(|lexed| lexed.token == Token::Symbol(";"));
        if lexed.len() <= ends {
            return Err(refuse("there is no statement in it".to_owned()));
        }
        if ends > usize::from(ended) {
            return Err(refuse(
                "it is more than one statement, and a failure would leave the first ones applied: send one at a time (`Statement::split`)".to_owned(),
            ));
        }
        let text = if ended {
            text.to_owned()
        } else {
            format!("{text};")
        };
        if ended {
            lexed.pop();
        }
        let effect = effect(&lexed).map_err(|reason| KsqlDbError::Statement {
            statement: text.clone(),
            reason,
        })?;
        Ok(Statement {
            text,
            effect,
            tokens: lexed,
        })
    }

    /// The statements of a text, each on its own.
    ///
    /// # Errors
    /// As [`Statement::parse`].
    pub fn split(text: &str) -> Result<Vec<Statement>, KsqlDbError> {
        let lexed = tokens(text).map_err(|reason| KsqlDbError::Statement {
            statement: text.to_owned(),
            reason,
        })?;
        let mut statements = Vec::new();
        let mut start = 0;
        let mut empty = true;
        for Lexed { token, end } in &lexed {
            if *token == Token::Symbol(";") {
                if !empty {
                    statements.push(Statement::parse(text.get(start..*end).unwrap_or_default())?);
                }
                (start, empty) = (*end, true);
            } else {
                empty = false;
            }
        }
        if !empty {
            statements.push(Statement::parse(text.get(start..).unwrap_or_default())?);
        }
        Ok(statements)
    }

    /// The text, with its `;`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same `CREATE .. AS` with `OR REPLACE`; nothing where it is no such statement.
    pub(super) fn replacing(&self) -> Option<String> {
        let Effect::CreateAs { kind, .. } = &self.effect else {
            return None;
        };
        let beginnings = [
            format!("CREATE {kind} IF NOT EXISTS "),
            format!("CREATE {kind} "),
            format!("CREATE OR REPLACE {kind} "),
        ];
        let rest = beginnings
            .iter()
            .find_map(|beginning| self.text.strip_prefix(beginning.as_str()))?;
        Some(format!("CREATE OR REPLACE {kind} {rest}"))
    }

    /// What it does.
    pub fn effect(&self) -> &Effect {
        &self.effect
    }

    /// The columns of a `CREATE`, and its properties by their upper-case names.
    pub(super) fn definition(
        &self,
    ) -> Result<(Vec<SchemaColumn>, BTreeMap<String, String>), String> {
        let mut cursor = Cursor::new(&self.tokens);
        while cursor.peek().is_some_and(|token| {
            *token != Token::Symbol("(") && !token.is("WITH") && !token.is("AS")
        }) {
            cursor.next();
        }
        let mut columns = Vec::new();
        if cursor.eat_symbol("(") {
            loop {
                columns.push(column(&mut cursor)?);
                if cursor.eat_symbol(")") {
                    break;
                }
                if !cursor.eat_symbol(",") {
                    return Err("a comma is missing between columns".to_owned());
                }
            }
        }
        Ok((columns, properties(&mut cursor)?))
    }
}

/// The properties of a `WITH`, where one comes next.
pub(super) fn properties(cursor: &mut Cursor<'_>) -> Result<BTreeMap<String, String>, String> {
    let mut properties = BTreeMap::new();
    if !cursor.eat("WITH") {
        return Ok(properties);
    }
    if !cursor.eat_symbol("(") {
        return Err("`WITH` has no properties".to_owned());
    }
    while !cursor.eat_symbol(")") {
        let name = match cursor.next() {
            Some(Token::Word(name) | Token::Quoted(name) | Token::Text(name)) => {
                name.to_uppercase()
            }
            _ => return Err("a property's name is missing".to_owned()),
        };
        if !cursor.eat_symbol("=") {
            return Err(format!("property `{name}` has no value"));
        }
        let sign = if cursor.eat_symbol("-") { "-" } else { "" };
        let value = match cursor.next() {
            Some(Token::Word(value) | Token::Text(value) | Token::Number(value)) => {
                format!("{sign}{value}")
            }
            _ => return Err(format!("property `{name}` has no value")),
        };
        properties.insert(name, value);
        cursor.eat_symbol(",");
    }
    Ok(properties)
}

fn effect(lexed: &[Lexed]) -> Result<Effect, String> {
    let mut cursor = Cursor::new(lexed);
    let Some(Token::Word(first)) = cursor.next() else {
        return Err("a statement begins with a keyword".to_owned());
    };
    match first.as_str() {
        "SHOW" | "LIST" | "DESCRIBE" | "EXPLAIN" | "ASSERT" => Ok(Effect::Read),
        "SELECT" => Err("a query is asked with `pull`, `push` or `rows`".to_owned()),
        "PRINT" => Err("a topic is read through its entity, not printed".to_owned()),
        "CREATE" => create(cursor),
        "INSERT" => insert(cursor),
        "ALTER" if cursor.eat("SYSTEM") => Ok(Effect::Repeatable),
        "ALTER" => {
            source_kind(&mut cursor)?;
            let name = named(&mut cursor)?;
            Ok(Effect::Alter { name })
        }
        "DROP" => {
            let is_type = cursor.eat("TYPE");
            if !is_type {
                source_kind(&mut cursor)?;
            }
            cursor.eat_all(&["IF", "EXISTS"]);
            let name = named(&mut cursor)?;
            Ok(if is_type { Effect::DropType { name } } else { Effect::Drop { name } })
        }
        "TERMINATE" if !cursor.eat("ALL") => {
            let id = named(&mut cursor)?;
            Ok(Effect::Terminate { id })
        }
        "TERMINATE" | "PAUSE" | "RESUME" => Ok(Effect::Repeatable),
        "SET" | "UNSET" | "DEFINE" | "UNDEFINE" => {
            Err("it would last for its own request only: give properties in `KsqlDbOptions::properties`".to_owned())
        }
        other => Err(format!("no statement begins with `{other}`")),
    }
}

fn create(mut cursor: Cursor<'_>) -> Result<Effect, String> {
    let replace = cursor.eat_all(&["OR", "REPLACE"]);
    cursor.eat("SOURCE");
    if cursor.eat("TYPE") {
        cursor.eat_all(&["IF", "NOT", "EXISTS"]);
        let name = named(&mut cursor)?;
        return Ok(Effect::CreateType { name });
    }
    let kind = source_kind(&mut cursor)?;
    cursor.eat_all(&["IF", "NOT", "EXISTS"]);
    let name = named(&mut cursor)?;
    if matches!(cursor.peek(), Some(Token::Symbol("("))) {
        return Ok(Effect::Create {
            name,
            kind,
            replace,
        });
    }
    properties(&mut cursor)?;
    Ok(if cursor.eat("AS") {
        Effect::CreateAs {
            name,
            kind,
            replace,
        }
    } else {
        Effect::Create {
            name,
            kind,
            replace,
        }
    })
}

fn insert(mut cursor: Cursor<'_>) -> Result<Effect, String> {
    if !cursor.eat("INTO") {
        return Err("`INSERT` is followed by `INTO`".to_owned());
    }
    let name = named(&mut cursor)?;
    let query_id = properties(&mut cursor)?
        .remove("QUERY_ID")
        .map(|id| id.to_uppercase());
    if cursor.peek().is_some_and(|token| token.is("SELECT")) {
        Ok(Effect::InsertInto { name, query_id })
    } else {
        Err("records are not inserted through ksqlDB: add them to the entity's set, which writes to the topic".to_owned())
    }
}

fn source_kind(cursor: &mut Cursor<'_>) -> Result<SourceKind, String> {
    if cursor.eat("STREAM") {
        Ok(SourceKind::Stream)
    } else if cursor.eat("TABLE") {
        Ok(SourceKind::Table)
    } else {
        Err("`STREAM` or `TABLE` is missing".to_owned())
    }
}

fn named(cursor: &mut Cursor<'_>) -> Result<String, String> {
    cursor.name().ok_or_else(|| "a name is missing".to_owned())
}
