//! The chain of steps in a query's body, read into one query: one SELECT, whatever the number of steps.
//!
//! Later steps read what earlier ones made, so `map` is a substitution; all filters before a grouping are one condition.

use std::rc::Rc;

use ksql_schema::Kind as SourceKind;
use syn::{Expr as Syntax, ExprMethodCall, ItemFn, Member, Stmt};

use super::chain::Chain;
use super::coverage::Complete;
use super::explode::Exploded;
use super::expression::{Named, Part, Reader, simple};
use super::join::Join;
use super::signature::Signature;
use super::tree::{Aggregated, Expr, Kind, Made, Tree};
use super::words::{quoted, suggestion};
use super::written::rust;
use crate::errors::{Errors, Place};
use crate::parse::args::plain;

/// A part of a key.
#[derive(Debug)]
pub(crate) struct KeyPart {
    pub(crate) tree: Tree,
    /// As its author wrote it; of a column its name alone.
    pub(crate) text: String,
}

/// A grouping or partitioning.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) parts: Vec<KeyPart>,
    pub(crate) place: Place,
}

/// A step in its author's words.
#[derive(Debug)]
pub(crate) enum Step {
    /// A join by its number.
    Join(usize),
    Filter(String),
    Map(Vec<(String, String)>),
    PartitionBy(Vec<String>),
    GroupBy(Vec<String>),
    Aggregate(Vec<(String, String)>),
    Having(String),
}

/// The body, read.
#[derive(Debug)]
pub(crate) struct Query {
    /// The id under which it adds to an output that is there without it; else it makes its output.
    pub(crate) insert: Option<String>,
    /// The input it starts with.
    pub(crate) input: usize,
    /// The inputs in the order in which they are joined; the first is that.
    pub(crate) joined: Vec<usize>,
    pub(crate) joins: Vec<Join>,
    pub(crate) filters: Vec<Tree>,
    pub(crate) partition: Option<Keys>,
    pub(crate) group: Option<Keys>,
    pub(crate) having: Vec<Tree>,
    pub(crate) aggregates: Vec<Aggregated>,
    /// Where a row becomes one for each element.
    pub(crate) exploded: Vec<Exploded>,
    /// The rows that `map` made on the way.
    pub(crate) rows: Vec<Rc<Made>>,
    /// What is written.
    pub(crate) made: Rc<Made>,
    pub(crate) kind: SourceKind,
    pub(crate) because: &'static str,
    pub(crate) steps: Vec<Step>,
    pub(crate) variants: Vec<syn::Path>,
    pub(crate) complete: Vec<Complete>,
}

/// How a query is given values from outside.
const OUTSIDE: &str =
    "values from outside are parameters of the query, after its inputs: `limit: i64`";

