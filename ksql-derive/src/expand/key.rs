//! The key type: `RateKey` and its impl of `EntityKey`.

use ksql_schema::Role;
use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::column::ColumnCode;
use super::{companion, docs};
use crate::parse::options::EntityOptions;
use crate::types::Shape;

/// The key columns of an entity as code.
#[derive(Debug)]
pub(crate) struct Key<'a> {
    options: &'a EntityOptions,
    pub(crate) columns: Vec<&'a ColumnCode<'a>>,
    pub(crate) windowed: bool,
    ident: Ident,
    krate: &'a TokenStream,
}

impl<'a> Key<'a> {
    pub(crate) fn new(
        options: &'a EntityOptions,
        columns: &'a [ColumnCode<'a>],
        krate: &'a TokenStream,
    ) -> Self {
        Self {
            options,
            columns: columns
                .iter()
                .filter(|column| column.role == Role::Key)
                .collect(),
            windowed: options.window.is_some(),
            ident: companion(&options.ident, "Key"),
            krate,
        }
    }

    /// The type's name: `RateKey`, or the runtime's type for "no key".
    pub(crate) fn name(&self) -> TokenStream {
        let (ident, krate) = (&self.ident, self.krate);
        if self.columns.is_empty() {
            quote!(#krate::NoKey)
        } else {
            quote!(#ident)
        }
    }

    /// The struct, outside the block.
    pub(crate) fn definition(&self) -> TokenStream {
        if self.columns.is_empty() {
            return TokenStream::new();
        }
        let (ident, vis, krate) = (&self.ident, &self.options.vis, self.krate);
        let doc = format!("The key of [`{}`].", self.options.ident);
        let allow = super::allow();
        let assumed = self.assumed();
        let fields = self.columns.iter().map(|column| {
            let (name, ty) = (column.ident, column.ty);
            let docs = docs(
                &column.options.docs,
                &format!("The key column `{}`.", column.name),
            );
            let vis = &column.options.vis;
            quote!(#docs #vis #name: #ty,)
        });
        let window = self.windowed.then(|| {
            quote! {
                /// The window the record belongs to.
                pub window: #krate::Window,
            }
        });
        quote! {
            #[doc = #doc]
            #[derive(
                ::core::clone::Clone, ::core::fmt::Debug, ::core::cmp::PartialEq, ::core::cmp::Eq, ::core::cmp::PartialOrd,
                ::core::cmp::Ord, ::core::hash::Hash
            )]
            #allow
            #vis struct #ident #assumed {
                #(#fields)*
                #window
            }
        }
    }
}

