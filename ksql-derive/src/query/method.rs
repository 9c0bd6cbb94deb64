//! Method calls: KSQL's functions by Rust's names or its own, and what is an operator there.

use ksql_schema::query::functions::{self, UNITS};
use ksql_schema::query::{Aggregate, Compare, Function, Sql, aggregates};
use proc_macro2::Ident;
use syn::{Expr as Syntax, ExprCall, ExprMethodCall, GenericArgument};

use super::cast::Target;
use super::expression::{Named, Part, Reader, simple};
use super::tree::{Expr, Kind, Pseudo, Tree};
use super::words::{quoted, suggestion};
use crate::errors::Place;
use crate::parse::args::plain;

impl Reader<'_> {
    pub(crate) fn method(&mut self, call: &ExprMethodCall) -> Tree {
        let place = Place::of(call);
        let name = plain(&call.method.to_string());
        if let Some(base) = simple(&call.receiver) {
            match self.named(&plain(&base.to_string())) {
                Some(Named::Group) => return self.of_group(base, call),
                Some(Named::Input(_) | Named::Made(_)) => return self.of_row(base, call),
                _ => {}
            }
        }
        if call
            .args
            .iter()
            .any(|argument| matches!(argument, Syntax::Closure(_)))
        {
            if let Some(tree) = self.each(call, &name, place) {
                return tree;
            }
            // Of what was refused nothing more is said.
            let receiver = self.read(&call.receiver);
            return if receiver.is_broken() {
                receiver
            } else {
                self.closure_outside(call)
            };
        }
        if name == "contains"
            && let Some(tree) = self.contained(call, place)
        {
            return tree;
        }
        match name.as_str() {
            "parse" => return self.parse_method(call, place),
            "is_in" => {
                return self.broken(
                    Place::of(&call.method),
                    "KSQL's IN is written from its list",
                    "write `[a, b].contains(&r.x)`",
                );
            }
            _ => {}
        }
        let receiver = self.read(&call.receiver);
        if let Some(turbofish) = call.turbofish.as_ref().filter(|_| !receiver.is_broken()) {
            self.error(
                Place::of(turbofish),
                format!("`{name}` has no type arguments"),
                "remove them",
            );
        }
        match (name.as_str(), call.args.len()) {
            ("to_string", 0) => {
                return Expr::new(Kind::Cast(receiver, Target::Plain(Sql::String)), place);
            }
            ("like", 1 | 2) => return self.like(receiver, call, place),
            ("is_distinct_from" | "is_not_distinct_from", 1) => {
                let op = if name == "is_distinct_from" {
                    Compare::Distinct
                } else {
                    Compare::NotDistinct
                };
                let other = self.argument(call, 0);
                return Expr::new(Kind::Compare(op, receiver, other), place);
            }
            ("first", 0) => {
                let first = Expr::new(Kind::Integer(1), place);
                return Expr::new(Kind::Element(receiver, first), place);
            }
            ("last", 0) => {
                let last = Expr::new(Kind::Integer(-1), place);
                return Expr::new(Kind::Element(receiver, last), place);
            }
            ("explode" | "cube_explode", 0) => {
                return Expr::new(Kind::Explode(name == "cube_explode", receiver), place);
            }
            ("get", 1) => {
                let key = self.argument(call, 0);
                return Expr::new(Kind::Entry(receiver, key), place);
            }
            _ => {}
        }
        self.function(receiver, call, &name, place)
    }

    fn argument(&mut self, call: &ExprMethodCall, index: usize) -> Tree {
        match call.args.iter().nth(index) {
            Some(syntax) => self.read(syntax),
            None => Expr::broken(Place::of(&call.method)),
        }
    }

    fn function(
        &mut self,
        receiver: Tree,
        call: &ExprMethodCall,
        name: &str,
        place: Place,
    ) -> Tree {
        let at = Place::of(&call.method);
        let mut given: Vec<&Syntax> = call.args.iter().collect();
        let found = functions::lookup(name, given.len() + 1);
        let Some(function) = found else {
            // Of what was refused nothing more is said.
            return if receiver.is_broken() {
                receiver
            } else {
                self.unknown_method(&call.method, name)
            };
        };
        let mut unit = None;
        if function.takes_unit() {
            let Some((first, rest)) = given.split_first() else {
                return self.broken(
                    at,
                    format!("`{name}` takes a unit of time and a number"),
                    format!("write `.{name}(Unit::Hours, 3)`"),
                );
            };
            unit = self.unit(first);
            given = rest.to_vec();
        }
        let spec = function.spec();
        let count = given.len() + 1;
        if !function.takes(count) {
            let (least, most) = (spec.required - 1, spec.arguments.len() - 1);
            let takes = match (least, most) {
                (least, _) if spec.rest => format!("at least {}", arguments(least)),
                (0, most) if !function.takes(most) => format!("none or {}", arguments(most)),
                (0, 0) => "no argument".to_owned(),
                (least, most) if least == most => arguments(least),
                (least, most) => format!("{least} to {}", arguments(most)),
            };
            return self.broken(
                at,
                format!("`{name}` takes {takes}, not {}", given.len()),
                meaning(spec.meaning),
            );
        }
        let mut arguments = vec![receiver];
        for syntax in given {
            let argument = self.read(syntax);
            arguments.push(argument);
        }
        self.check_literals(function, &arguments);
        Expr::new(
            Kind::Call {
                function,
                arguments,
                unit,
            },
            place,
        )
    }

    fn unknown_method(&mut self, method: &Ident, name: &str) -> Tree {
        let place = Place::of(method);
        let form = match name {
            "transform" | "filter" | "map" => Some("|x| .."),
            "reduce" | "fold" => Some("0, |s, x| .."),
            "explode" | "cube_explode" => Some(""),
            _ => None,
        };
        if let Some(form) = form {
            return self.broken(
                place,
                format!("`{name}` takes something else here"),
                format!("write `.{name}({form})`"),
            );
        }
        if let Some(advice) = functions::refused(name) {
            return self.broken(
                place,
                format!("`{name}` cannot be said in KSQL"),
                format!("write {advice}"),
            );
        }
        if aggregates::lookup(name, 0, false).is_some() {
            return self.misplaced(place, name);
        }
        if matches!(
            name,
            "order_by" | "distinct" | "limit" | "sort_by" | "take" | "skip"
        ) {
            return self.broken(
                place,
                format!("a query has no `{name}`: a stream has no order and no end"),
                "sort and limit where results are read",
            );
        }
        let known = functions::closest_names();
        let near = suggestion(name, &known);
        let help = if near.is_empty() {
            // Without the other names of each.
            let preferred: Vec<&str> = Function::ALL.iter().map(|one| one.name()).collect();
            let names: Vec<&str> = known
                .iter()
                .copied()
                .filter(|name| preferred.contains(name) || functions::lookup(name, 1).is_none())
                .collect();
            format!("methods are {}", quoted(&names))
        } else {
            String::new()
        };
        self.broken(
            place,
            format!("`{name}` cannot be said in KSQL{near}"),
            help,
        )
    }

    fn misplaced(&mut self, place: Place, name: &str) -> Tree {
        self.broken(
            place,
            format!("`{name}` is an aggregate"),
            format!(
                "it belongs in `.aggregate(|g| ..)` or `.having(|g| ..)` after `.group_by(..)`, as `g.{name}(|r| ..)`"
            ),
        )
    }

    fn closure_outside(&mut self, call: &ExprMethodCall) -> Tree {
        let name = plain(&call.method.to_string());
        let place = Place::of(&call.method);
        if aggregates::lookup(&name, 1, false).is_some() {
            return self.misplaced(place, &name);
        }
        let help = match name.as_str() {
            "and_then" => {
                "leave it out: a function of a NULL is NULL, as in `r.note.to_uppercase()`"
            }
            "unwrap_or_else" | "map_or" | "map_or_else" | "or_else" => {
                "write `.unwrap_or(..)` with the value"
            }
            "is_some_and" | "is_none_or" => {
                "write the condition of the value itself: a comparison with a NULL is false"
            }
            "any" | "find" | "position" => {
                "keep the elements for which it holds: `.filter(|x| ..).len() > 0`, `.filter(|x| ..).first()`"
            }
            "all" => "keep the others, of which there are none: `.filter(|x| !(..)).len() == 0`",
            "flat_map" | "filter_map" => {
                "functions of each element are `.transform(|x| ..)`, `.filter(|x| ..)`, `.reduce(start, |s, x| ..)`"
            }
            _ => "closures stand in steps and in aggregates: `.filter(|r| ..)`, `g.max(|r| ..)`",
        };
        self.broken(
            place,
            format!("`{name}` with a closure cannot be said in KSQL"),
            help,
        )
    }

    /// What can be asked of a row itself.
    fn of_row(&mut self, base: &Ident, call: &ExprMethodCall) -> Tree {
        let name = plain(&call.method.to_string());
        let place = Place::of(call);
        let pseudo = match (name.as_str(), call.args.len()) {
            ("rowtime", 0) => Pseudo::Time,
            ("rowpartition", 0) => Pseudo::Partition,
            ("rowoffset", 0) => Pseudo::Offset,
            _ => {
                if aggregates::lookup(&name, call.args.len(), false).is_some() {
                    return self.misplaced(Place::of(&call.method), &name);
                }
                if matches!(name.as_str(), "window_start" | "window_end" | "key") {
                    return self.broken(
                        Place::of(&call.method),
                        format!("a row has no `{name}()`, a group has"),
                        format!("it belongs in `.aggregate(|g| ..)`, as `g.{name}()`"),
                    );
                }
                return self.broken(
                    Place::of(&call.method),
                    format!("a row has no `{name}`"),
                    format!("methods are for columns: `{base}.id.{name}(..)`; of the row there are `rowtime()`, `rowpartition()`, `rowoffset()`"),
                );
            }
        };
        if self.joined.len() > 1 {
            return self.broken(
                Place::of(&call.method),
                format!("a joined row has no {} of its own", pseudo.what()),
                "put a `#[timestamp]` column into the input, and take that",
            );
        }
        Expr::new(Kind::Pseudo(pseudo), place)
    }

    /// `[a, b].contains(&x)` and `(1..=5).contains(&x)`.
    fn contained(&mut self, call: &ExprMethodCall, place: Place) -> Option<Tree> {
        let mut receiver = &*call.receiver;
        while let Syntax::Paren(inner) = receiver {
            receiver = &inner.expr;
        }
        match receiver {
            Syntax::Array(list) => {
                let value = self.argument(call, 0);
                let items = list.elems.iter().map(|item| self.read(item)).collect();
                Some(Expr::new(Kind::In(value, items), place))
            }
            Syntax::Range(range) => {
                let value = self.argument(call, 0);
                let start = range.start.as_ref().map(|start| self.read(start));
                let end = range.end.as_ref().map(|end| self.read(end));
                let asked = self.within(&value, start, end, &range.limits, place);
                Some(asked.unwrap_or_else(|| {
                    self.broken(
                        place,
                        "this range holds everything",
                        "say where it starts or ends: `(1..=5).contains(&r.x)`",
                    )
                }))
            }
            _ => None,
        }
    }

    fn parse_method(&mut self, call: &ExprMethodCall, place: Place) -> Tree {
        let ty = call
            .turbofish
            .as_ref()
            .and_then(|fish| match fish.args.first() {
                Some(GenericArgument::Type(ty)) if fish.args.len() == 1 => Some(ty),
                _ => None,
            });
        let Some(ty) = ty else {
            return self.broken(
                Place::of(&call.method),
                "`parse` says what it reads",
                "write `.parse::<i64>()`, with `i32`, `i64`, `f64`, `bool`, `Decimal<18, 4>` or `Vec<u8>`",
            );
        };
        let of = self.read(&call.receiver);
        match self.cast_type(ty) {
            Some(ty) => Expr::new(Kind::Cast(of, ty), place),
            None => Expr::broken(place),
        }
    }

    fn like(&mut self, text: Tree, call: &ExprMethodCall, place: Place) -> Tree {
        let pattern = self.argument(call, 0);
        let mut escape = None;
        if call.args.len() == 2 {
            let given = self.argument(call, 1);
            match &given.kind {
                Kind::Text(text) if text.chars().count() == 1 => escape = text.chars().next(),
                _ => {
                    return self.broken(
                        given.place,
                        "the escape of `like` is one character",
                        "write `.like(\"50!%\", '!')`",
                    );
                }
            }
        }
        if let (Kind::Text(text), Some(escape)) = (&pattern.kind, escape) {
            let mut letters = text.chars();
            while let Some(letter) = letters.next() {
                if letter == escape && letters.next().is_none() {
                    return self.broken(
                        pattern.place,
                        "the pattern ends in its escape, which escapes nothing",
                        "double it",
                    );
                }
            }
        }
        Expr::new(Kind::Like(text, pattern, escape), place)
    }

    /// `Unit::Hours`, by its last word.
    fn unit(&mut self, syntax: &Syntax) -> Option<&'static str> {
        let word = match syntax {
            Syntax::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        let word = word.unwrap_or_default();
        let upper = word.to_ascii_uppercase();
        let found = UNITS
            .iter()
            .find(|unit| **unit == upper || unit.strip_suffix('S') == Some(upper.as_str()));
        if found.is_none() {
            let names = ["Milliseconds", "Seconds", "Minutes", "Hours", "Days"];
            self.error(
                Place::of(syntax),
                format!("this is no unit of time{}", suggestion(&word, &names)),
                "write one of `Unit::Milliseconds`, `Unit::Seconds`, `Unit::Minutes`, `Unit::Hours`, `Unit::Days`",
            );
        }
        found.copied()
    }

    /// A function that is no method.
    pub(crate) fn call(&mut self, call: &ExprCall) -> Tree {
        let place = Place::of(&call.func);
        let last = match &*call.func {
            Syntax::Path(path) => path
                .path
                .segments
                .last()
                .map(|last| plain(&last.ident.to_string())),
            _ => None,
        };
        let name = last.unwrap_or_default();
        if name == "Some"
            && let (1, Some(inner)) = (call.args.len(), call.args.first())
        {
            return self.read(inner);
        }
        let of = match &*call.func {
            Syntax::Path(path) => path.path.segments.iter().rev().nth(1),
            _ => None,
        };
        let of = of
            .map(|of| plain(&of.ident.to_string()))
            .unwrap_or_default();
        if let Some(tree) = self.map_of(call) {
            return tree;
        }
        let value = match of.as_str() {
            "NaiveDate" => {
                "a date is a text beside a date: `r.day >= \"2024-05-01\"`, or a parameter of the query"
            }
            "NaiveTime" => {
                "a time of day is a text beside one: `r.at >= \"10:30\"`, or a parameter of the query"
            }
            "DateTime" => {
                "a moment is a text beside one: `r.at >= \"2024-05-01T10:30:00\"`, or a parameter of the query"
            }
            "Utc" | "Local" | "SystemTime" | "Instant" => {
                "each run would have another: take a column of the input, `r.rowtime()`, or a parameter of the query"
            }
            "Decimal" | "Dec" => "a decimal is written `dec!(1.50)`",
            "String" => "a text is written `\"text\"`",
            "Uuid" => "an id is a text, or a parameter of the query",
            _ => "",
        };
        if !value.is_empty() {
            return self.broken(place, "what this makes is not known to the query", value);
        }
        let known = functions::lookup(&name, call.args.len());
        let help = match known {
            Some(function) => format!(
                "functions are written as methods: `r.x.{}(..)`",
                function.name()
            ),
            None => "functions are written as methods: `r.name.to_uppercase()`, `r.price.round(2)`"
                .to_owned(),
        };
        self.broken(place, "this function cannot be said in KSQL", help)
    }

    /// Whether this is where the group can be asked for its window.
    pub(crate) fn bound_allowed(&self) -> bool {
        self.part == Part::Aggregate
    }
}

/// Aggregates by the names a user may write, the preferred one of each first.
pub(crate) fn aggregate_names() -> Vec<&'static str> {
    let mut names = aggregates::names();
    for aggregate in Aggregate::ALL {
        for name in aggregate.spec().names {
            if !names.contains(name) {
                names.push(name);
            }
        }
    }
    names
}

/// What a function does, as half a sentence.
fn meaning(sentence: &str) -> String {
    let mut letters = sentence.trim_end_matches('.').chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_lowercase)
        .collect();
    format!("it gives this: {first}{}", letters.as_str())
}

fn arguments(count: usize) -> String {
    if count == 1 {
        "1 argument".to_owned()
    } else {
        format!("{count} arguments")
    }
}
