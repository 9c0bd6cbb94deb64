//! The tree of a query: what its closures say, once, for the text, the types and the native code alike.
//!
//! Invariant: names are resolved. A closure's row is an input or a row that an earlier step made, whose fields are the trees
//! they were made of; so every tree speaks of inputs, parameters, the group and nothing else.

use std::rc::Rc;

use ksql_schema::query::{Aggregate, Arith, Compare, Function};
use proc_macro2::Ident;
use quote::ToTokens as _;

use super::cast::Target;
use crate::errors::Place;
use crate::parse::args::plain;

/// An expression and where it stands.
pub(crate) type Tree = Rc<Expr>;

/// One expression.
#[derive(Debug)]
pub(crate) struct Expr {
    pub(crate) kind: Kind,
    pub(crate) place: Place,
    /// The whole expression with nothing left out: equal ones are one node, one aggregate, one key.
    pub(crate) identity: String,
}

/// A pseudo column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pseudo {
    Time,
    Partition,
    Offset,
}

impl Pseudo {
    /// What it tells of a row.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Pseudo::Time => "timestamp",
            Pseudo::Partition => "partition",
            Pseudo::Offset => "offset",
        }
    }
}

/// A bound of the group's window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    Start,
    End,
}

impl Bound {
    pub(crate) fn function(self) -> &'static str {
        match self {
            Bound::Start => "window_start",
            Bound::End => "window_end",
        }
    }
}

/// Stands in the identity of a column before its input, where there may be no row.
pub(crate) const OPTIONAL: &str = "\u{1}";

/// What is done with each element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EachOf {
    Transform,
    Filter,
    Reduce,
}

impl EachOf {
    /// The name a user writes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            EachOf::Transform => "transform",
            EachOf::Filter => "filter",
            EachOf::Reduce => "reduce",
        }
    }
}

/// `TRANSFORM`, `FILTER` or `REDUCE`.
#[derive(Debug)]
pub(crate) struct Each {
    pub(crate) function: EachOf,
    pub(crate) of: Tree,
    /// What `reduce` begins with.
    pub(crate) start: Option<Tree>,
    /// One closure; a map's `transform` has one for the keys and one for the values.
    pub(crate) lambdas: Vec<Lambda>,
}

/// A closure over elements.
#[derive(Debug)]
pub(crate) struct Lambda {
    pub(crate) variables: Vec<Rc<Variable>>,
    pub(crate) body: Tree,
}

/// What a closure over elements is given. Two of one identity stand for the same: its depth and what it is taken of.
#[derive(Debug)]
pub(crate) struct Variable {
    pub(crate) role: Role,
    /// The collection, or what a state begins with.
    pub(crate) of: Tree,
    /// How many there are around it.
    pub(crate) depth: usize,
    /// Its name in KSQL, unless a column has it.
    pub(crate) name: String,
}

/// Which part of a collection a variable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The element of an array.
    Element,
    /// The key of a map.
    Key,
    /// The value of a map.
    Value,
    /// What a reduction has come to.
    State,
}

/// What an expression is.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A column of an input; the receiver is the closure's name for the row.
    Column {
        input: usize,
        receiver: Ident,
        field: Ident,
        /// Of a side of an outer join that may have no row.
        optional: bool,
    },
    /// A field of a struct.
    Field(Tree, Ident),
    Pseudo(Pseudo),
    Integer(i64),
    /// A whole number with the suffix `i64`.
    Long(i64),
    Double(f64),
    Decimal(String),
    Text(String),
    Boolean(bool),
    /// A moment as a text, in milliseconds, beside the row's timestamp.
    Moment(String, i64),
    Null,
    Parameter(usize),
    Negate(Tree),
    Not(Tree),
    Arith(Arith, Tree, Tree),
    Compare(Compare, Tree, Tree),
    And(Tree, Tree),
    Or(Tree, Tree),
    Between(Tree, Tree, Tree),
    In(Tree, Vec<Tree>),
    Like(Tree, Tree, Option<char>),
    /// `if` or `match`, by its word.
    Case {
        word: &'static str,
        condition: Tree,
        then: Tree,
        otherwise: Tree,
    },
    Call {
        function: Function,
        arguments: Vec<Tree>,
        /// The unit of time, as KSQL's keyword.
        unit: Option<&'static str>,
    },
    Cast(Tree, Target),
    /// An element; the index counts from one.
    Element(Tree, Tree),
    /// The value of a map's key.
    Entry(Tree, Tree),
    /// A value behind `Some(..)`: known not to be NULL.
    Present(Tree),
    /// An array of these elements.
    List(Vec<Tree>),
    /// A map of these keys and values, by the name of Rust's.
    Entries(syn::Path, Vec<(Tree, Tree)>),
    /// A struct's literal.
    Record(syn::Path, Vec<(Ident, Tree)>),
    /// A function of each element of an array or a map.
    Each(Each),
    /// What a closure over elements is given.
    Variable(Rc<Variable>),
    /// A row of its own for each element; of `cube_explode`, which is true, for each combination.
    Explode(bool, Tree),
    /// A field of a row that an earlier step made: the row's number and the field.
    Assigned(usize, String, Tree),
    /// A part of the group's key.
    Key(usize),
    Bound(Bound),
    /// An aggregate by its number in the list.
    Aggregate(usize),
    /// An error was reported here.
    Broken,
}

