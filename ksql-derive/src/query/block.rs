//! Blocks: names for values, then a value.
//!
//! Invariant: what a block holds besides is an error on it, and the names of what was refused are known all the same.

use quote::ToTokens as _;
use syn::{BinOp, Block, Expr as Syntax, Pat, Stmt};

use super::expression::{Named, Reader};
use super::tree::Expr;
use crate::errors::Place;
use crate::parse::args::plain;

impl Reader<'_> {
    /// A block: names for values, then what it is.
    pub(crate) fn block<T>(
        &mut self,
        block: &Block,
        last: impl FnOnce(&mut Self, &Syntax) -> T,
    ) -> T {
        let outer = self.names.len();
        let (end, statements) = match block.stmts.split_last() {
            Some((end, statements)) => (Some(end), statements),
            None => (None, [].as_slice()),
        };
        for statement in statements {
            self.statement(statement);
        }
        let empty = || Syntax::Verbatim(proc_macro2::TokenStream::new());
        let value = match end {
            Some(Stmt::Expr(value, None)) => last(self, value),
            Some(Stmt::Expr(value, Some(semicolon))) => {
                self.error(
                    Place::of(semicolon),
                    "the value is thrown away here",
                    "remove the semicolon",
                );
                last(self, value)
            }
            Some(Stmt::Macro(call)) => {
                let syntax = Syntax::Macro(syn::ExprMacro {
                    attrs: Vec::new(),
                    mac: call.mac.clone(),
                });
                last(self, &syntax)
            }
            Some(other) => {
                self.statement(other);
                self.error(
                    Place::of(other),
                    "the last line of a block is its value",
                    "write an expression behind this",
                );
                last(self, &empty())
            }
            None => {
                self.error(
                    Place::of(&block),
                    "an empty block has no value",
                    "write an expression in it",
                );
                last(self, &empty())
            }
        };
        self.names.truncate(outer);
        value
    }

    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Local(local) => {
                let name = match &local.pat {
                    Pat::Ident(pattern)
                        if pattern.by_ref.is_none()
                            && pattern.mutability.is_none()
                            && pattern.subpat.is_none() =>
                    {
                        Some(plain(&pattern.ident.to_string()))
                    }
                    Pat::Wild(_) => Some("_".to_owned()),
                    _ => None,
                };
                match (name, &local.init) {
                    (Some(name), Some(init)) if init.diverge.is_none() => {
                        let value = self.read(&init.expr);
                        self.names.push((name, Named::Value(value)));
                    }
                    _ => {
                        let place = Place::of(&local.pat);
                        let (message, help) = match &local.pat {
                            Pat::Type(_) => (
                                "a value has the type of its expression",
                                "leave the type out; to convert the value, write `as i64`",
                            ),
                            Pat::Ident(name) if name.mutability.is_some() => {
                                ("nothing in a query changes", "remove `mut`")
                            }
                            _ => (
                                "only a plain name can be given to a value",
                                "write `let name = ..;`",
                            ),
                        };
                        self.error(place, message, help);
                        self.forget(local.pat.to_token_stream(), place);
                    }
                }
            }
            Stmt::Expr(
                syntax @ (Syntax::Assign(_)
                | Syntax::Return(_)
                | Syntax::Break(_)
                | Syntax::Continue(_)
                | Syntax::ForLoop(_)
                | Syntax::While(_)
                | Syntax::Loop(_)),
                _,
            ) => {
                let _ = self.unsayable(syntax);
            }
            Stmt::Expr(Syntax::Binary(binary), _) if changes(&binary.op) => {
                let _ = self.broken(Place::of(binary), CHANGES.0, CHANGES.1);
            }
            Stmt::Expr(syntax @ (Syntax::If(_) | Syntax::Match(_)), _) => self.error(
                Place::of(syntax),
                "this value is thrown away: a query's block holds `let` and a value",
                "write it last, with all branches: `if a { .. } else { .. }`",
            ),
            other => self.error(
                Place::of(other),
                "a query's block holds `let` and a value",
                "remove this",
            ),
        }
    }

    /// The names of a refused pattern, so that their uses are no second error.
    pub(crate) fn forget(&mut self, pattern: proc_macro2::TokenStream, place: Place) {
        for tree in pattern {
            match tree {
                proc_macro2::TokenTree::Ident(ident) => {
                    let name = plain(&ident.to_string());
                    self.names.push((name, Named::Value(Expr::broken(place))));
                }
                proc_macro2::TokenTree::Group(group) => self.forget(group.stream(), place),
                _ => {}
            }
        }
    }
}

/// What is said where something is changed.
pub(super) const CHANGES: (&str, &str) = (
    "nothing in a query changes",
    "give the value a name of its own: `let x = ..;`",
);

/// Whether an operator changes its left side.
pub(super) fn changes(op: &BinOp) -> bool {
    matches!(
        op,
        BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
            | BinOp::RemAssign(_)
            | BinOp::BitXorAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::ShlAssign(_)
            | BinOp::ShrAssign(_)
    )
}
