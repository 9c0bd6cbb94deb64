//! A reader of `CREATE STREAM` and `CREATE TABLE` statements, from ksqlDB's grammar and not from our renderer: what it
//! refuses, the server would refuse.

use ksql_schema::names::{PSEUDO_COLUMNS, is_reserved};

/// A statement as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Create {
    /// `CREATE TABLE`, or `CREATE STREAM`.
    pub table: bool,
    /// The source's name.
    pub name: String,
    /// Its columns in order.
    pub columns: Vec<Column>,
    /// The properties in order.
    pub properties: Vec<(String, Literal)>,
}

/// A column as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type in normal form: `ARRAY<STRUCT<A INTEGER>>`.
    pub ty: String,
    /// Whether it is a key.
    pub key: bool,
}

/// A property's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// A string, its quotes undone.
    Text(String),
    /// A whole number.
    Number(i64),
}

impl Create {
    /// The text of a property.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.properties
            .iter()
            .find(|(found, _)| found == name)
            .and_then(|(_, value)| match value {
                Literal::Text(text) => Some(text.as_str()),
                Literal::Number(_) => None,
            })
    }

    /// The number of a property.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.properties
            .iter()
            .find(|(found, _)| found == name)
            .and_then(|(_, value)| match value {
                Literal::Number(number) => Some(*number),
                Literal::Text(_) => None,
            })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// An unquoted word, upper-cased as the server does.
    Word(String),
    /// A quoted identifier.
    Quoted(String),
    Text(String),
    Number(i64),
    Sign(char),
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(first) = rest.next() {
        match first {
            ' ' | '\n' => {}
            '`' | '\'' | '"' => {
                let mut inside = String::new();
                loop {
                    match rest.next() {
                        Some(found) if found == first && rest.next_if_eq(&first).is_some() => {
                            inside.push(first)
                        }
                        Some(found) if found == first => break,
                        Some(found) => inside.push(found),
                        None => return Err(format!("no end of {first}{inside}")),
                    }
                }
                out.push(if first == '\'' {
                    Token::Text(inside)
                } else {
                    Token::Quoted(inside)
                });
            }
            '-' | '0'..='9' => {
                let mut number = String::from(first);
                while let Some(digit) = rest.next_if(char::is_ascii_digit) {
                    number.push(digit);
                }
                out.push(Token::Number(
                    number
                        .parse()
                        .map_err(|_| format!("{number} is no number"))?,
                ));
            }
            'A'..='Z' | 'a'..='z' | '_' => {
                let mut word = String::from(first);
                while let Some(next) =
                    rest.next_if(|next| next.is_ascii_alphanumeric() || "_@".contains(*next))
                {
                    word.push(next);
                }
                out.push(Token::Word(word.to_ascii_uppercase()));
            }
            '(' | ')' | '<' | '>' | ',' | '=' | ';' => out.push(Token::Sign(first)),
            other => return Err(format!("{other:?} begins no token")),
        }
    }
    Ok(out)
}

/// Reads the statements of a text.
///
/// # Errors
/// What the grammar, or a rule about names and properties, refuses.
pub fn read(text: &str) -> Result<Vec<Create>, String> {
    let tokens = tokens(text)?;
    let mut parser = Parser { rest: &tokens };
    let mut out = Vec::new();
    while !parser.rest.is_empty() {
        let create = parser.create()?;
        check(&create)?;
        out.push(create);
    }
    Ok(out)
}

/// A column named in a property: the server parses the text as a column reference.
///
/// # Errors
/// Where it is none.
pub fn column_reference(text: &str) -> Result<String, String> {
    let tokens = tokens(text)?;
    let mut parser = Parser { rest: &tokens };
    let name = parser.identifier()?;
    if parser.rest.is_empty() {
        Ok(name)
    } else {
        Err(format!("{text} is more than a column"))
    }
}

struct Parser<'a> {
    rest: &'a [Token],
}

