//! Rust's syntax into the tree: names, literals, operators, fields. Calls stand in `method`, `if` and `match` in `branch`,
//! what a group can be asked in `group`.
//!
//! Invariant: what KSQL cannot say is an error on the very token, and reading goes on behind it.

use std::rc::Rc;

use ksql_schema::Kind as SourceKind;
use ksql_schema::query::{Arith, Compare};
use proc_macro2::Ident;
use syn::spanned::Spanned as _;
use syn::{BinOp, Expr as Syntax, ExprField, ExprPath, Lit, Member, UnOp};

use super::block::{CHANGES, changes};
use super::coverage::Complete;
use super::tree::{Aggregated, Expr, Kind, Made, Tree};
use super::words::suggestion;
use crate::errors::{Errors, Place};
use crate::parse::args::plain;

/// What a name in a closure stands for.
#[derive(Debug, Clone)]
pub(crate) enum Named {
    /// A row of an input.
    Input(usize),
    /// A row that an earlier step made.
    Made(usize),
    /// The group of an aggregation.
    Group,
    /// A value with a name of its own.
    Value(Tree),
}

/// Where an expression stands, which is what it may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// In a step over rows.
    Row,
    /// In `aggregate`, outside of its aggregates.
    Aggregate,
    /// In `having`, outside of its aggregates.
    Having,
}

/// Reads expressions.
#[derive(Debug)]
pub(crate) struct Reader<'e> {
    pub(crate) errors: &'e mut Errors,
    /// How a value from outside is brought in.
    pub(crate) outside: &'static str,
    pub(crate) inputs: Vec<(String, SourceKind)>,
    /// The inputs that are read so far, in the order in which they are joined.
    pub(crate) joined: Vec<usize>,
    /// Which of the inputs are on a side of an outer join that may have no row.
    pub(crate) optional: Vec<bool>,
    pub(crate) parameters: Vec<String>,
    /// The rows that steps made so far.
    pub(crate) rows: Vec<Rc<Made>>,
    pub(crate) aggregates: Vec<Aggregated>,
    /// The parts of the group's key, once there is one.
    pub(crate) group: Option<usize>,
    pub(crate) part: Part,
    /// Whether a text beside the row's timestamp is a moment: in the condition of `filter` alone.
    pub(crate) conditional: bool,
    /// What the rows of closures are at this step.
    pub(crate) row: Named,
    /// Paths of variants, which must be those of enums.
    pub(crate) variants: Vec<syn::Path>,
    /// Each `match` whose last arm is not asked.
    pub(crate) complete: Vec<Complete>,
    pub(crate) names: Vec<(String, Named)>,
}

