//! Statements and expressions, read.

use std::fmt;

/// An expression. Parentheses are gone, names are as ksqlDB resolves them.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// A column; where several sources are joined, behind its source and a point.
    Column(String),
    /// `NULL`, `true`, `false`, a number or a text in one form each.
    Literal(String),
    /// `struct->field`
    Field(Box<Expr>, String),
    /// `array[i]`, `map['k']`
    Element(Box<Expr>, Box<Expr>),
    /// `NOT x` and `-x`
    Prefix(&'static str, Box<Expr>),
    /// An operator between two, or more where it is `AND` or `OR`.
    Infix(&'static str, Vec<Expr>),
    /// `x IN (..)`
    In(Box<Expr>, Vec<Expr>),
    /// `x LIKE p ESCAPE e`
    Like(Box<Expr>, Box<Expr>, Option<String>),
    /// `x IS NULL`
    IsNull(Box<Expr>),
    /// `CASE WHEN c THEN v .. ELSE e END`
    Case(Vec<(Expr, Expr)>, Option<Box<Expr>>),
    /// `CAST(x AS type)`
    Cast(Box<Expr>, String),
    /// A call.
    Call(String, Vec<Expr>),
    /// `ARRAY[..]`
    Array(Vec<Expr>),
    /// `STRUCT(f := x, ..)`, `MAP(k := v, ..)`
    Made(&'static str, Vec<(String, Expr)>),
    /// `*`
    Star,
}

/// Something selected, with its name where one is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub expr: Expr,
    pub alias: Option<String>,
}

/// Stream or table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Stream,
    Table,
    /// Records are added to a stream that is there.
    Inserted,
}

/// Tumbling, hopping or session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowKind {
    Tumbling,
    Hopping,
    Session,
}

/// A window; durations in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    pub kind: WindowKind,
    pub size: i64,
    pub advance: Option<i64>,
    pub retention: Option<i64>,
    pub grace: Option<i64>,
}

/// A join. Its sources stand in the statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    /// `INNER`, `LEFT`, `RIGHT` or `FULL`.
    pub kind: &'static str,
    /// Milliseconds before and after.
    pub within: Option<(i64, i64)>,
    pub grace: Option<i64>,
    /// What is equal in both.
    pub on: (Expr, Expr),
}

/// `CREATE .. AS SELECT`.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    pub kind: Kind,
    pub name: String,
    /// Properties by their upper-case names, values as text.
    pub with: Vec<(String, String)>,
    pub select: Vec<Item>,
    /// What is read, each with what its columns are called by: the first, and those that are joined to it.
    pub sources: Vec<(String, String)>,
    /// One for each source but the first.
    pub joins: Vec<Join>,
    pub window: Option<Window>,
    pub filter: Option<Expr>,
    pub group_by: Vec<Expr>,
    pub partition_by: Vec<Expr>,
    pub having: Option<Expr>,
    /// `EMIT FINAL`
    pub emits_final: bool,
}

impl Statement {
    /// The source that others are joined to, or the only one.
    pub fn from(&self) -> &str {
        self.sources.first().map_or("", |(source, _)| source)
    }

    /// A property's value.
    pub fn property(&self, name: &str) -> Option<&str> {
        let found = self.with.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Expr {
    /// Every expression in this one made anew, the innermost first.
    pub fn map(self, change: &mut impl FnMut(Expr) -> Expr) -> Expr {
        let mut one = |expr: Box<Expr>| Box::new(expr.map(change));
        let made = match self {
            Expr::Column(_) | Expr::Literal(_) | Expr::Star => self,
            Expr::Field(of, name) => Expr::Field(one(of), name),
            Expr::Element(of, at) => Expr::Element(one(of), one(at)),
            Expr::Prefix(op, of) => Expr::Prefix(op, one(of)),
            Expr::Like(of, pattern, escape) => Expr::Like(one(of), one(pattern), escape),
            Expr::IsNull(of) => Expr::IsNull(one(of)),
            Expr::Cast(of, ty) => Expr::Cast(one(of), ty),
            Expr::In(of, list) => {
                let of = one(of);
                Expr::In(of, all(list, change))
            }
            Expr::Infix(op, list) => Expr::Infix(op, all(list, change)),
            Expr::Call(name, list) => Expr::Call(name, all(list, change)),
            Expr::Array(list) => Expr::Array(all(list, change)),
            Expr::Made(what, list) => Expr::Made(
                what,
                list.into_iter()
                    .map(|(name, expr)| (name, expr.map(change)))
                    .collect(),
            ),
            Expr::Case(whens, otherwise) => {
                let otherwise = otherwise.map(one);
                let whens = whens
                    .into_iter()
                    .map(|(when, then)| (when.map(change), then.map(change)));
                Expr::Case(whens.collect(), otherwise)
            }
        };
        change(made)
    }
}

fn all(list: Vec<Expr>, change: &mut impl FnMut(Expr) -> Expr) -> Vec<Expr> {
    list.into_iter().map(|expr| expr.map(change)).collect()
}

struct List<'a>(&'a [Expr]);

impl fmt::Display for List<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, expr) in self.0.iter().enumerate() {
            write!(out, "{}{expr}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Column(name) => out.write_str(name),
            Expr::Literal(text) => out.write_str(text),
            Expr::Star => out.write_str("*"),
            Expr::Field(of, name) => write!(out, "{of}->{name}"),
            Expr::Element(of, at) => write!(out, "{of}[{at}]"),
            Expr::Prefix(op, of) => write!(out, "({op} {of})"),
            Expr::Infix(op, list) => {
                out.write_str("(")?;
                for (index, expr) in list.iter().enumerate() {
                    match index {
                        0 => write!(out, "{expr}")?,
                        _ => write!(out, " {op} {expr}")?,
                    }
                }
                out.write_str(")")
            }
            Expr::In(of, list) => write!(out, "({of} IN ({}))", List(list)),
            Expr::Like(of, pattern, escape) => match escape {
                None => write!(out, "({of} LIKE {pattern})"),
                Some(escape) => write!(out, "({of} LIKE {pattern} ESCAPE {escape})"),
            },
            Expr::IsNull(of) => write!(out, "({of} IS NULL)"),
            Expr::Cast(of, ty) => write!(out, "CAST({of} AS {ty})"),
            Expr::Call(name, list) => write!(out, "{name}({})", List(list)),
            Expr::Array(list) => write!(out, "ARRAY[{}]", List(list)),
            Expr::Made(what, list) => {
                write!(out, "{what}(")?;
                for (index, (name, expr)) in list.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(out, "{comma}{name} := {expr}")?;
                }
                out.write_str(")")
            }
            Expr::Case(whens, otherwise) => {
                out.write_str("CASE")?;
                for (when, then) in whens {
                    write!(out, " WHEN {when} THEN {then}")?;
                }
                if let Some(otherwise) = otherwise {
                    write!(out, " ELSE {otherwise}")?;
                }
                out.write_str(" END")
            }
        }
    }
}
