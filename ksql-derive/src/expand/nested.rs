//! `#[derive(Struct)]` and `#[derive(Enum)]`: impls of `Value`.

use ksql_schema::names;
use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::DeriveInput;

use super::column::qualified;
use super::{companion, docs};
use crate::parse::args::plain;
use crate::parse::nested::{NestedField, is_lower_case};

/// The impl for a nested record, or a stub of it after an error.
pub(crate) fn nested(
    input: &DeriveInput,
    fields: &[NestedField],
    krate: &TokenStream,
    right: bool,
) -> TokenStream {
    let (ident, vis) = (&input.ident, &input.vis);
    if !right {
        return string_stub(ident, krate);
    }
    let allow = super::allow();
    let name = plain(&ident.to_string());
    let value = quote!(#krate::Value);
    let row = companion(ident, "Row");
    let borrows = fields
        .iter()
        .any(|field| !field.recognised.is_plain_scalar());
    let (row_name, lifetime) = if borrows {
        (quote!(#row<'a>), quote!('a))
    } else {
        (quote!(#row), quote!('static))
    };
    // Only the compiler knows these: one check each, and items that assume they are right.
    let unknown: Vec<&syn::Type> = fields
        .iter()
        .filter(|field| field.recognised.is_unknown())
        .map(|field| &field.ty)
        .collect();
    let assumed = if unknown.is_empty() {
        TokenStream::new()
    } else {
        quote!(where #(for<'__assumed> #unknown: #krate::AssumedColumn<'__assumed>,)*)
    };
    let checks = unknown.iter().map(|ty| super::checks::nested(ty, krate));
    let item = |field: &NestedField, item: &str| qualified(&field.ty, &value, item);
    let doc = format!("A [`{ident}`] in a row, borrowed.");
    let row_fields = fields.iter().map(|field| {
        let (name, vis, reference) = (&field.ident, &field.vis, item(field, "Ref"));
        let docs = docs(&field.docs, &format!("The field `{}`.", field.name));
        quote!(#docs #vis #name: #reference<#lifetime>,)
    });
    let lower_case = is_lower_case(&input.attrs);
    let sql_name = |field: &NestedField| {
        if lower_case {
            field.name.to_ascii_lowercase()
        } else {
            names::upper(&field.name)
        }
    };
    let schema = fields.iter().map(|field| {
        let (name, sql_name) = (&field.name, sql_name(field));
        let (ty, nullable) = (item(field, "TYPE"), item(field, "NULLABLE"));
        quote!(#krate::schema::Field { name: #name, sql_name: #sql_name, ty: #ty, nullable: #nullable })
    });
    let each = |method: &str, call: fn(&Ident, &str, &TokenStream) -> TokenStream| -> TokenStream {
        fields
            .iter()
            .map(|field| call(&field.ident, &field.name, &item(field, method)))
            .collect()
    };
    let encode = each(
        "encode",
        |field, name, call| quote!(#call(&self.#field, __out).map_err(|__error| __error.at(#name))?;),
    );
    let decode = each(
        "decode",
        |field, name, call| quote!(#field: #call(__input).map_err(|__error| __error.at(#name))?,),
    );
    let decode_ref = each(
        "decode_ref",
        |field, name, call| quote!(#field: #call(__input).map_err(|__error| __error.at(#name))?,),
    );
    let as_ref = each(
        "as_ref",
        |field, _, call| quote!(#field: #call(&self.#field),),
    );
    let absent = each("absent", |field, _, call| quote!(#field: #call(),));
    let from_ref = each(
        "from_ref",
        |field, name, call| quote!(#field: #call(__row.#field).map_err(|__error| __error.at(#name))?,),
    );
    let shown = fields.iter().map(|field| {
        let (ident, sql_name) = (&field.ident, sql_name(field));
        quote!((#sql_name, #krate::Operand::any_in(self.#ident, __scratch)))
    });
    let option = quote!(::core::option::Option);
    quote! {
        #[doc = #doc]
        #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
        #allow
        #vis struct #row_name #assumed { #(#row_fields)* }
        #allow
        const _: () = {
            #(#checks)*
            #[automatically_derived]
            impl<'a> #krate::Operand<'a> for #row_name #assumed {
                fn any(self) -> #krate::Any<'a> {
                    #krate::Any::Failed
                }
                fn any_in(self, __scratch: &'a #krate::Scratch) -> #krate::Any<'a> {
                    #krate::Any::Struct(__scratch.list(&[#(#shown),*]))
                }
            }
            #[automatically_derived]
            impl<'a> #krate::Scalar<'a> for #row_name #assumed {
                const SHAPE: #krate::Shape = #krate::Shape::Struct;
                fn take(_: #krate::Any<'a>) -> #option<Self> {
                    #option::None
                }
                fn take_in(__any: #krate::Any<'a>, __scratch: &'a #krate::Scratch) -> #option<Self> {
                    #krate::record::<#ident>(__any, __scratch)
                }
                fn absent() -> Self {
                    <#ident as #krate::Value>::absent()
                }
            }
            #[automatically_derived]
            impl #krate::Value for #ident #assumed {
                const TYPE: #krate::schema::Type<'static> = #krate::schema::Type::Struct(&#krate::schema::Struct {
                    name: #name,
                    fields: &[#(#schema),*],
                });
                type Ref<'a> = #row_name;
                #[inline]
                fn encode(&self, __out: &mut #krate::Bytes) -> ::core::result::Result<(), #krate::Defect> {
                    #encode
                    ::core::result::Result::Ok(())
                }
                #[inline]
                fn decode(__input: &mut #krate::Reader<'_>) -> ::core::result::Result<Self, #krate::DecodeError> {
                    ::core::result::Result::Ok(Self { #decode })
                }
                #[inline]
                fn decode_ref<'a>(__input: &mut #krate::Reader<'a>) -> ::core::result::Result<Self::Ref<'a>, #krate::DecodeError> {
                    ::core::result::Result::Ok(#row { #decode_ref })
                }
                #[inline]
                fn as_ref(&self) -> Self::Ref<'_> {
                    #row { #as_ref }
                }
                fn from_ref(__row: Self::Ref<'_>) -> ::core::result::Result<Self, #krate::DecodeError> {
                    ::core::result::Result::Ok(Self { #from_ref })
                }
                fn absent<'a>() -> Self::Ref<'a> {
                    #row { #absent }
                }
            }
        };
    }
}

/// The impl for a string enum, or a stub of it after an error.
pub(crate) fn variants(
    input: &DeriveInput,
    variants: &[Ident],
    krate: &TokenStream,
    right: bool,
) -> TokenStream {
    let ident = &input.ident;
    if !right {
        return string_stub(ident, krate);
    }
    let allow = super::allow();
    let texts: Vec<String> = variants
        .iter()
        .map(|variant| plain(&variant.to_string()))
        .collect();
    let known = texts.join(", ");
    let name = ident.to_string();
    let text = quote!(&'static ::core::primitive::str);
    let read = quote! {
        |__text: &::core::primitive::str| -> ::core::result::Result<#ident, #krate::DecodeError> {
            match __text {
                #(#texts => ::core::result::Result::Ok(#ident::#variants),)*
                __other => ::core::result::Result::Err(#krate::unknown_variant(#name, __other, #known)),
            }
        }
    };
    quote! {
        #allow
        const _: () = {
            fn __text(__value: &#ident) -> #text {
                match __value {
                    #(#ident::#variants => #texts,)*
                }
            }
            #[automatically_derived]
            impl #krate::Value for #ident {
                const TYPE: #krate::schema::Type<'static> = #krate::schema::Type::Enum;
                const VARIANTS: &'static [&'static ::core::primitive::str] = &[#(#texts),*];
                type Ref<'a> = &'a ::core::primitive::str;
                #[inline]
                fn encode(&self, __out: &mut #krate::Bytes) -> ::core::result::Result<(), #krate::Defect> {
                    #krate::write::bytes(__text(self).as_bytes(), __out);
                    ::core::result::Result::Ok(())
                }
                fn decode(__input: &mut #krate::Reader<'_>) -> ::core::result::Result<Self, #krate::DecodeError> {
                    let __read = #read;
                    __read(__input.text()?)
                }
                fn decode_ref<'a>(__input: &mut #krate::Reader<'a>) -> ::core::result::Result<Self::Ref<'a>, #krate::DecodeError> {
                    let __read = #read;
                    let __found = __input.text()?;
                    let _ = __read(__found)?;
                    ::core::result::Result::Ok(__found)
                }
                fn as_ref(&self) -> Self::Ref<'_> {
                    __text(self)
                }
                fn from_ref(__row: Self::Ref<'_>) -> ::core::result::Result<Self, #krate::DecodeError> {
                    let __read = #read;
                    __read(__row)
                }
                fn absent<'a>() -> Self::Ref<'a> {
                    Self::VARIANTS.first().copied().unwrap_or_default()
                }
            }
        };
    }
}

/// After an error: a `Value` of the kind that fits most places, with bodies that never run.
fn string_stub(ident: &Ident, krate: &TokenStream) -> TokenStream {
    let never = quote!({ ::core::unreachable!() });
    quote! {
        const _: () = {
            #[automatically_derived]
            impl #krate::Value for #ident {
                const TYPE: #krate::schema::Type<'static> = #krate::schema::Type::Unknown;
                type Ref<'a> = &'a ::core::primitive::str;
                fn encode(&self, _: &mut #krate::Bytes) -> ::core::result::Result<(), #krate::Defect> #never
                fn decode(_: &mut #krate::Reader<'_>) -> ::core::result::Result<Self, #krate::DecodeError> #never
                fn decode_ref<'a>(_: &mut #krate::Reader<'a>) -> ::core::result::Result<Self::Ref<'a>, #krate::DecodeError> #never
                fn as_ref(&self) -> Self::Ref<'_> #never
                fn from_ref(_: Self::Ref<'_>) -> ::core::result::Result<Self, #krate::DecodeError> #never
                fn absent<'a>() -> Self::Ref<'a> #never
            }
        };
    }
}