impl Parser<'_> {
    fn next(&mut self) -> Result<Token, String> {
        let (first, rest) = self.rest.split_first().ok_or("the statement ends early")?;
        self.rest = rest;
        Ok(first.clone())
    }

    fn is(&mut self, token: &Token) -> bool {
        let found = self.rest.first() == Some(token);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn word(&mut self, word: &str) -> bool {
        self.is(&Token::Word(word.to_owned()))
    }

    fn words(&mut self, words: &str) -> Result<(), String> {
        for word in words.split(' ') {
            if !self.word(word) {
                return Err(format!("{word} was expected at {:?}", self.rest.first()));
            }
        }
        Ok(())
    }

    fn sign(&mut self, sign: char) -> Result<(), String> {
        if self.is(&Token::Sign(sign)) {
            Ok(())
        } else {
            Err(format!("{sign} was expected at {:?}", self.rest.first()))
        }
    }

    fn identifier(&mut self) -> Result<String, String> {
        match self.next()? {
            Token::Quoted(name) => Ok(name),
            Token::Word(word) if !is_reserved(&word) => Ok(word),
            other => Err(format!("{other:?} is no identifier")),
        }
    }

    /// One of several, up to a closing sign.
    fn list<T>(
        &mut self,
        close: char,
        mut item: impl FnMut(&mut Self) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let mut out = vec![item(self)?];
        while self.is(&Token::Sign(',')) {
            out.push(item(self)?);
        }
        self.sign(close)?;
        Ok(out)
    }

    fn create(&mut self) -> Result<Create, String> {
        self.words("CREATE")?;
        let table = self.word("TABLE");
        if !table {
            self.words("STREAM")?;
        }
        self.words("IF NOT EXISTS")?;
        let name = self.identifier()?;
        self.sign('(')?;
        let columns = self.list(')', |parser| parser.column(table))?;
        self.words("WITH")?;
        self.sign('(')?;
        let properties = self.list(')', |parser| {
            let Token::Word(name) = parser.next()? else {
                return Err("a property's name was expected".to_owned());
            };
            parser.sign('=')?;
            match parser.next()? {
                Token::Text(text) => Ok((name, Literal::Text(text))),
                Token::Number(number) => Ok((name, Literal::Number(number))),
                other => Err(format!("{other:?} is no literal")),
            }
        })?;
        self.sign(';')?;
        Ok(Create {
            table,
            name,
            columns,
            properties,
        })
    }

    fn column(&mut self, table: bool) -> Result<Column, String> {
        let (name, ty) = (self.identifier()?, self.ty()?);
        let primary = self.word("PRIMARY");
        let key = self.word("KEY");
        if key && primary != table || primary && !key {
            return Err(format!(
                "the key {name} of a {}",
                if table {
                    "table is PRIMARY KEY"
                } else {
                    "stream is KEY"
                }
            ));
        }
        Ok(Column { name, ty, key })
    }

    fn ty(&mut self) -> Result<String, String> {
        // DECIMAL is reserved and a type of its own in the grammar.
        let Token::Word(word) = self.next()? else {
            return Err("a type was expected".to_owned());
        };
        match word.as_str() {
            "BOOLEAN" | "INTEGER" | "INT" | "BIGINT" | "DOUBLE" | "STRING" | "VARCHAR"
            | "BYTES" | "DATE" | "TIME" | "TIMESTAMP" => Ok(word),
            "DECIMAL" => {
                self.sign('(')?;
                let digits = self.list(')', Parser::next)?;
                match digits.as_slice() {
                    [Token::Number(precision @ 1..), Token::Number(scale @ 0..)]
                        if scale <= precision =>
                    {
                        Ok(format!("DECIMAL({precision}, {scale})"))
                    }
                    other => Err(format!("{other:?} are no precision and scale")),
                }
            }
            "ARRAY" => {
                self.sign('<')?;
                let item = self.ty()?;
                self.sign('>')?;
                Ok(format!("ARRAY<{item}>"))
            }
            "MAP" => {
                self.sign('<')?;
                let parts = self.list('>', Parser::ty)?;
                match parts.as_slice() {
                    [key, value] if key == "STRING" => Ok(format!("MAP<STRING, {value}>")),
                    other => Err(format!("{other:?} are no types of a map in Avro")),
                }
            }
            "STRUCT" => {
                self.sign('<')?;
                let fields = self.list('>', |parser| {
                    Ok(format!("{} {}", parser.identifier()?, parser.ty()?))
                })?;
                Ok(format!("STRUCT<{}>", fields.join(", ")))
            }
            other => Err(format!("{other} is no type")),
        }
    }
}