impl Expr {
    pub(crate) fn new(kind: Kind, place: Place) -> Tree {
        let identity = identity(&kind);
        Rc::new(Self {
            kind,
            place,
            identity,
        })
    }

    pub(crate) fn broken(place: Place) -> Tree {
        Self::new(Kind::Broken, place)
    }

    /// Whether an error was reported of it.
    pub(crate) fn is_broken(&self) -> bool {
        matches!(self.kind, Kind::Broken)
    }

    /// What stands here, whatever steps handed it on unchanged.
    pub(crate) fn origin(&self) -> &Expr {
        match &self.kind {
            Kind::Assigned(_, _, of) => of.origin(),
            _ => self,
        }
    }

    /// What tells it from others, whether or not its columns may have no row.
    pub(crate) fn meaning(&self) -> String {
        self.origin().identity.replace(OPTIONAL, "")
    }

    /// All expressions in it, this one first.
    pub(crate) fn walk<'e>(&'e self, visit: &mut dyn FnMut(&'e Expr)) {
        visit(self);
        match &self.kind {
            Kind::Column { .. }
            | Kind::Pseudo(_)
            | Kind::Integer(_)
            | Kind::Long(_)
            | Kind::Double(_)
            | Kind::Decimal(_)
            | Kind::Text(_)
            | Kind::Boolean(_)
            | Kind::Moment(..)
            | Kind::Null
            | Kind::Parameter(_)
            | Kind::Key(_)
            | Kind::Bound(_)
            | Kind::Aggregate(_)
            | Kind::Variable(_)
            | Kind::Broken => {}
            Kind::Field(of, _)
            | Kind::Explode(_, of)
            | Kind::Negate(of)
            | Kind::Not(of)
            | Kind::Cast(of, _)
            | Kind::Present(of)
            | Kind::Assigned(_, _, of) => of.walk(visit),
            Kind::Arith(_, one, two)
            | Kind::Compare(_, one, two)
            | Kind::And(one, two)
            | Kind::Or(one, two)
            | Kind::Like(one, two, _)
            | Kind::Element(one, two)
            | Kind::Entry(one, two) => {
                one.walk(visit);
                two.walk(visit);
            }
            Kind::Between(one, two, three) => {
                for of in [one, two, three] {
                    of.walk(visit);
                }
            }
            Kind::Case {
                condition,
                then,
                otherwise,
                ..
            } => {
                for of in [condition, then, otherwise] {
                    of.walk(visit);
                }
            }
            Kind::In(value, list) => {
                value.walk(visit);
                list.iter().for_each(|of| of.walk(visit));
            }
            Kind::Call { arguments, .. } | Kind::List(arguments) => {
                arguments.iter().for_each(|of| of.walk(visit));
            }
            Kind::Entries(_, entries) => {
                for (key, value) in entries {
                    key.walk(visit);
                    value.walk(visit);
                }
            }
            Kind::Record(_, fields) => fields.iter().for_each(|(_, of)| of.walk(visit)),
            Kind::Each(each) => {
                each.of.walk(visit);
                each.start.iter().for_each(|of| of.walk(visit));
                each.lambdas.iter().for_each(|one| one.body.walk(visit));
            }
        }
    }
}

