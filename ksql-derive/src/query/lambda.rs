//! Functions of each element: `transform`, `filter` and `reduce` over arrays and maps, under Rust's names too.
//!
//! Invariant: a variable's name in KSQL is no other's around it, for KSQL refuses one that hides another.

use std::rc::Rc;

use syn::{Expr as Syntax, ExprClosure, ExprMethodCall, Pat};

use super::expression::{Named, Reader};
use super::tree::{Each, EachOf, Expr, Kind, Lambda, Role, Tree, Variable};
use crate::errors::Place;
use crate::parse::args::plain;

impl Reader<'_> {
    /// The call, if it is one of a function of each element.
    pub(super) fn each(&mut self, call: &ExprMethodCall, name: &str, place: Place) -> Option<Tree> {
        let lower = name.to_ascii_lowercase();
        let function = match lower.as_str() {
            "transform" | "map" => EachOf::Transform,
            "filter" => EachOf::Filter,
            "reduce" | "fold" => EachOf::Reduce,
            _ => return None,
        };
        let arguments: Vec<&Syntax> = call.args.iter().collect();
        let closures: Vec<&ExprClosure> = arguments
            .iter()
            .filter_map(|argument| match argument {
                Syntax::Closure(closure) => Some(closure),
                _ => None,
            })
            .collect();
        let form = match function {
            EachOf::Transform => {
                "write `.transform(|x| ..)` over an array, `.transform(|k, v| (.., ..))` over a map"
            }
            EachOf::Filter => {
                "write `.filter(|x| ..)` over an array, `.filter(|k, v| ..)` over a map"
            }
            EachOf::Reduce => {
                "say what it begins with: `.reduce(0, |s, x| s + x)` over an array, `.reduce(0, |s, k, v| s + v)` over a map"
            }
        };
        let of = self.read(&call.receiver);
        // Of what was refused nothing more is said.
        if of.is_broken() {
            return Some(of);
        }
        let made = match (function, arguments.as_slice(), closures.as_slice()) {
            (EachOf::Transform, [_], [closure]) => {
                let lambdas = self.transformed(closure, &of)?;
                (None, lambdas)
            }
            (EachOf::Transform, [_, _], [keys, values]) => {
                let keys = self.lambda(keys, &of, None, form)?;
                let values = self.lambda(values, &of, None, form)?;
                (None, vec![keys, values])
            }
            (EachOf::Filter, [_], [closure]) => {
                (None, vec![self.lambda(closure, &of, None, form)?])
            }
            (EachOf::Reduce, [start, _], [closure]) => {
                let start = self.read(start);
                let lambda = self.lambda(closure, &of, Some(&start), form)?;
                (Some(start), vec![lambda])
            }
            _ => {
                return Some(self.broken(
                    Place::of(&call.method),
                    format!("`{name}` takes something else here"),
                    form,
                ));
            }
        };
        let (start, lambdas) = made;
        Some(Expr::new(
            Kind::Each(Each {
                function,
                of,
                start,
                lambdas,
            }),
            place,
        ))
    }

    /// The closure of `transform`: over a map it makes a pair, which are two closures in KSQL.
    fn transformed(&mut self, closure: &ExprClosure, of: &Tree) -> Option<Vec<Lambda>> {
        let form =
            "write `.transform(|x| ..)` over an array, `.transform(|k, v| (.., ..))` over a map";
        let body = bare(&closure.body);
        let Syntax::Tuple(pair) = body else {
            return Some(vec![self.lambda(closure, of, None, form)?]);
        };
        let parts: Vec<&Syntax> = pair.elems.iter().collect();
        let [key, value] = parts.as_slice() else {
            let place = Place::of(pair);
            self.error(place, "an entry is a key and a value", form);
            return Some(vec![Lambda {
                variables: Vec::new(),
                body: Expr::broken(place),
            }]);
        };
        let mut lambdas = Vec::new();
        for part in [key, value] {
            let outer = self.names.len();
            let variables = self.variables(closure, of, None, form);
            let body = self.read(part);
            self.names.truncate(outer);
            lambdas.push(Lambda {
                variables: variables.unwrap_or_default(),
                body,
            });
        }
        Some(lambdas)
    }

    fn lambda(
        &mut self,
        closure: &ExprClosure,
        of: &Tree,
        start: Option<&Tree>,
        form: &str,
    ) -> Option<Lambda> {
        let outer = self.names.len();
        let variables = self.variables(closure, of, start, form);
        let body = match &variables {
            Some(_) => self.read(&closure.body),
            None => Expr::broken(Place::of(closure)),
        };
        self.names.truncate(outer);
        Some(Lambda {
            variables: variables.unwrap_or_default(),
            body,
        })
    }

    /// The closure's variables, which are known from here on; nothing after an error.
    fn variables(
        &mut self,
        closure: &ExprClosure,
        of: &Tree,
        start: Option<&Tree>,
        form: &str,
    ) -> Option<Vec<Rc<Variable>>> {
        let mut patterns: Vec<&Pat> = Vec::new();
        for input in &closure.inputs {
            match input {
                // What Rust's maps hand over is a pair.
                Pat::Tuple(pair) => patterns.extend(&pair.elems),
                one => patterns.push(one),
            }
        }
        let states = usize::from(start.is_some());
        let roles: &[Role] = match patterns.len().checked_sub(states) {
            Some(1) => &[Role::Element],
            Some(2) => &[Role::Key, Role::Value],
            _ => {
                self.error(
                    Place::of(closure),
                    format!("this closure takes {} values", patterns.len()),
                    form,
                );
                return None;
            }
        };
        let state = start.map(|start| (Role::State, start));
        let parts = state
            .into_iter()
            .chain(roles.iter().map(|role| (*role, of)));
        let mut variables = Vec::new();
        let mut named = Vec::new();
        for (pattern, (role, of)) in patterns.into_iter().zip(parts) {
            let name = match pattern_name(pattern) {
                Ok(name) => name,
                Err(place) => {
                    self.error(
                        place,
                        "an element has a plain name",
                        "write `|x| ..`; its fields are taken by `x.name`",
                    );
                    return None;
                }
            };
            let around: Vec<&Variable> = self
                .names
                .iter()
                .filter_map(|(_, named)| match named {
                    Named::Value(tree) => match &tree.kind {
                        Kind::Variable(variable) => Some(&**variable),
                        _ => None,
                    },
                    _ => None,
                })
                .collect();
            let depth = around.len() + variables.len();
            let mut text = match &name {
                Some(name) => ksql_schema::names::upper(name),
                None => format!("V{depth}"),
            };
            let others = around
                .iter()
                .copied()
                .chain(variables.iter().map(Rc::as_ref));
            if others.map(|other| &other.name).any(|other| *other == text) {
                text = format!("{text}_{depth}");
            }
            let variable = Rc::new(Variable {
                role,
                of: of.clone(),
                depth,
                name: text,
            });
            let kind = Kind::Variable(variable.clone());
            named.push((
                // What has no name still counts among those around.
                name.unwrap_or_default(),
                Named::Value(Expr::new(kind, Place::of(pattern))),
            ));
            variables.push(variable);
        }
        self.names.extend(named);
        Some(variables)
    }
}

/// The name of a variable, if it has one, or where something else stands.
fn pattern_name(pattern: &Pat) -> Result<Option<String>, Place> {
    match pattern {
        Pat::Ident(name) if name.subpat.is_none() && name.by_ref.is_none() => {
            Ok(Some(plain(&name.ident.to_string())))
        }
        Pat::Wild(_) => Ok(None),
        Pat::Reference(reference) => pattern_name(&reference.pat),
        Pat::Paren(inner) => pattern_name(&inner.pat),
        Pat::Type(typed) => pattern_name(&typed.pat),
        other => Err(Place::of(other)),
    }
}

/// What stands in parentheses, or alone in a block, as the formatter writes what is long.
fn bare(syntax: &Syntax) -> &Syntax {
    match syntax {
        Syntax::Paren(inner) => bare(&inner.expr),
        Syntax::Group(inner) => bare(&inner.expr),
        Syntax::Block(block) if block.label.is_none() => match block.block.stmts.as_slice() {
            [syn::Stmt::Expr(value, None)] => bare(value),
            _ => syntax,
        },
        _ => syntax,
    }
}
