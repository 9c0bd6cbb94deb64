//! Tokens into a statement, whose clauses stand in the order of ksqlDB's grammar. Expressions are read in `expression`.

use super::token::{Token, tokens};
use super::tree::{Expr, Item, Join, Kind, Statement, Window, WindowKind};

/// Reads `CREATE STREAM|TABLE .. AS SELECT ..` and `INSERT INTO .. SELECT ..`.
///
/// # Errors
/// Where the text is nothing of the kind; says what was met.
pub fn parse(text: &str) -> Result<Statement, String> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        sources: Vec::new(),
        around: 0,
    };
    parser
        .statement()
        .map_err(|error| format!("{error}, in: {text}"))
}

/// Words an alias without AS cannot be.
const CLAUSES: [&str; 17] = [
    "WINDOW",
    "WHERE",
    "GROUP",
    "PARTITION",
    "HAVING",
    "EMIT",
    "FROM",
    "LIMIT",
    "JOIN",
    "INNER",
    "LEFT",
    "RIGHT",
    "FULL",
    "OUTER",
    "WITHIN",
    "ON",
    "AS",
];

pub(super) struct Parser {
    tokens: Vec<Token>,
    pub(super) at: usize,
    /// How many variables of closures there are around what is read.
    pub(super) around: usize,
    /// The sources, each with what else a column may be qualified with.
    pub(super) sources: Vec<(String, String)>,
}

pub(super) type Read<T> = Result<T, String>;

