//! What only the compiler can see because a type may be an alias or a module's name: asked in free constants.
//!
//! Each check is a constant of its own, so that all errors show at once. Only the parentheses of a call carry the place of
//! what it is about: rustc joins them into the arrow, and editors see no call in the user's code. The decisions and the
//! texts are those of the rules, in `ksql_schema::rules::consts`.

use ksql_schema::{GapPolicy, Role};
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

use super::column::{ColumnCode, Form, respan};
use crate::errors::Place;
use crate::parse::options::{EntityOptions, GapOptions};
use crate::types::Shape;

/// All checks of an entity.
pub(crate) fn checks(
    options: &EntityOptions,
    columns: &[ColumnCode<'_>],
    krate: &TokenStream,
) -> TokenStream {
    let mut checks = Checks {
        krate,
        calls: TokenStream::new(),
    };
    if options.container.namespace.is_none() {
        checks.call(
            Place::of(&options.ident),
            "check_namespace",
            &quote!(::core::module_path!()),
        );
    }
    let empty = options
        .window
        .as_ref()
        .and_then(|window| window.gaps.as_ref())
        .is_some_and(|gaps| gaps.value == GapPolicy::Empty);
    let table = crate::model::kind(options).0 == ksql_schema::Kind::Table;
    for code in columns.iter().filter(|code| code.role != Role::Ignored) {
        checks.gap_from(code, columns);
        if code.options.recognised.is_unknown() {
            checks.column(code);
            if code.role == Role::Key && table {
                let (name, nullable) = (code.name, code.item("NULLABLE"));
                checks.call(Place::of(code.ty), "check_key", &quote!(#name, #nullable));
            }
        }
        if matches!(code.options.recognised.shape, Shape::Unknown) {
            checks.attributes(code);
            if empty && code.role == Role::Value {
                let (name, ty, nullable) = (code.name, code.raw("TYPE"), code.item("NULLABLE"));
                checks.call(
                    Place::of(code.ty),
                    "check_empty_gap",
                    &quote!(#name, &#ty, #nullable),
                );
            }
        }
    }
    checks.calls
}

/// One check of a nested field's type.
pub(crate) fn nested(ty: &syn::Type, krate: &TokenStream) -> TokenStream {
    let mut checks = Checks {
        krate,
        calls: TokenStream::new(),
    };
    let value = super::column::qualified(ty, &quote!(#krate::Value), "TYPE");
    checks.call(Place::of(ty), "check_column", &quote!(&#value));
    checks.calls
}

struct Checks<'a> {
    krate: &'a TokenStream,
    calls: TokenStream,
}

impl Checks<'_> {
    /// `const _: () = (path)(arguments);` with the parentheses in place.
    fn call(&mut self, place: Place, check: &str, arguments: &TokenStream) {
        let krate = self.krate;
        let check = format_ident!("{check}");
        let path = respan(
            &quote!((#krate::schema::rules::consts::#check)),
            place.first,
        );
        let arguments = respan(&quote!((#arguments)), place.last);
        self.calls.extend(quote!(const _: () = #path #arguments;));
    }

    /// What must hold of the type itself.
    fn column(&mut self, code: &ColumnCode<'_>) {
        let krate = self.krate;
        let place = Place::of(code.ty);
        let (ty, name) = (code.raw("TYPE"), code.name);
        self.call(place, "check_column", &quote!(&#ty));
        match code.role {
            Role::Key => {
                let ty = code.ty;
                let call = respan(&quote!(#krate::a_key), place.first);
                let arguments = respan(&quote!(()), place.last);
                self.calls
                    .extend(quote!(const _: () = #call::<#ty> #arguments;));
            }
            Role::Value => self.call(
                Place::of(code.ident),
                "check_record_names",
                &quote!(__COLUMNS, #name),
            ),
            Role::WindowStart | Role::WindowEnd | Role::Ignored => {}
        }
    }

    /// What the field's attributes ask of its type.
    fn attributes(&mut self, code: &ColumnCode<'_>) {
        let options = code.options;
        let (name, ty, nullable) = (code.name, code.raw("TYPE"), code.item("NULLABLE"));
        if let Some(place) = options.timestamp {
            let formatted = options.datetime_format.is_some();
            self.call(
                place,
                "check_timestamp",
                &quote!(#name, &#ty, #nullable, #formatted),
            );
        }
        if let Some(at) = &options.max_length {
            self.call(at.place, "check_max_length", &quote!(#name, &#ty));
        }
        if let Some(place) = options.avro_timestamp {
            self.call(place, "check_avro_timestamp", &quote!(#name, &#ty));
        }
        if let Some(at) = &options.datetime_format
            && let Ok(pattern) = ksql_schema::datetime_format::Pattern::parse(&at.value)
        {
            let [moment, date, time] = pattern.missing();
            self.call(
                at.place,
                "check_format",
                &quote!(#name, &#ty, #moment, #date, #time),
            );
        }
        for (attribute, place) in [
            ("window_start", options.window_start),
            ("window_end", options.window_end),
        ] {
            if let Some(place) = place {
                self.call(
                    place,
                    "check_window_bound",
                    &quote!(#attribute, #name, &#ty, #nullable),
                );
            }
        }
        if let Some(at) = &options.default_value {
            let (written, number) = (&at.value, number(&at.value));
            let ty = code.item("TYPE");
            let variants = match code.form {
                Form::Plain => code.raw("VARIANTS"),
                Form::Fixed(..) | Form::Converted | Form::Formatted(_) => quote!(&[]),
            };
            self.call(
                at.place,
                "check_default",
                &quote!(#name, &#ty, #nullable, #written, #number, #variants),
            );
        }
        if let Some(at) = &options.gap
            && matches!(at.value, GapOptions::Zero)
        {
            self.call(at.place, "check_gap_zero", &quote!(#name, &#ty));
        }
    }

    /// `#[gap(from = ..)]` looks at two columns, and one unknown type of the two is enough to ask.
    fn gap_from(&mut self, code: &ColumnCode<'_>, columns: &[ColumnCode<'_>]) {
        let Some(at) = &code.options.gap else {
            return;
        };
        let GapOptions::From(source) = &at.value else {
            return;
        };
        let source = columns
            .iter()
            .find(|other| other.role == Role::Value && other.name == source);
        let Some(source) = source else {
            return;
        };
        if !code.options.recognised.is_unknown() && !source.options.recognised.is_unknown() {
            return;
        }
        let [one, two] = [code, source].map(|code| {
            let (name, ty, nullable) = (code.name, code.raw("TYPE"), code.item("NULLABLE"));
            quote!((#name, #ty, #nullable))
        });
        self.call(at.place, "check_gap_from", &quote!(#one, #two));
    }
}

/// The size of a default that is a number: constants cannot read one from text, and no check asks for its sign.
fn number(written: &str) -> TokenStream {
    let size = written.parse::<f64>().unwrap_or_default().abs();
    if size.is_finite() {
        let literal = Literal::f64_unsuffixed(size);
        quote!(#literal)
    } else {
        quote!(::core::primitive::f64::INFINITY)
    }
}