/// Reads the body. Nothing after an error that leaves no query.
pub(crate) fn query(item: &ItemFn, signature: &Signature, errors: &mut Errors) -> Option<Query> {
    let body = match item.block.stmts.as_slice() {
        [Stmt::Expr(body, None)] => body,
        [] => {
            errors.push(
                Place::of(&item.block),
                "a query's body is one expression over its input",
                "write `rates.filter(|r| ..).map(|r| ..)`",
            );
            return None;
        }
        [Stmt::Expr(_, Some(semicolon))] => {
            errors.push(
                Place::of(semicolon),
                "a query's body is its value, which is thrown away here",
                "remove the semicolon",
            );
            return None;
        }
        [Stmt::Local(first), ..] => {
            errors.push(
                Place::of(first),
                "a query's body is one expression",
                "write the steps one behind the other, `rates.filter(|r| ..).map(|r| ..)`; names for values stand inside of closures: `.map(|r| { let x = ..; Out { .. } })`",
            );
            return None;
        }
        [first, ..] => {
            errors.push(
                Place::of(first),
                "a query's body is one expression, without a semicolon",
                "names for values stand inside of closures: `.map(|r| { let x = ..; Out { .. } })`",
            );
            return None;
        }
    };
    let (base, calls) = unrolled(body);
    let names: Vec<String> = signature
        .inputs
        .iter()
        .map(|input| plain(&input.name.to_string()))
        .collect();
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    let start = simple(base).map(|ident| plain(&ident.to_string()));
    let input = start
        .as_ref()
        .and_then(|start| names.iter().position(|name| name == start));
    let Some(input) = input else {
        // Around what the head says wrongly stands something too: `Ok(..)`.
        if !signature.inputs.is_empty() && signature.output.is_some() {
            let hint = start.map_or_else(String::new, |start| suggestion(&start, &known));
            errors.push(
                Place::of(base),
                format!("a query starts with one of its inputs{hint}"),
                format!("its inputs are {}", quoted(&known)),
            );
        }
        return None;
    };
    let mut reader = Reader {
        errors,
        outside: OUTSIDE,
        inputs: signature
            .inputs
            .iter()
            .map(|input| (plain(&input.name.to_string()), input.kind))
            .collect(),
        joined: vec![input],
        optional: vec![false; signature.inputs.len()],
        parameters: signature
            .parameters
            .iter()
            .map(|parameter| plain(&parameter.name.to_string()))
            .collect(),
        rows: Vec::new(),
        aggregates: Vec::new(),
        group: None,
        part: Part::Row,
        conditional: false,
        row: Named::Input(input),
        variants: Vec::new(),
        complete: Vec::new(),
        names: Vec::new(),
    };
    let kind = signature
        .inputs
        .get(input)
        .map_or(SourceKind::Stream, |input| input.kind);
    let mut chain = Chain {
        reader: &mut reader,
        filters: Vec::new(),
        partition: None,
        group: None,
        having: Vec::new(),
        made: None,
        aggregated: None,
        forced: None,
        kind,
        joins: Vec::new(),
        ended: false,
        steps: Vec::new(),
    };
    for call in calls {
        chain.step(call);
        if chain.ended {
            return None;
        }
    }
    chain.check_joins();
    if chain.reader.errors.is_empty() {
        for (index, unread) in signature.inputs.iter().enumerate() {
            if !chain.reader.joined.contains(&index) {
                let name = &unread.name;
                chain.reader.error(
                    Place::of(name),
                    format!("the input `{name}` is not read"),
                    format!("join it: `.join({name}, |r, o| r.id == o.id)`, or remove it"),
                );
            }
        }
    }
    chain.finish(signature, input, kind, Place::of(body))
}

/// The innermost receiver and the calls on it, the first one first.
fn unrolled(body: &Syntax) -> (&Syntax, Vec<&ExprMethodCall>) {
    let mut calls = Vec::new();
    let mut at = body;
    loop {
        match at {
            Syntax::MethodCall(call) => {
                calls.push(call);
                at = &call.receiver;
            }
            Syntax::Paren(inner) => at = &inner.expr,
            Syntax::Group(inner) => at = &inner.expr,
            _ => break,
        }
    }
    calls.reverse();
    (at, calls)
}