impl Parser {
    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    pub(super) fn next(&mut self) -> Read<Token> {
        let token = self.peek().cloned().ok_or("the statement ends early")?;
        self.at += 1;
        Ok(token)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(found)) if found == word)
    }

    pub(super) fn word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    pub(super) fn symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Symbol(found)) if *found == symbol);
        self.at += usize::from(found);
        found
    }

    pub(super) fn need(&mut self, what: &str) -> Read<()> {
        if self.word(what) || self.symbol(what) {
            return Ok(());
        }
        Err(format!("`{what}` is wanted, not {:?}", self.peek()))
    }

    pub(super) fn name(&mut self) -> Read<String> {
        match self.next()? {
            Token::Word(name) | Token::Name(name) => Ok(name),
            other => Err(format!("a name is wanted, not {other:?}")),
        }
    }

    /// `CREATE STREAM|TABLE IF NOT EXISTS`
    fn created(&mut self) -> Read<Kind> {
        self.need("CREATE")?;
        if self.word("OR") {
            self.need("REPLACE")?;
        }
        let kind = match self.next()? {
            Token::Word(word) if word == "STREAM" => Kind::Stream,
            Token::Word(word) if word == "TABLE" => Kind::Table,
            other => return Err(format!("STREAM or TABLE is wanted, not {other:?}")),
        };
        if self.word("IF") {
            self.need("NOT")?;
            self.need("EXISTS")?;
        }
        Ok(kind)
    }

    fn statement(&mut self) -> Read<Statement> {
        let inserts = self.word("INSERT");
        let kind = match inserts {
            true => {
                self.need("INTO")?;
                Kind::Inserted
            }
            false => self.created()?,
        };
        let name = self.name()?;
        let mut with = Vec::new();
        if self.word("WITH") {
            self.need("(")?;
            while !self.symbol(")") {
                let key = self.name()?;
                self.need("=")?;
                let negative = if self.symbol("-") { "-" } else { "" };
                let value = match self.next()? {
                    Token::Text(text) | Token::Whole(text) | Token::Word(text) => text,
                    other => return Err(format!("a value is wanted, not {other:?}")),
                };
                with.push((key, format!("{negative}{value}")));
                self.symbol(",");
            }
        }
        if !inserts {
            self.need("AS")?;
        }
        self.need("SELECT")?;
        // What a column is qualified with stands behind the columns.
        let begin = self.at;
        self.find_from()?;
        self.source()?;
        let mut joins = Vec::new();
        while let Some(join) = self.join()? {
            joins.push(join);
        }
        let behind = self.at;
        self.at = begin;
        let mut select = vec![self.item()?];
        while self.symbol(",") {
            select.push(self.item()?);
        }
        self.need("FROM")?;
        self.at = behind;
        let window = match self.word("WINDOW") {
            true => Some(self.window()?),
            false => None,
        };
        let filter = self.clause(&["WHERE"])?.map(|mut list| list.remove(0));
        let group_by = self.clause(&["GROUP", "BY"])?.unwrap_or_default();
        let partition_by = self.clause(&["PARTITION", "BY"])?.unwrap_or_default();
        let having = self.clause(&["HAVING"])?.map(|mut list| list.remove(0));
        let mut emits_final = false;
        if self.word("EMIT") {
            emits_final = self.word("FINAL");
            if !emits_final {
                self.need("CHANGES")?;
            }
        }
        self.need(";")?;
        if let Some(rest) = self.peek() {
            return Err(format!("{rest:?} stands behind the statement"));
        }
        Ok(Statement {
            kind,
            name,
            with,
            select,
            sources: std::mem::take(&mut self.sources),
            joins,
            window,
            filter,
            group_by,
            partition_by,
            having,
            emits_final,
        })
    }

    /// A source and what its columns are called by.
    fn source(&mut self) -> Read<()> {
        let source = self.name()?;
        let alias = match self.word("AS") || !self.is_clause() {
            true => self.name()?,
            false => source.clone(),
        };
        self.sources.push((source, alias));
        Ok(())
    }

    /// The next join, if there is one.
    fn join(&mut self) -> Read<Option<Join>> {
        let kinds = ["INNER", "LEFT", "RIGHT", "FULL"];
        let kind = kinds.into_iter().find(|kind| self.word(kind));
        self.word("OUTER");
        match kind {
            Some(_) => self.need("JOIN")?,
            None if self.word("JOIN") => {}
            None => return Ok(None),
        }
        self.source()?;
        let mut join = Join {
            kind: kind.unwrap_or("INNER"),
            within: None,
            grace: None,
            on: (Expr::Star, Expr::Star),
        };
        if self.word("WITHIN") {
            join.within = Some(match self.symbol("(") {
                true => {
                    let before = self.duration()?;
                    self.need(",")?;
                    let after = self.duration()?;
                    self.need(")")?;
                    (before, after)
                }
                false => {
                    let both = self.duration()?;
                    (both, both)
                }
            });
            if self.word("GRACE") {
                self.need("PERIOD")?;
                join.grace = Some(self.duration()?);
            }
        }
        self.need("ON")?;
        match self.expr()? {
            Expr::Infix("=", sides) => {
                let mut sides = sides.into_iter();
                let (left, right) = (sides.next(), sides.next());
                join.on = left.zip(right).ok_or("a join has two sides")?;
            }
            other => return Err(format!("a join compares for equality, not {other}")),
        }
        Ok(Some(join))
    }

    fn is_clause(&self) -> bool {
        match self.peek() {
            Some(Token::Word(word)) => CLAUSES.contains(&word.as_str()) || word == "NWINDOW",
            Some(Token::Name(_)) => false,
            _ => true,
        }
    }

    /// Goes behind the FROM of this SELECT.
    fn find_from(&mut self) -> Read<()> {
        let mut depth = 0;
        loop {
            match self.next()? {
                Token::Symbol("(" | "[") => depth += 1,
                Token::Symbol(")" | "]") => depth -= 1,
                // `IS DISTINCT FROM` is no clause.
                Token::Word(word) if word == "DISTINCT" => {
                    self.word("FROM");
                }
                Token::Word(word) if word == "FROM" && depth == 0 => return Ok(()),
                _ => {}
            }
        }
    }

    /// The expressions of a clause, if it is there.
    fn clause(&mut self, words: &[&str]) -> Read<Option<Vec<Expr>>> {
        let Some((first, rest)) = words.split_first() else {
            return Ok(None);
        };
        if !self.word(first) {
            return Ok(None);
        }
        for word in rest {
            self.need(word)?;
        }
        let mut list = vec![self.expr()?];
        while self.symbol(",") {
            list.push(self.expr()?);
        }
        // `(a, b)` and `a, b` are the same keys.
        Ok(Some(list))
    }

    fn window(&mut self) -> Read<Window> {
        // A window may have a name, which says nothing.
        let kind = loop {
            match self.name()?.as_str() {
                "TUMBLING" => break WindowKind::Tumbling,
                "HOPPING" => break WindowKind::Hopping,
                "SESSION" => break WindowKind::Session,
                _ => {}
            }
        };
        self.need("(")?;
        if kind != WindowKind::Session {
            self.need("SIZE")?;
        }
        let mut window = Window {
            kind,
            size: self.duration()?,
            advance: None,
            retention: None,
            grace: None,
        };
        while self.symbol(",") {
            match self.name()?.as_str() {
                "ADVANCE" => {
                    self.need("BY")?;
                    window.advance = Some(self.duration()?);
                }
                "RETENTION" => window.retention = Some(self.duration()?),
                "GRACE" => {
                    self.need("PERIOD")?;
                    window.grace = Some(self.duration()?);
                }
                other => return Err(format!("a window has no {other}")),
            }
        }
        self.need(")")?;
        Ok(window)
    }

    fn duration(&mut self) -> Read<i64> {
        let Token::Whole(number) = self.next()? else {
            return Err("a duration is wanted".to_owned());
        };
        let number: i64 = number
            .parse()
            .map_err(|error| format!("{number}: {error}"))?;
        let unit = self.name()?;
        let millis = match unit.strip_suffix('S').unwrap_or(&unit) {
            "MILLISECOND" => 1,
            "SECOND" => 1000,
            "MINUTE" => 60_000,
            "HOUR" => 3_600_000,
            "DAY" => 86_400_000,
            other => return Err(format!("{other} is no unit of time")),
        };
        Ok(number * millis)
    }

    fn item(&mut self) -> Read<Item> {
        if self.symbol("*") {
            return Ok(Item {
                expr: Expr::Star,
                alias: None,
            });
        }
        let expr = self.expr()?;
        let named = self.word("AS")
            || matches!(self.peek(), Some(Token::Name(_)))
            || matches!(self.peek(), Some(Token::Word(word)) if word != "FROM");
        let alias = match named {
            true => Some(self.name()?),
            false => None,
        };
        Ok(Item { expr, alias })
    }
}