fn identity(kind: &Kind) -> String {
    let of = |trees: &[&Tree]| {
        trees
            .iter()
            .map(|tree| tree.identity.as_str())
            .collect::<Vec<_>>()
            .join(",")
    };
    match kind {
        Kind::Column {
            input,
            field,
            optional,
            ..
        } => {
            let mark = if *optional { OPTIONAL } else { "" };
            format!("{mark}{input}.{}", plain(&field.to_string()))
        }
        Kind::Field(tree, field) => format!("{}->{}", tree.identity, plain(&field.to_string())),
        Kind::Pseudo(pseudo) => format!("{pseudo:?}"),
        Kind::Integer(value) => format!("{value}"),
        Kind::Long(value) => format!("{value}i64"),
        Kind::Double(value) => format!("{value:?}f64"),
        Kind::Decimal(digits) => format!("dec!({digits})"),
        Kind::Text(text) => format!("{text:?}"),
        Kind::Boolean(value) => format!("{value}"),
        Kind::Moment(text, _) => format!("moment({text:?})"),
        Kind::Null => "None".to_owned(),
        Kind::Parameter(index) => format!(":{index}"),
        Kind::Negate(one) => format!("-({})", one.identity),
        Kind::Not(one) => format!("!({})", one.identity),
        Kind::Arith(op, one, two) => format!("{op:?}({})", of(&[one, two])),
        Kind::Compare(op, one, two) => format!("{op:?}({})", of(&[one, two])),
        Kind::And(one, two) => format!("and({})", of(&[one, two])),
        Kind::Or(one, two) => format!("or({})", of(&[one, two])),
        Kind::Between(one, two, three) => format!("between({})", of(&[one, two, three])),
        Kind::In(value, list) => format!(
            "in({},[{}])",
            value.identity,
            of(&list.iter().collect::<Vec<_>>())
        ),
        Kind::Like(one, two, escape) => format!("like({},{escape:?})", of(&[one, two])),
        Kind::Case {
            condition,
            then,
            otherwise,
            ..
        } => format!("case({})", of(&[condition, then, otherwise])),
        Kind::Call {
            function,
            arguments,
            unit,
        } => format!(
            "{function:?}({},{unit:?})",
            of(&arguments.iter().collect::<Vec<_>>())
        ),
        Kind::Cast(one, ty) => format!("cast({},{})", one.identity, ty.identity()),
        Kind::Element(one, two) => format!("element({})", of(&[one, two])),
        Kind::Entry(one, two) => format!("entry({})", of(&[one, two])),
        Kind::Present(one) => format!("some({})", one.identity),
        Kind::List(list) => format!("[{}]", of(&list.iter().collect::<Vec<_>>())),
        Kind::Entries(_, entries) => {
            let entries = entries.iter().map(|(key, value)| of(&[key, value]));
            format!("map({})", entries.collect::<Vec<_>>().join(";"))
        }
        Kind::Record(path, fields) => {
            let fields = fields
                .iter()
                .map(|(field, tree)| format!("{}:{}", plain(&field.to_string()), tree.identity));
            format!(
                "{}{{{}}}",
                path.to_token_stream(),
                fields.collect::<Vec<_>>().join(",")
            )
        }
        Kind::Each(each) => {
            let lambdas: Vec<String> = each
                .lambdas
                .iter()
                .map(|one| format!("{}=>{}", one.variables.len(), one.body.identity))
                .collect();
            let start = each.start.as_ref().map_or("", |start| &start.identity);
            format!(
                "{:?}({},{start},{})",
                each.function,
                each.of.identity,
                lambdas.join(";")
            )
        }
        Kind::Variable(variable) => format!(
            "{:?}{}({})",
            variable.role, variable.depth, variable.of.identity
        ),
        Kind::Explode(cube, one) => format!("explode{cube}({})", one.identity),
        Kind::Assigned(row, field, one) => format!("{row}:{field}({})", one.identity),
        Kind::Key(index) => format!("key{index}"),
        Kind::Bound(bound) => format!("{bound:?}"),
        Kind::Aggregate(index) => format!("aggregate{index}"),
        Kind::Broken => "broken".to_owned(),
    }
}

/// An aggregate: equal ones are kept once.
#[derive(Debug)]
pub(crate) struct Aggregated {
    pub(crate) function: Aggregate,
    pub(crate) arguments: Vec<Tree>,
    /// The number of values of `top_k` and its like.
    pub(crate) count: Option<usize>,
    pub(crate) place: Place,
}

/// A row that a step makes.
#[derive(Debug)]
pub(crate) struct Made {
    /// The struct as it is written.
    pub(crate) path: syn::Path,
    pub(crate) fields: Vec<(Ident, Tree)>,
}

impl Made {
    pub(crate) fn field(&self, name: &str) -> Option<&Tree> {
        self.fields
            .iter()
            .find(|(field, _)| plain(&field.to_string()) == name)
            .map(|(_, tree)| tree)
    }
}