impl Chain<'_, '_> {
    fn finish(
        mut self,
        signature: &Signature,
        input: usize,
        source: SourceKind,
        body: Place,
    ) -> Option<Query> {
        let joined = !self.joins.is_empty();
        let (kind, because) = match (&self.group, source) {
            (Some(_), _) => (SourceKind::Table, "grouped and aggregated"),
            (None, SourceKind::Table) if joined => (SourceKind::Table, "made of joined tables"),
            (None, SourceKind::Stream) if joined => (
                SourceKind::Stream,
                "made of a stream, record by record, with what joins it",
            ),
            (None, SourceKind::Table) => (SourceKind::Table, "made of a table, row by row"),
            (None, SourceKind::Stream) => {
                (SourceKind::Stream, "made of a stream, record by record")
            }
        };
        let says = format!("this query makes {}: it is {because}", article(kind));
        let wanted = signature.output.as_ref().filter(|out| out.kind != kind);
        let cure = wanted.map(|output| match kind {
            SourceKind::Table => format!("write `Table<{}>`", rust(&output.ty)),
            SourceKind::Stream => format!(
                "write `Stream<{}>`, or put its rows together: `.group_by(..)` and `.aggregate(..)`",
                rust(&output.ty)
            ),
        });
        match (self.forced.filter(|(forced, _)| *forced != kind), wanted) {
            // The head says the same as the step, so it is said once.
            (Some((_, place)), _) => {
                let help = match cure {
                    Some(cure) => format!("remove this step and {cure}"),
                    None => "remove this step".to_owned(),
                };
                self.reader.error(place, says, help);
            }
            (None, Some(output)) => self
                .reader
                .error(output.place, says, cure.unwrap_or_default()),
            (None, None) => {}
        }
        if let (Some(group), None) = (&self.group, &self.aggregated) {
            self.reader.error(
                group.place,
                "the rows are grouped, and nothing is made of the groups",
                "write `.aggregate(|g| Out { .. })`",
            );
            return None;
        }
        let Some(made) = self.made.take() else {
            if self.reader.errors.is_empty() {
                self.reader.error(
                    body,
                    "the query does not say what it writes",
                    "write `.map(|r| Out { id: r.id, .. })` with every field of the output",
                );
            }
            return None;
        };
        if let Some(place) = self.aggregated
            && self.reader.aggregates.is_empty()
            && self.reader.errors.is_empty()
        {
            self.reader.error(
                place,
                "a grouping needs an aggregate",
                "use one in the output or in `.having(..)`, such as `g.count()`",
            );
        }
        if let Some(output) = &signature.output {
            same_entity(&made.path, &output.ty, self.reader.errors);
        }
        for (keys, grouped) in [(&self.group, true), (&self.partition, false)] {
            if let Some(keys) = keys
                && self.reader.errors.is_empty()
            {
                keys_in_output(keys, grouped, &made, self.reader);
            }
        }
        let exploded = self.explodes(&made, source);
        Some(Query {
            insert: None,
            input,
            joined: std::mem::take(&mut self.reader.joined),
            joins: self.joins,
            exploded,
            filters: self.filters,
            partition: self.partition,
            group: self.group,
            having: self.having,
            aggregates: std::mem::take(&mut self.reader.aggregates),
            rows: std::mem::take(&mut self.reader.rows),
            made,
            kind,
            because,
            steps: self.steps,
            variants: std::mem::take(&mut self.reader.variants),
            complete: std::mem::take(&mut self.reader.complete),
        })
    }
}

/// Each part of the key is a field of the output, once.
fn keys_in_output(keys: &Keys, grouped: bool, made: &Made, reader: &mut Reader<'_>) {
    for (index, part) in keys.parts.iter().enumerate() {
        if matches!(part.tree.kind, Kind::Broken) {
            continue;
        }
        let mut fields = made
            .fields
            .iter()
            .filter(|(_, tree)| is_part(tree, &part.tree, index, grouped));
        let value = match (grouped, keys.parts.len()) {
            (true, 1) => "g.key()".to_owned(),
            (true, _) => format!("g.key().{index}"),
            (false, _) => part.text.clone(),
        };
        if fields.next().is_none() {
            let help = if grouped {
                format!("give it to the key's field: `{}: {value}`", part.text)
            } else {
                "give the same expression to the key's field".to_owned()
            };
            reader.error(
                part.tree.place,
                format!(
                    "the key `{}` is missing in what the query writes",
                    part.text
                ),
                help,
            );
        }
        if let Some((_, again)) = fields.next() {
            reader.error(
                again.place,
                format!("the key `{}` stands in the output twice", part.text),
                format!("for a copy in the value, write `{value}.as_value()`"),
            );
        }
    }
}

fn article(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Stream => "a stream",
        SourceKind::Table => "a table",
    }
}

/// The struct made last is the one the signature names.
fn same_entity(path: &syn::Path, ty: &syn::Type, errors: &mut Errors) {
    let syn::Type::Path(wanted) = ty else {
        return;
    };
    let (Some(made), Some(named)) = (path.segments.last(), wanted.path.segments.last()) else {
        return;
    };
    if made.ident != named.ident && made.ident != "Self" {
        errors.push(
            Place::of(path),
            format!(
                "the query writes `{}`, and this makes `{}`",
                named.ident, made.ident
            ),
            format!(
                "write `{} {{ .. }}`, or change what the function returns",
                named.ident
            ),
        );
    }
}

