//! The constants of an entity: model, columns, texts.
//!
//! Types come from the traits, not from names, and texts are rendered by `ksql-schema` in constants, so that an
//! alias or a nested type ends up in the schema as what it is.

use ksql_schema::{
    Cleanup, Kind, KindFrom, Mode, Role, SubjectStrategy, ValueFormat, WindowKind, names,
};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::column::ColumnCode;
use crate::model;
use crate::parse::options::{EntityOptions, GapOptions};

/// `__MODEL` and the texts as free constants of the generated block, and the items of the impl that name them.
pub(crate) fn constants(
    options: &EntityOptions,
    columns: &[ColumnCode<'_>],
    krate: &TokenStream,
) -> (TokenStream, TokenStream) {
    let schema = quote!(#krate::schema);
    let string = quote!(&'static ::core::primitive::str);
    let model = entity_model(options, &schema);
    let columns = columns
        .iter()
        .filter(|column| column.role != Role::Ignored)
        .map(|code| column(code, &schema));
    let texts = [
        (
            "__VALUE_SCHEMA",
            quote!(#schema::avro::value_len),
            quote!(#schema::avro::write_value),
        ),
        (
            "__KEY_SCHEMA",
            quote!(#schema::avro::key_len),
            quote!(#schema::avro::write_key),
        ),
        (
            "__CREATE",
            quote!(#schema::ddl::create_len),
            quote!(#schema::ddl::write_create),
        ),
    ]
    .map(|(name, length, write)| {
        let name = format_ident!("{name}");
        quote! {
            const #name: #string = {
                const LENGTH: ::core::primitive::usize = #length(__MODEL);
                const BYTES: [::core::primitive::u8; LENGTH] = #write::<LENGTH>(__MODEL);
                #schema::text::as_str(&BYTES)
            };
        }
    });
    let free = quote! {
        const __COLUMNS: &[#schema::Column<'static>] = &[#(#columns),*];
        const __MODEL: &#schema::Entity<'static> = &#model;
        #(#texts)*
    };
    let items = quote! {
        const MODEL: &'static #schema::Entity<'static> = __MODEL;
        const COLUMNS: &'static [#schema::Column<'static>] = __COLUMNS;
        const VALUE_SCHEMA: #string = __VALUE_SCHEMA;
        const KEY_SCHEMA: #string = __KEY_SCHEMA;
        const CREATE: #string = __CREATE;
        const FINGERPRINT: ::core::primitive::u64 = #schema::fingerprint::of_all(&[__VALUE_SCHEMA, __KEY_SCHEMA, __CREATE]);
    };
    (free, items)
}

fn entity_model(options: &EntityOptions, schema: &TokenStream) -> TokenStream {
    let name = model::struct_name(options);
    let container = &options.container;
    let record_name = container
        .name
        .as_ref()
        .map_or(name.as_str(), |name| &name.value);
    let namespace = match &container.namespace {
        Some(namespace) => {
            let namespace = &namespace.value;
            quote!(#namespace)
        }
        None => quote!(::core::module_path!()),
    };
    let sql_name = names::upper(&name);
    let (kind, kind_from) = model::kind(options);
    let kind = match kind {
        Kind::Stream => quote!(Stream),
        Kind::Table => quote!(Table),
    };
    let kind_from = match kind_from {
        KindFrom::Attribute => quote!(Attribute),
        KindFrom::Inferred => quote!(Inferred),
    };
    let value_format = match container
        .value_format
        .as_ref()
        .map_or(ValueFormat::Avro, |at| at.value)
    {
        ValueFormat::Avro => quote!(Avro),
    };
    let subjects = match container
        .subjects
        .as_ref()
        .map_or(SubjectStrategy::TopicName, |at| at.value)
    {
        SubjectStrategy::TopicName => quote!(TopicName),
        SubjectStrategy::RecordName => quote!(RecordName),
        SubjectStrategy::TopicRecordName => quote!(TopicRecordName),
    };
    let mode = match model::mode(options) {
        Mode::Strict => quote!(Strict),
        Mode::Relaxed => quote!(Relaxed),
    };
    let topic = topic(options, schema);
    let window = window(options, schema);
    quote! {
        #schema::Entity {
            name: #name,
            namespace: #namespace,
            record_name: #record_name,
            sql_name: #sql_name,
            kind: #schema::Kind::#kind,
            kind_from: #schema::KindFrom::#kind_from,
            topic: #topic,
            value_format: #schema::ValueFormat::#value_format,
            subjects: #schema::SubjectStrategy::#subjects,
            columns: __COLUMNS,
            window: #window,
            mode: #schema::Mode::#mode,
        }
    }
}

fn topic(options: &EntityOptions, schema: &TokenStream) -> TokenStream {
    let name = model::topic_name(options);
    let declared = options.topic.is_some();
    let topic = options.topic.as_ref();
    let partitions = optional(
        topic
            .and_then(|topic| topic.partitions.as_ref())
            .map(|at| at.value),
    );
    let replication = optional(
        topic
            .and_then(|topic| topic.replication.as_ref())
            .map(|at| at.value),
    );
    let retention_ms = optional(
        topic
            .and_then(|topic| topic.retention_ms.as_ref())
            .map(|at| at.value),
    );
    let cleanup = optional(topic.and_then(|topic| topic.cleanup.as_ref()).map(
        |at| match at.value {
            Cleanup::Delete => quote!(#schema::Cleanup::Delete),
            Cleanup::Compact => quote!(#schema::Cleanup::Compact),
            Cleanup::CompactDelete => quote!(#schema::Cleanup::CompactDelete),
        },
    ));
    quote! {
        #schema::Topic {
            name: #name,
            declared: #declared,
            partitions: #partitions,
            replication: #replication,
            retention_ms: #retention_ms,
            cleanup: #cleanup,
        }
    }
}

fn window(options: &EntityOptions, schema: &TokenStream) -> TokenStream {
    let Some(window) = &options.window else {
        return quote!(::core::option::Option::None);
    };
    let kind = match window
        .kind
        .as_ref()
        .map_or(WindowKind::Tumbling, |at| at.value)
    {
        WindowKind::Tumbling => quote!(Tumbling),
        WindowKind::Hopping => quote!(Hopping),
        WindowKind::Session => quote!(Session),
    };
    let sizes = window.sizes_ms.iter().map(|at| at.value);
    let advance_ms = optional(window.advance_ms.as_ref().map(|at| at.value));
    let grace_ms = optional(window.grace_ms.as_ref().map(|at| at.value));
    let retention_ms = optional(window.retention_ms.as_ref().map(|at| at.value));
    let gaps = match window
        .gaps
        .as_ref()
        .map_or(ksql_schema::GapPolicy::None, |at| at.value)
    {
        ksql_schema::GapPolicy::None => quote!(None),
        ksql_schema::GapPolicy::Empty => quote!(Empty),
        ksql_schema::GapPolicy::CarryForward => quote!(CarryForward),
    };
    let gap_horizon = optional(window.gap_horizon.as_ref().map(|at| at.value));
    quote! {
        ::core::option::Option::Some(#schema::Window {
            kind: #schema::WindowKind::#kind,
            sizes_ms: &[#(#sizes),*],
            advance_ms: #advance_ms,
            grace_ms: #grace_ms,
            retention_ms: #retention_ms,
            gaps: #schema::GapPolicy::#gaps,
            gap_horizon: #gap_horizon,
        })
    }
}

fn column(code: &ColumnCode<'_>, schema: &TokenStream) -> TokenStream {
    let options = code.options;
    let name = code.name;
    let sql_name = names::upper(name);
    let quoted = names::quoted(&sql_name);
    let hash = names::hash(name);
    let (ty, nullable) = (code.item("TYPE"), code.item("NULLABLE"));
    let role = match code.role {
        Role::Key => quote!(Key),
        Role::Value => quote!(Value),
        Role::WindowStart => quote!(WindowStart),
        Role::WindowEnd => quote!(WindowEnd),
        Role::Ignored => quote!(Ignored),
    };
    let key_order = optional(
        options
            .key
            .as_ref()
            .and_then(|key| key.order.as_ref())
            .map(|at| at.value),
    );
    let timestamp = options.timestamp.is_some();
    let avro_timestamp = options.avro_timestamp.is_some();
    let decimal_precision = optional(options.decimal_precision.as_ref().map(|at| {
        let (precision, scale) = at.value;
        quote!((#precision, #scale))
    }));
    let default = optional(options.default_value.as_ref().map(|at| &at.value));
    let max_length = optional(options.max_length.as_ref().map(|at| at.value));
    let datetime_format = optional(options.datetime_format.as_ref().map(|at| &at.value));
    let gap = optional(options.gap.as_ref().map(|at| match &at.value {
        GapOptions::Zero => quote!(#schema::Gap::Zero),
        GapOptions::From(source) => quote!(#schema::Gap::From(#source)),
    }));
    quote! {
        #schema::Column {
            name: #name,
            sql_name: #sql_name,
            quoted: #quoted,
            hash: #hash,
            ty: #ty,
            nullable: #nullable,
            role: #schema::Role::#role,
            key_order: #key_order,
            timestamp: #timestamp,
            avro_timestamp: #avro_timestamp,
            decimal_precision: #decimal_precision,
            default: #default,
            max_length: #max_length,
            datetime_format: #datetime_format,
            gap: #gap,
        }
    }
}

fn optional<T: quote::ToTokens>(value: Option<T>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}
