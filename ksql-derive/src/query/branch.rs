//! `if` and `match`: what becomes CASE.
//!
//! A pattern is a condition, and `Some(x)` gives its value a name besides. The branches of a `match` are asked in their order,
//! as those of CASE are.

use ksql_schema::query::Compare;
use quote::ToTokens as _;
use syn::parse::Parser as _;
use syn::{Expr as Syntax, ExprIf, ExprMatch, Pat, RangeLimits};

use super::coverage::{Coverage, is_none};
use super::expression::{Named, Reader};
use super::tree::{Expr, Kind, Pseudo, Tree};
use crate::errors::Place;
use crate::parse::args::plain;

/// What a pattern asks, if it asks anything.
type Asked = Option<Tree>;

impl Reader<'_> {
    pub(crate) fn branch(&mut self, branch: &ExprIf) -> Tree {
        let place = Place::of(branch);
        let outer = self.names.len();
        let condition = self.condition(&branch.cond);
        let then = self.block(&branch.then_branch, Self::read);
        self.names.truncate(outer);
        let Some((_, otherwise)) = &branch.else_branch else {
            return self.broken(
                place,
                "an `if` in a query needs an `else`: every row has a value",
                "write `else { None }` for no value",
            );
        };
        let otherwise = self.read(otherwise);
        Expr::new(
            Kind::Case {
                word: "if",
                condition,
                then,
                otherwise,
            },
            place,
        )
    }

    /// A condition, `let Some(x) = ..` included.
    fn condition(&mut self, syntax: &Syntax) -> Tree {
        match syntax {
            Syntax::Let(asked) => {
                let value = self.read(&asked.expr);
                let place = Place::of(syntax);
                self.pattern(&asked.pat, &value)
                    .unwrap_or_else(|| Expr::new(Kind::Boolean(true), place))
            }
            Syntax::Binary(binary) if matches!(binary.op, syn::BinOp::And(_)) => {
                let place = Place::of(syntax);
                let left = self.condition(&binary.left);
                let right = self.condition(&binary.right);
                Expr::new(Kind::And(left, right), place)
            }
            other => self.read(other),
        }
    }

    pub(crate) fn arms(&mut self, arms: &ExprMatch) -> Tree {
        let place = Place::of(arms);
        let value = self.read(&arms.expr);
        let mut read = Vec::new();
        let mut coverage = Coverage::default();
        let mut broken = false;
        for arm in &arms.arms {
            coverage.add(&arm.pat);
            let outer = self.names.len();
            let asked = self.pattern(&arm.pat, &value);
            broken = broken || asked.as_ref().is_some_and(|asked| asked.is_broken());
            let then = self.read(&arm.body);
            self.names.truncate(outer);
            read.push((asked, then, Place::of(&arm.pat)));
        }
        let Some((last, mut otherwise, _)) = read.pop() else {
            return self.broken(place, "a `match` needs branches", "write `_ => ..`");
        };
        // What a pattern that was refused would take is not known.
        if broken {
            return Expr::broken(place);
        }
        // Of arms that leave nothing else the last needs not be asked.
        if last.is_some() && !coverage.leaves_nothing(&value, &mut self.complete) {
            return self.broken(
                place,
                "a `match` in a query ends with `_ => ..`: every row has a value",
                "write `_ => None` for no value",
            );
        }
        for (asked, then, at) in read.into_iter().rev() {
            let Some(condition) = asked else {
                return self.broken(
                    at,
                    "this pattern takes every value, and those behind it get none",
                    "write it last",
                );
            };
            otherwise = Expr::new(
                Kind::Case {
                    word: "match",
                    condition,
                    then,
                    otherwise,
                },
                place,
            );
        }
        otherwise
    }

    /// `matches!(value, pattern)`.
    pub(crate) fn matches(&mut self, call: &syn::Macro, place: Place) -> Tree {
        let parse = |input: syn::parse::ParseStream<'_>| {
            let value: Syntax = input.parse()?;
            let _: syn::Token![,] = input.parse()?;
            let pattern = Pat::parse_multi_with_leading_vert(input)?;
            let guard = if input.peek(syn::Token![if]) {
                let _: syn::Token![if] = input.parse()?;
                Some(input.parse::<Syntax>()?)
            } else {
                None
            };
            let _: Option<syn::Token![,]> = input.parse()?;
            Ok((value, pattern, guard))
        };
        let Ok((value, pattern, guard)) = parse.parse2(call.tokens.clone()) else {
            return self.broken(
                place,
                "`matches!` takes a value and a pattern",
                "write `matches!(r.kind, \"a\" | \"b\")`",
            );
        };
        let outer = self.names.len();
        let value = self.read(&value);
        let asked = self.pattern(&pattern, &value);
        let guard = guard.map(|guard| self.read(&guard));
        self.names.truncate(outer);
        match (asked, guard) {
            (Some(asked), Some(guard)) => Expr::new(Kind::And(asked, guard), place),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => Expr::new(Kind::Boolean(true), place),
        }
    }

    /// What a pattern asks of a value; the names in it are known from here on.
    fn pattern(&mut self, pattern: &Pat, value: &Tree) -> Asked {
        let place = Place::of(pattern);
        let compare = |op, right| Some(Expr::new(Kind::Compare(op, value.clone(), right), place));
        match pattern {
            Pat::Wild(_) => None,
            Pat::Paren(inner) => self.pattern(&inner.pat, value),
            Pat::Reference(inner) => self.pattern(&inner.pat, value),
            pattern if is_none(pattern) => Some(self.null_test(value, true, place)),
            // A name like a constant's would be a new name that takes every value.
            Pat::Ident(name) if name.ident.to_string().starts_with(char::is_uppercase) => {
                Some(self.unknown_pattern(place))
            }
            Pat::Ident(name) if name.subpat.is_none() => {
                let known = plain(&name.ident.to_string());
                self.names.push((known, Named::Value(value.clone())));
                None
            }
            Pat::TupleStruct(some) if some.path.is_ident("Some") && some.elems.len() == 1 => {
                let test = self.null_test(value, false, place);
                let present = Expr::new(Kind::Present(value.clone()), value.place);
                let inner = some
                    .elems
                    .first()
                    .and_then(|inner| self.pattern(inner, &present));
                Some(match inner {
                    Some(inner) => Expr::new(Kind::And(test, inner), place),
                    None => test,
                })
            }
            Pat::Or(or) => {
                let mut asked: Asked = None;
                let mut all = false;
                for case in &or.cases {
                    match (self.pattern(case, value), asked.take()) {
                        (None, _) => all = true,
                        (Some(one), None) => asked = Some(one),
                        (Some(one), Some(before)) => {
                            asked = Some(Expr::new(Kind::Or(before, one), place));
                        }
                    }
                }
                asked.filter(|_| !all)
            }
            Pat::Guard(guarded) => {
                let asked = self.pattern(&guarded.pat, value);
                let guard = self.read(&guarded.guard);
                Some(match asked {
                    Some(asked) => Expr::new(Kind::And(asked, guard), place),
                    None => guard,
                })
            }
            Pat::Lit(lit) => {
                let right = self.read(&Syntax::Lit(lit.clone()));
                compare(Compare::Equal, right)
            }
            Pat::Path(path) => {
                let right = self.read(&Syntax::Path(path.clone()));
                compare(Compare::Equal, right)
            }
            Pat::Macro(call) => {
                let right = self.read(&Syntax::Macro(call.clone()));
                compare(Compare::Equal, right)
            }
            Pat::Range(range) => {
                let start = range.start.as_ref().map(|start| self.read(start));
                let end = range.end.as_ref().map(|end| self.read(end));
                self.within(value, start, end, &range.limits, place)
            }
            Pat::Verbatim(tokens) => match syn::parse2::<Syntax>(tokens.clone()) {
                Ok(syntax) => {
                    let right = self.read(&syntax);
                    compare(Compare::Equal, right)
                }
                Err(_) => Some(self.unknown_pattern(place)),
            },
            other => {
                self.forget(other.to_token_stream(), place);
                Some(self.unknown_pattern(place))
            }
        }
    }

    fn unknown_pattern(&mut self, place: Place) -> Tree {
        self.broken(
            place,
            "this pattern cannot be said in KSQL",
            "patterns are literals, `1..=5`, `a | b`, variants of an enum, `Some(x)`, `None` and `_`",
        )
    }

    pub(crate) fn within(
        &mut self,
        value: &Tree,
        start: Option<Tree>,
        end: Option<Tree>,
        limits: &RangeLimits,
        place: Place,
    ) -> Asked {
        let closed = matches!(limits, RangeLimits::Closed(_));
        let mut moment = |end: Option<Tree>| match self.conditional {
            true => end.map(|end| self.moment(value, end)),
            false => end,
        };
        let (start, end) = (moment(start), moment(end));
        let compare = |op, right| Expr::new(Kind::Compare(op, value.clone(), right), place);
        let upper = if closed {
            Compare::LessOrEqual
        } else {
            Compare::Less
        };
        match (start, end) {
            (Some(start), Some(end)) if closed => {
                Some(Expr::new(Kind::Between(value.clone(), start, end), place))
            }
            (Some(start), Some(end)) => {
                let from = compare(Compare::GreaterOrEqual, start);
                let to = compare(upper, end);
                Some(Expr::new(Kind::And(from, to), place))
            }
            (Some(start), None) => Some(compare(Compare::GreaterOrEqual, start)),
            (None, Some(end)) => Some(compare(upper, end)),
            (None, None) => None,
        }
    }

    /// A text beside the row's timestamp, as the moment it says; anything else as it is.
    pub(super) fn moment(&mut self, beside: &Tree, tree: Tree) -> Tree {
        let Kind::Text(text) = &tree.kind else {
            return tree;
        };
        if !matches!(beside.kind, Kind::Pseudo(Pseudo::Time)) {
            return tree;
        }
        match ksql_schema::instant::parse_timestamp(text) {
            Some(millis) => Expr::new(Kind::Moment(text.clone(), millis), tree.place),
            None => self.broken(
                tree.place,
                "the row's timestamp is compared with a moment here, and this text is none",
                "write it as `\"2024-05-01T10:30:00\"`, in UTC, or as milliseconds",
            ),
        }
    }

    fn null_test(&mut self, value: &Tree, null: bool, place: Place) -> Tree {
        use ksql_schema::query::Function;
        let function = if null {
            Function::IsNull
        } else {
            Function::IsNotNull
        };
        let kind = Kind::Call {
            function,
            arguments: vec![value.clone()],
            unit: None,
        };
        Expr::new(kind, place)
    }
}