impl Reader<'_> {
    /// An expression as a step's body: a block's names are known in it alone.
    pub(crate) fn read_body(&mut self, body: &Syntax) -> Tree {
        self.read(body)
    }

    /// The parts of a key: of a tuple each, else the one there is.
    pub(super) fn key_parts(&mut self, body: &Syntax) -> Vec<KeyPart> {
        let syntaxes: Vec<&Syntax> = match body {
            Syntax::Paren(inner) => return self.key_parts(&inner.expr),
            Syntax::Group(inner) => return self.key_parts(&inner.expr),
            // As the formatter writes a long one.
            Syntax::Block(block) if block.label.is_none() => {
                return self.block(&block.block, Reader::key_parts);
            }
            Syntax::Tuple(tuple) => tuple.elems.iter().collect(),
            one => vec![one],
        };
        let mut parts: Vec<KeyPart> = Vec::new();
        for syntax in syntaxes {
            let tree = self.read(syntax);
            if parts.iter().any(|part| part.tree.identity == tree.identity)
                && !matches!(tree.kind, Kind::Broken)
            {
                self.error(
                    tree.place,
                    "this stands in the key twice",
                    "remove one of them",
                );
                continue;
            }
            let text = match &tree.origin().kind {
                Kind::Column { field, .. } => plain(&field.to_string()),
                _ => rust(syntax),
            };
            parts.push(KeyPart { tree, text });
        }
        parts
    }

    /// The row a step makes.
    pub(super) fn made(
        &mut self,
        body: &Syntax,
        shown: &mut Vec<(String, String)>,
    ) -> Option<Made> {
        match body {
            Syntax::Paren(inner) => self.made(&inner.expr, shown),
            Syntax::Group(inner) => self.made(&inner.expr, shown),
            Syntax::Block(block) if block.label.is_none() => {
                self.block(&block.block, |reader, last| reader.made(last, shown))
            }
            Syntax::Struct(literal) => self.row_literal(literal, shown),
            // It was said in the block.
            Syntax::Verbatim(none) if none.is_empty() => None,
            other => {
                let help = match other {
                    Syntax::If(_) | Syntax::Match(_) => {
                        "write one row, and the choice in its fields: `Out { n: if r.paid { 1 } else { 0 }, .. }`"
                    }
                    _ => "write `Out { id: r.id, .. }`",
                };
                self.error(
                    Place::of(other),
                    "this step makes a row: a struct with its fields",
                    help,
                );
                None
            }
        }
    }

    fn row_literal(
        &mut self,
        literal: &syn::ExprStruct,
        shown: &mut Vec<(String, String)>,
    ) -> Option<Made> {
        if let Some(rest) = &literal.dot2_token {
            self.error(
                Place::of(rest),
                "every field of a row is said, or the columns of the result would be those of another definition",
                "write the fields one by one: `id: r.id`",
            );
        }
        let mut fields: Vec<(proc_macro2::Ident, Tree)> = Vec::new();
        for field in &literal.fields {
            let Member::Named(ident) = &field.member else {
                self.error(
                    Place::of(field),
                    "the fields of a row have names",
                    "write `id: r.id`",
                );
                continue;
            };
            let tree = self.read(&field.expr);
            shown.push((plain(&ident.to_string()), rust(&field.expr)));
            fields.push((ident.clone(), tree));
        }
        Some(Made {
            path: literal.path.clone(),
            fields,
        })
    }
}

/// Whether a tree is a key's part handed on as it is.
pub(crate) fn is_part(tree: &Expr, part: &Expr, index: usize, grouped: bool) -> bool {
    if grouped {
        matches!(tree.kind, Kind::Key(key) if key == index)
    } else {
        tree.origin().identity == part.origin().identity
    }
}