impl Reader<'_> {
    pub(crate) fn error(&mut self, place: Place, message: impl AsRef<str>, help: impl AsRef<str>) {
        self.errors.push(place, message, help);
    }

    /// An error and what stands for the expression.
    pub(crate) fn broken(
        &mut self,
        place: Place,
        message: impl AsRef<str>,
        help: impl AsRef<str>,
    ) -> Tree {
        self.error(place, message, help);
        Expr::broken(place)
    }

    /// What a name stands for.
    pub(crate) fn named(&self, name: &str) -> Option<Named> {
        self.names
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map(|(_, named)| named.clone())
    }

    /// The expression.
    pub(crate) fn read(&mut self, syntax: &Syntax) -> Tree {
        let place = Place::of(syntax);
        match syntax {
            Syntax::Paren(inner) => self.read(&inner.expr),
            Syntax::Group(inner) => self.read(&inner.expr),
            Syntax::Reference(inner) => self.read(&inner.expr),
            Syntax::Lit(literal) => self.literal(&literal.lit, false, place),
            Syntax::Path(path) => self.path(path),
            Syntax::Field(field) => self.field(field),
            Syntax::Unary(unary) => match (&unary.op, &*unary.expr) {
                (UnOp::Neg(_), Syntax::Lit(literal))
                    if matches!(literal.lit, Lit::Int(_) | Lit::Float(_)) =>
                {
                    self.literal(&literal.lit, true, place)
                }
                (UnOp::Neg(_), of) => {
                    let of = self.read(of);
                    Expr::new(Kind::Negate(of), place)
                }
                (UnOp::Not(_), of) => {
                    let of = self.read(of);
                    Expr::new(Kind::Not(of), place)
                }
                (_, of) => self.read(of),
            },
            Syntax::Binary(binary) => {
                let (left, right) = (&binary.left, &binary.right);
                self.binary(left, &binary.op, right, place)
            }
            Syntax::Cast(cast) => {
                let of = self.read(&cast.expr);
                match self.cast_type(&cast.ty) {
                    Some(ty) => Expr::new(Kind::Cast(of, ty), place),
                    None => Expr::broken(place),
                }
            }
            Syntax::MethodCall(call) => self.method(call),
            Syntax::Index(index) => self.index(index),
            Syntax::If(branch) => self.branch(branch),
            Syntax::Match(arms) => self.arms(arms),
            Syntax::Block(block) if block.label.is_none() => self.block(&block.block, Self::read),
            Syntax::Macro(call) => self.macro_call(&call.mac, place),
            Syntax::Call(call) => self.call(call),
            Syntax::Array(list) => self.list(&list.elems, place),
            Syntax::Struct(literal) => self.record(literal),
            // What a block has instead of a value; it was said there.
            Syntax::Verbatim(none) if none.is_empty() => Expr::broken(place),
            other => self.unsayable(other),
        }
    }

    pub(super) fn unsayable(&mut self, syntax: &Syntax) -> Tree {
        let (what, help) = match syntax {
            Syntax::Closure(_) => (
                "a closure is no value here",
                "closures stand in steps and in aggregates: `.filter(|r| ..)`, `g.max(|r| ..)`",
            ),
            Syntax::Tuple(_) => (
                "a tuple is no value",
                "only `.group_by(|r| (r.a, r.b))` and `.partition_by(..)` take several",
            ),
            Syntax::Repeat(_) => ("an array is written element by element", "write `[a, b]`"),
            Syntax::Range(_) => (
                "a range is no value",
                "`(1..=5).contains(&r.x)` asks whether it holds one",
            ),
            Syntax::Assign(_) => CHANGES,
            Syntax::Return(_) | Syntax::Break(_) | Syntax::Continue(_) => {
                ("a query has no jumps", "the last expression is the value")
            }
            Syntax::ForLoop(_) | Syntax::While(_) | Syntax::Loop(_) => (
                "KSQL has no loops",
                "rows are put together by `.group_by(..)` and `.aggregate(..)`",
            ),
            Syntax::Try(_) => (
                "`?` cannot be said in KSQL",
                "say what stands for NULL: `.unwrap_or(..)`",
            ),
            Syntax::Await(_) => ("a query waits for nothing", "remove `.await`"),
            Syntax::Unsafe(_) => ("nothing in a query is unsafe", "remove `unsafe`"),
            _ => (
                "this cannot be said in KSQL",
                "write it with columns, literals, operators, `if` and methods",
            ),
        };
        self.broken(Place::of(syntax), what, help)
    }

    fn path(&mut self, path: &ExprPath) -> Tree {
        let place = Place::of(path);
        if let Some(ident) = path.path.get_ident() {
            return self.name(ident);
        }
        if path.qself.is_none() && path.path.segments.len() >= 2 {
            let variant = path.path.segments.last().map(|last| &last.ident);
            let looks = |ident: &Ident| {
                let text = plain(&ident.to_string());
                text.starts_with(char::is_uppercase) && text.contains(char::is_lowercase)
            };
            if let Some(variant) = variant
                && (looks(variant) || variant.to_string().len() == 1)
            {
                self.variants.push(path.path.clone());
                return Expr::new(Kind::Text(plain(&variant.to_string())), place);
            }
        }
        self.broken(
            place,
            "this name from outside is not known to the query",
            self.outside,
        )
    }

    fn name(&mut self, ident: &Ident) -> Tree {
        let (name, place) = (plain(&ident.to_string()), Place::of(ident));
        match self.named(&name) {
            // An element is another one at each place that names it: what is wrong there is said there.
            Some(Named::Value(tree)) => {
                return match &tree.kind {
                    Kind::Variable(variable) => Expr::new(Kind::Variable(variable.clone()), place),
                    _ => tree,
                };
            }
            Some(Named::Group) => {
                return self.broken(
                    place,
                    "a group is no value",
                    format!("take something of it: `{name}.key()`, `{name}.count()`, `{name}.max(|r| ..)`"),
                );
            }
            Some(Named::Input(_) | Named::Made(_)) => {
                return self.broken(
                    place,
                    "a row is no value",
                    format!("take one of its columns, such as `{name}.id`"),
                );
            }
            None => {}
        }
        if name == "None" {
            return Expr::new(Kind::Null, place);
        }
        if let Some(index) = self.parameters.iter().position(|known| *known == name) {
            return Expr::new(Kind::Parameter(index), place);
        }
        let mut known: Vec<&str> = self.parameters.iter().map(String::as_str).collect();
        known.extend(self.names.iter().map(|(known, _)| known.as_str()));
        let help = if self.inputs.iter().any(|(input, _)| *input == name) {
            "this is an input: its rows are what the closure is given".to_owned()
        } else {
            self.outside.to_owned()
        };
        let message = format!("`{name}` is not known here{}", suggestion(&name, &known));
        self.broken(place, message, help)
    }

    fn field(&mut self, field: &ExprField) -> Tree {
        let place = Place::of(field);
        let ident = match &field.member {
            Member::Named(ident) => ident.clone(),
            Member::Unnamed(index) => {
                if let Some(tree) = self.key_part(&field.base, index, place) {
                    return tree;
                }
                return self.broken(
                    Place::at(index.span()),
                    "only a group's key of several parts has numbered ones",
                    "write `g.key().0`, or a column's name",
                );
            }
        };
        if let Some(base) = simple(&field.base) {
            match self.named(&plain(&base.to_string())) {
                Some(Named::Input(input)) => {
                    let kind = Kind::Column {
                        input,
                        receiver: base.clone(),
                        field: ident,
                        optional: self.optional.get(input).copied().unwrap_or_default(),
                    };
                    return Expr::new(kind, place);
                }
                Some(Named::Made(row)) => return self.made_field(row, &ident, place),
                Some(Named::Group) => {
                    return self.broken(
                        place,
                        "a group has no columns of its own",
                        if self.part == Part::Having {
                            format!("write what the output's field is made of, such as `{base}.count()`, or an aggregate over the rows: `{base}.latest(|r| r.{ident})`")
                        } else {
                            format!("take one with an aggregate, such as `{base}.latest(|r| r.{ident})`")
                        },
                    );
                }
                _ => {}
            }
        }
        let of = self.read(&field.base);
        Expr::new(Kind::Field(of, ident), place)
    }

    fn made_field(&mut self, row: usize, ident: &Ident, place: Place) -> Tree {
        let name = plain(&ident.to_string());
        let Some(made) = self.rows.get(row).cloned() else {
            return Expr::broken(place);
        };
        if let Some(tree) = made.field(&name) {
            return Expr::new(Kind::Assigned(row, name, tree.clone()), place);
        }
        let fields: Vec<String> = made
            .fields
            .iter()
            .map(|(field, _)| plain(&field.to_string()))
            .collect();
        let known: Vec<&str> = fields.iter().map(String::as_str).collect();
        let message = format!(
            "the row made by the step before has no field `{name}`{}",
            suggestion(&name, &known)
        );
        let help = format!("its fields are {}", super::words::quoted(&known));
        self.broken(Place::of(ident), message, help)
    }

    fn binary(&mut self, left: &Syntax, op: &BinOp, right: &Syntax, place: Place) -> Tree {
        let arith = |op| move |left, right| Kind::Arith(op, left, right);
        let compare = |op| move |left, right| Kind::Compare(op, left, right);
        let make: Box<dyn Fn(Tree, Tree) -> Kind> = match op {
            BinOp::Add(_) => Box::new(arith(Arith::Add)),
            BinOp::Sub(_) => Box::new(arith(Arith::Subtract)),
            BinOp::Mul(_) => Box::new(arith(Arith::Multiply)),
            BinOp::Div(_) => Box::new(arith(Arith::Divide)),
            BinOp::Rem(_) => Box::new(arith(Arith::Remainder)),
            BinOp::Eq(_) => Box::new(compare(Compare::Equal)),
            BinOp::Ne(_) => Box::new(compare(Compare::NotEqual)),
            BinOp::Lt(_) => Box::new(compare(Compare::Less)),
            BinOp::Le(_) => Box::new(compare(Compare::LessOrEqual)),
            BinOp::Gt(_) => Box::new(compare(Compare::Greater)),
            BinOp::Ge(_) => Box::new(compare(Compare::GreaterOrEqual)),
            BinOp::And(_) => Box::new(Kind::And),
            BinOp::Or(_) => Box::new(Kind::Or),
            op if changes(op) => return self.broken(place, CHANGES.0, CHANGES.1),
            other => {
                return self.broken(
                    Place::of(other),
                    "this operator cannot be said in KSQL",
                    "use + - * / %, == != < <= > >=, && || !",
                );
            }
        };
        let left = self.read(left);
        let right = self.read(right);
        let (left, right) = match self.conditional && op_compares(op) {
            true => (self.moment(&right, left.clone()), self.moment(&left, right)),
            false => (left, right),
        };
        Expr::new(make(left, right), place)
    }
}

fn op_compares(op: &BinOp) -> bool {
    matches!(
        op,
        BinOp::Eq(_) | BinOp::Ne(_) | BinOp::Lt(_) | BinOp::Le(_) | BinOp::Gt(_) | BinOp::Ge(_)
    )
}

/// A name alone.
pub(crate) fn simple(syntax: &Syntax) -> Option<&Ident> {
    match syntax {
        Syntax::Path(path) if path.qself.is_none() => path.path.get_ident(),
        Syntax::Paren(inner) => simple(&inner.expr),
        Syntax::Group(inner) => simple(&inner.expr),
        Syntax::Reference(inner) => simple(&inner.expr),
        _ => None,
    }
}
