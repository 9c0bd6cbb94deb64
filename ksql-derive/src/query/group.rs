//! What a group can be asked in `aggregate` and `having`: its key, its window, aggregates over its rows.

use ksql_schema::query::{Aggregate, aggregates};
use proc_macro2::Ident;
use syn::{Expr as Syntax, ExprClosure, ExprMethodCall, Lit, Pat};

use super::expression::{Named, Part, Reader, simple};
use super::method::aggregate_names;
use super::tree::{Aggregated, Bound, Expr, Kind, Tree};
use super::words::{quoted, suggestion};
use crate::errors::Place;
use crate::parse::args::plain;

impl Reader<'_> {
    /// `g.something(..)`.
    pub(crate) fn of_group(&mut self, base: &Ident, call: &ExprMethodCall) -> Tree {
        let name = plain(&call.method.to_string());
        let place = Place::of(call);
        if self.part == Part::Row {
            return self.broken(
                place,
                format!("`{base}` is the group, and an aggregate's expression is over its rows"),
                "write this outside of the aggregate",
            );
        }
        match (name.as_str(), call.args.len()) {
            ("key", 0) => self.key(place, base),
            ("window_start", 0) => self.bound(Bound::Start, place),
            ("window_end", 0) => self.bound(Bound::End, place),
            _ => self.aggregate(call, &name, place),
        }
    }

    fn key(&mut self, place: Place, base: &Ident) -> Tree {
        match self.group {
            Some(1) | None => Expr::new(Kind::Key(0), place),
            Some(parts) => self.broken(
                place,
                format!("the key of this group has {parts} parts"),
                format!("take them one by one: `{base}.key().0`, `{base}.key().1`"),
            ),
        }
    }

    /// `g.key().0`
    pub(crate) fn key_part(
        &mut self,
        base: &Syntax,
        index: &syn::Index,
        place: Place,
    ) -> Option<Tree> {
        let Syntax::MethodCall(call) = base else {
            return None;
        };
        let group = simple(&call.receiver)?;
        let is_group = matches!(self.named(&plain(&group.to_string())), Some(Named::Group));
        if !is_group || call.method != "key" || !call.args.is_empty() {
            return None;
        }
        let parts = self.group.unwrap_or(1);
        let at = usize::try_from(index.index).unwrap_or(usize::MAX);
        if parts == 1 {
            return Some(self.broken(
                place,
                "the key of this group has one part only",
                format!("write `{group}.key()`"),
            ));
        }
        if at >= parts {
            return Some(self.broken(
                place,
                format!("the key of this group has {parts} parts, counted from 0"),
                format!("the last one is `{group}.key().{}`", parts - 1),
            ));
        }
        Some(Expr::new(Kind::Key(at), place))
    }

    fn bound(&mut self, bound: Bound, place: Place) -> Tree {
        if !self.bound_allowed() {
            return self.broken(
                place,
                format!("`{}()` stands only in the output", bound.function()),
                "write it in `.aggregate(|g| ..)`, as a field's value",
            );
        }
        Expr::new(Kind::Bound(bound), place)
    }

    fn aggregate(&mut self, call: &ExprMethodCall, name: &str, place: Place) -> Tree {
        let at = Place::of(&call.method);
        let closures = call
            .args
            .iter()
            .take_while(|argument| matches!(argument, Syntax::Closure(_)))
            .count();
        let rest: Vec<&Syntax> = call.args.iter().skip(closures).collect();
        let Some(function) = aggregates::lookup(name, closures, !rest.is_empty()) else {
            let names = aggregate_names();
            let form = match name {
                "iter" | "into_iter" | "map" | "rows" | "values" => {
                    "an aggregate takes the rows by itself: write `g.sum(|r| r.n)`"
                }
                "filter" | "count_if" | "sum_if" => {
                    "an aggregate leaves out NULLs: for some of the rows alone, write `g.sum(|r| if r.paid { r.n } else { None })`"
                }
                _ => "",
            };
            if !form.is_empty() {
                return self.broken(at, format!("ksqlDB has no aggregate `{name}`"), form);
            }
            let hint = match aggregates::synonym(name) {
                Some(meant) => format!("; did you mean `{meant}`?"),
                None => suggestion(name, &names),
            };
            return self.broken(
                at,
                format!("ksqlDB has no aggregate `{name}`{hint}"),
                format!("aggregates are {}", quoted(&aggregates::names())),
            );
        };
        let spec = function.spec();
        if !function.takes_so_many(closures) || rest.len() != usize::from(spec.counted) {
            return self.broken(at, format!("this is no call of `{name}`"), form(function));
        }
        let count = match rest.first() {
            Some(syntax) => match count(syntax) {
                Some(count) => Some(count),
                None => {
                    return self.broken(
                        Place::of(syntax),
                        "how many values are kept is a whole number from 1, part of the state's shape",
                        form(function),
                    );
                }
            },
            None => None,
        };
        let mut arguments = Vec::with_capacity(closures);
        for argument in &call.args {
            if let Syntax::Closure(closure) = argument {
                arguments.push(self.over_rows(closure));
            }
        }
        if arguments
            .iter()
            .any(|tree| matches!(tree.kind, Kind::Broken))
        {
            return Expr::broken(place);
        }
        let known = self.aggregates.iter().position(|known| {
            known.function == function
                && known.count == count
                && known.arguments.len() == arguments.len()
                && known
                    .arguments
                    .iter()
                    .zip(&arguments)
                    .all(|(one, other)| one.identity == other.identity)
        });
        let index = known.unwrap_or_else(|| {
            self.aggregates.push(Aggregated {
                function,
                arguments,
                count,
                place,
            });
            self.aggregates.len() - 1
        });
        Expr::new(Kind::Aggregate(index), place)
    }

    /// The closure of an aggregate: an expression over the rows that were grouped. The group is not known in it.
    fn over_rows(&mut self, closure: &ExprClosure) -> Tree {
        let outer = self.names.clone();
        self.names
            .retain(|(_, named)| matches!(named, Named::Group));
        let part = std::mem::replace(&mut self.part, Part::Row);
        let row = self.row.clone();
        let tree = self.closure(closure, row, |reader, body| reader.read(body));
        self.part = part;
        self.names = outer;
        tree.unwrap_or_else(|| Expr::broken(Place::of(closure)))
    }

    /// A closure over a row, or over one row for each joined input: their names are known in its body.
    pub(crate) fn closure<T>(
        &mut self,
        closure: &ExprClosure,
        row: Named,
        body: impl FnOnce(&mut Self, &Syntax) -> T,
    ) -> Option<T> {
        for extra in [
            closure.capture.as_ref().map(Place::of),
            closure.asyncness.as_ref().map(Place::of),
            closure.constness.as_ref().map(Place::of),
        ]
        .into_iter()
        .flatten()
        {
            self.error(
                extra,
                "a query's closure takes a row and nothing else",
                "remove this",
            );
        }
        let rows = match row {
            Named::Input(_) => self.joined.iter().map(|one| Named::Input(*one)).collect(),
            other => vec![other],
        };
        if closure.inputs.len() != rows.len() {
            let given = closure.inputs.len();
            let (message, help) = match rows.len() {
                1 => (
                    format!("this closure has {given} rows, and there is one input"),
                    "write `|r| ..`".to_owned(),
                ),
                joined => {
                    let names: Vec<&str> = self
                        .joined
                        .iter()
                        .filter_map(|one| self.inputs.get(*one))
                        .map(|(name, _)| name.get(..1).unwrap_or("r"))
                        .collect();
                    (
                        format!(
                            "this closure has {joined} rows, one for each joined input, not {given}"
                        ),
                        format!("write `|{}| ..`", names.join(", ")),
                    )
                }
            };
            let place = if closure.inputs.is_empty() {
                Place::of(closure)
            } else {
                Place::of(&closure.inputs)
            };
            self.error(place, message, help);
            return None;
        }
        let outer = self.names.len();
        for (input, row) in closure.inputs.iter().zip(rows) {
            let pattern = match input {
                Pat::Type(typed) => &*typed.pat,
                other => other,
            };
            match pattern {
                Pat::Ident(name) if name.subpat.is_none() && name.by_ref.is_none() => {
                    self.names.push((plain(&name.ident.to_string()), row));
                }
                Pat::Wild(_) => {}
                other => {
                    self.error(
                        Place::of(other),
                        "a row has a plain name",
                        "write `|r| ..` and take its columns: `r.id`",
                    );
                    self.names.truncate(outer);
                    return None;
                }
            }
        }
        let made = body(self, &closure.body);
        self.names.truncate(outer);
        Some(made)
    }
}

fn count(syntax: &Syntax) -> Option<usize> {
    match syntax {
        Syntax::Lit(literal) => match &literal.lit {
            Lit::Int(int) => int
                .base10_parse()
                .ok()
                .filter(|count| (1..=1_000_000).contains(count)),
            _ => None,
        },
        _ => None,
    }
}

/// How an aggregate is called.
fn form(function: Aggregate) -> String {
    let spec = function.spec();
    let names = ["|r| r.x", "|r| r.y"];
    let mut arguments: Vec<&str> = names.into_iter().take(spec.takes.len()).collect();
    if spec.counted {
        arguments.push("3");
    }
    format!("write `g.{}({})`", function.name(), arguments.join(", "))
}