impl Key<'_> {
    /// The impl of `EntityKey`, inside the block.
    pub(crate) fn implementation(&self) -> TokenStream {
        if self.columns.is_empty() {
            return TokenStream::new();
        }
        let (ident, krate) = (&self.ident, self.krate);
        let count = self.columns.len();
        let encode = self.encode_columns();
        let decode = self.decode_wire();
        let ordered = self.columns.iter().enumerate().map(|(index, column)| {
            let (field, encode) = (column.ident, column.key_item("encode_ordered"));
            let last = index + 1 == count && !self.windowed;
            quote!(#encode(&self.#field, #last, __out);)
        });
        let ordered_window = self
            .windowed
            .then(|| quote!(#krate::encode_window_ordered(self.window, __out);));
        let read = self.columns.iter().enumerate().map(|(index, column)| {
            let (field, name, decode) =
                (column.ident, column.name, column.key_item("decode_ordered"));
            let last = index + 1 == count && !self.windowed;
            quote!(#field: #decode(#last, &mut __input).map_err(|__error| __error.at(#name))?,)
        });
        let read_window = self
            .windowed
            .then(|| quote!(window: #krate::decode_window_ordered(&mut __input)?,));
        // A windowed key is a table's, and those have one.
        let absent = (!self.windowed).then(|| {
            let fields = self.columns.iter().map(|column| {
                let (field, absent) = (column.ident, column.key_item("absent"));
                quote!(#field: #absent()?,)
            });
            quote! {
                fn absent() -> ::core::option::Option<Self> {
                    ::core::option::Option::Some(Self { #(#fields)* })
                }
            }
        });
        let is_absent = match self.columns.as_slice() {
            [column] if !self.windowed => {
                let (field, is_absent) = (column.ident, column.key_item("is_absent"));
                quote! {
                    fn is_absent(&self) -> ::core::primitive::bool {
                        #is_absent(&self.#field)
                    }
                }
            }
            _ => TokenStream::new(),
        };
        let end_window = (self.windowed && !self.is_session()).then(|| {
            quote! {
                fn end_window(&mut self, __size: ::core::primitive::i64) {
                    self.window.end = self.window.start.saturating_add(__size);
                }
            }
        });
        let assumed = self.assumed();
        let window_out = self
            .windowed
            .then(|| self.encode_window(&quote!(self.window)));
        quote! {
            #[automatically_derived]
            impl #krate::EntityKey for #ident #assumed {
                const COLUMNS: ::core::primitive::usize = #count;
                #end_window
                fn encode(&self, __id: ::core::primitive::u32, __out: &mut #krate::Bytes) {
                    #encode
                    #window_out
                }
                fn decode(__bytes: &[::core::primitive::u8]) -> ::core::result::Result<Self, #krate::DecodeError> {
                    #decode
                }
                #absent
                #is_absent
                fn encode_ordered(&self, __out: &mut #krate::Bytes) {
                    #(#ordered)*
                    #ordered_window
                }
                fn decode_ordered(__bytes: &[::core::primitive::u8]) -> ::core::result::Result<Self, #krate::DecodeError> {
                    let mut __input = __bytes;
                    let __key = Self { #(#read)* #read_window };
                    #krate::nothing_left(__input)?;
                    ::core::result::Result::Ok(__key)
                }
            }
        }
    }

    /// The clause under which the key's items stand.
    fn assumed(&self) -> TokenStream {
        super::column::assumptions(self.columns.iter().copied())
    }

    fn is_session(&self) -> bool {
        self.options
            .window
            .as_ref()
            .and_then(|window| window.kind.as_ref())
            .is_some_and(|kind| kind.value == ksql_schema::WindowKind::Session)
    }

    /// Appends the key columns of `self`, which may be the key or the entity: the fields have the same names, and the
    /// entity's are written without a key being made of them.
    pub(crate) fn encode_columns(&self) -> TokenStream {
        let krate = self.krate;
        if let [column] = self.columns.as_slice() {
            let (field, encode) = (column.ident, column.key_item("encode_kafka"));
            return quote! {
                let _ = __id;
                #encode(&self.#field, __out);
            };
        }
        let parts = self.columns.iter().map(|column| {
            let (field, encode) = (column.ident, column.key_item("encode_part"));
            quote!(#encode(&self.#field, __out);)
        });
        quote! {
            #krate::frame::write(__id, __out);
            #(#parts)*
        }
    }

    /// Appends a window's part of the key.
    pub(crate) fn encode_window(&self, window: &TokenStream) -> TokenStream {
        let (krate, session) = (self.krate, self.is_session());
        quote!(#krate::Window::encode(#window, #session, __out);)
    }

    /// The window an entity's fields tell.
    pub(crate) fn window_of(&self, columns: &[ColumnCode<'_>]) -> TokenStream {
        let krate = self.krate;
        let bound = |role: Role| {
            let column = columns.iter().find(|column| column.role == role)?;
            let field = column.ident;
            Some(quote!(#krate::WindowBound::to_millis(&self.#field)))
        };
        let start = bound(Role::WindowStart).unwrap_or_else(|| quote!(0));
        let end = bound(Role::WindowEnd).unwrap_or_else(|| start.clone());
        quote!(#krate::Window { start: #start, end: #end })
    }

    fn decode_wire(&self) -> TokenStream {
        let krate = self.krate;
        let session = self.is_session();
        let split = self
            .windowed
            .then(|| quote!(let (__bytes, __window) = #krate::Window::decode(__bytes, #session)?;));
        let window = self.windowed.then(|| quote!(window: __window,));
        if let [column] = self.columns.as_slice() {
            let (field, name, decode) =
                (column.ident, column.name, column.key_item("decode_kafka"));
            return quote! {
                #split
                ::core::result::Result::Ok(Self {
                    #field: #decode(__bytes).map_err(|__error| __error.at(#name))?,
                    #window
                })
            };
        }
        let parts = self.columns.iter().map(|column| {
            let (field, name, decode) = (column.ident, column.name, column.key_item("decode_part"));
            quote!(#field: #decode(&mut __input).map_err(|__error| __error.at(#name))?,)
        });
        quote! {
            #split
            let (_, __body) = #krate::frame::read(__bytes)?;
            let mut __input = #krate::Reader::new(__body);
            let __key = Self { #(#parts)* #window };
            __input.finish()?;
            ::core::result::Result::Ok(__key)
        }
    }

    /// `From` impls, so that `get("IBM")` and `get((7, "bolt"))` read well; of a windowed key with its window.
    pub(crate) fn conversions(&self) -> TokenStream {
        if self.columns.is_empty() {
            return TokenStream::new();
        }
        let owned = self.columns.iter().map(|column| {
            let ty = column.ty;
            quote!(#ty)
        });
        let owned = self.conversion(owned.collect(), &TokenStream::new(), &TokenStream::new());
        let borrowed = self.borrowed();
        quote!(#owned #borrowed)
    }

    /// The conversion from borrowed text, where a column is or may be text. What only the compiler knows is taken as what it
    /// is in rows, beside a column that is text for certain; else as text, if text can be made into it.
    fn borrowed(&self) -> TokenStream {
        let is = |column: &ColumnCode<'_>, text: bool| match &column.options.recognised.shape {
            // There is no conversion from a text into an optional one.
            _ if column.options.recognised.nullable => false,
            Shape::Simple(ty) => text && *ty == ksql_schema::Type::String,
            Shape::Unknown => !text,
            Shape::Array(_) | Shape::Map(_) => false,
        };
        let certain = self.columns.iter().any(|column| is(column, true));
        if !certain && !self.columns.iter().any(|column| is(column, false)) {
            return TokenStream::new();
        }
        let mut bounds = TokenStream::new();
        let types = self.columns.iter().map(|column| {
            let ty = column.ty;
            if is(column, true) {
                quote!(&'__text ::core::primitive::str)
            } else if !is(column, false) {
                quote!(#ty)
            } else if certain {
                let row = column.item("Ref");
                bounds.extend(quote!(#ty: ::core::convert::From<#row<'__text>>,));
                quote!(#row<'__text>)
            } else {
                // For all lifetimes: such a bound may be one that does not hold, and the conversion is then not there.
                let text = quote!(&'__any ::core::primitive::str);
                bounds.extend(quote!(for<'__any> #ty: ::core::convert::From<#text>,));
                quote!(&'__text ::core::primitive::str)
            }
        });
        let types = types.collect();
        self.conversion(types, &quote!(<'__text>), &bounds)
    }

    /// `From` for the key's only column of this type, or for a tuple.
    fn conversion(
        &self,
        types: Vec<TokenStream>,
        lifetime: &TokenStream,
        bounds: &TokenStream,
    ) -> TokenStream {
        let ident = &self.ident;
        let assumed = self.assumed();
        let clause = if assumed.is_empty() {
            quote!(where #bounds)
        } else {
            quote!(#assumed #bounds)
        };
        let fields: Vec<_> = self.columns.iter().map(|column| column.ident).collect();
        let locals: Vec<_> = self.columns.iter().map(|column| &column.local).collect();
        let (pattern, from) = match (locals.as_slice(), types.as_slice()) {
            ([local], [ty]) => (quote!(#local), quote!(#ty)),
            _ => (quote!((#(#locals,)*)), quote!((#(#types,)*))),
        };
        let krate = self.krate;
        let (pattern, from, window) = if self.windowed {
            let window = quote!(window: __window);
            (
                quote!((#pattern, __window)),
                quote!((#from, #krate::Window)),
                window,
            )
        } else {
            (pattern, from, TokenStream::new())
        };
        quote! {
            #[automatically_derived]
            impl #lifetime ::core::convert::From<#from> for #ident #clause {
                fn from(#pattern: #from) -> Self {
                    Self { #(#fields: ::core::convert::Into::into(#locals),)* #window }
                }
            }
        }
    }
}