/// The rules that are not in the grammar.
fn check(create: &Create) -> Result<(), String> {
    let name = &create.name;
    if name.is_empty()
        || !name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "_-".contains(letter))
    {
        return Err(format!("{name} is no source name"));
    }
    let mut names: Vec<&str> = create
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    if let Some(name) = names.iter().find(|name| PSEUDO_COLUMNS.contains(name)) {
        return Err(format!("{name} is a reserved column name"));
    }
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(format!("a column of {name} stands twice"));
    }
    let mut properties: Vec<&str> = create
        .properties
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    properties.sort_unstable();
    if properties.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err("a property stands twice".to_owned());
    }
    const TEXTS: [&str; 9] = [
        "KAFKA_TOPIC",
        "KEY_FORMAT",
        "VALUE_FORMAT",
        "KEY_SCHEMA_FULL_NAME",
        "VALUE_SCHEMA_FULL_NAME",
        "TIMESTAMP",
        "TIMESTAMP_FORMAT",
        "WINDOW_TYPE",
        "WINDOW_SIZE",
    ];
    for (name, value) in &create.properties {
        let fits = match value {
            Literal::Text(text) => TEXTS.contains(&name.as_str()) && !text.is_empty(),
            Literal::Number(number) => match name.as_str() {
                "PARTITIONS" => i32::try_from(*number).is_ok_and(|number| number > 0),
                "REPLICAS" => i16::try_from(*number).is_ok_and(|number| number > 0),
                "RETENTION_MS" => *number >= -1,
                _ => false,
            },
        };
        if !fits {
            return Err(format!("{name} cannot be {value:?}"));
        }
    }
    let keys = create.columns.iter().filter(|column| column.key).count();
    if create.table && keys == 0 {
        return Err(format!("the table {name} has no key"));
    }
    let formats = (
        create.text("KEY_FORMAT"),
        create.text("KEY_SCHEMA_FULL_NAME").is_some(),
    );
    let wanted = match keys {
        0 => (None, false),
        1 => (Some("KAFKA"), false),
        _ => (Some("AVRO"), true),
    };
    if formats != wanted
        || create.text("VALUE_FORMAT") != Some("AVRO")
        || create.text("VALUE_SCHEMA_FULL_NAME").is_none()
    {
        return Err(format!(
            "the formats {formats:?} do not fit {keys} key columns"
        ));
    }
    let window = create.text("WINDOW_TYPE");
    // Windowed or not: the server takes the topic of a plain CREATE TABLE for compacted.
    if create.table && create.number("RETENTION_MS").is_some() {
        return Err("Non-windowed tables do not support retention.".to_owned());
    }
    let sized = create.text("WINDOW_SIZE").is_some_and(|size| {
        size.split_once(' ').is_some_and(|(number, unit)| {
            number.parse::<u32>().is_ok()
                && ["DAYS", "HOURS", "MINUTES", "SECONDS", "MILLISECONDS"].contains(&unit)
        })
    });
    if !matches!(
        (window, create.text("WINDOW_SIZE"), sized),
        (None | Some("SESSION"), None, _) | (Some("TUMBLING" | "HOPPING"), Some(_), true)
    ) {
        return Err(format!(
            "{window:?} and its size {:?}",
            create.text("WINDOW_SIZE")
        ));
    }
    let Some(timestamp) = create.text("TIMESTAMP") else {
        return if create.text("TIMESTAMP_FORMAT").is_some() {
            Err("a format without a timestamp".to_owned())
        } else {
            Ok(())
        };
    };
    let timestamp = column_reference(timestamp)?;
    let ty = create
        .columns
        .iter()
        .find(|column| column.name == timestamp)
        .map(|column| column.ty.as_str());
    match (ty, create.text("TIMESTAMP_FORMAT")) {
        (Some("BIGINT" | "TIMESTAMP"), None) | (Some("STRING"), Some(_)) => Ok(()),
        other => Err(format!("{timestamp} cannot be the event time: {other:?}")),
    }
}
