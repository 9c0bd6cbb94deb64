//! What was written, with the place of every part: the result of parsing, before anything is judged.

use ksql_schema::{Cleanup, GapPolicy, SubjectStrategy, ValueFormat, WindowKind};
use proc_macro2::{Ident, TokenStream};
use syn::{Attribute, Visibility};

use crate::errors::{At, Place};
use crate::types::Recognised;

/// A struct with `#[derive(Entity)]`.
#[derive(Debug)]
pub(crate) struct EntityOptions {
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    pub(crate) topic: Option<TopicOptions>,
    pub(crate) stream: Option<Place>,
    pub(crate) table: Option<Place>,
    pub(crate) window: Option<WindowOptions>,
    pub(crate) container: ContainerOptions,
    pub(crate) fields: Vec<FieldOptions>,
    /// Attributes that did not parse: rules about them would only add noise.
    pub(crate) failed: Vec<&'static str>,
}

/// `#[entity(...)]`.
#[derive(Debug, Default)]
pub(crate) struct ContainerOptions {
    pub(crate) relaxed: Option<Place>,
    pub(crate) namespace: Option<At<String>>,
    pub(crate) name: Option<At<String>>,
    pub(crate) value_format: Option<At<ValueFormat>>,
    pub(crate) subjects: Option<At<SubjectStrategy>>,
    pub(crate) krate: Option<At<TokenStream>>,
}

/// `#[topic(...)]`.
#[derive(Debug)]
pub(crate) struct TopicOptions {
    pub(crate) place: Place,
    pub(crate) name: Option<At<String>>,
    pub(crate) partitions: Option<At<u32>>,
    pub(crate) replication: Option<At<u16>>,
    pub(crate) retention_ms: Option<At<i64>>,
    pub(crate) cleanup: Option<At<Cleanup>>,
}

/// `#[window(...)]`.
#[derive(Debug)]
pub(crate) struct WindowOptions {
    pub(crate) place: Place,
    pub(crate) kind: Option<At<WindowKind>>,
    /// Sizes in milliseconds, or the one gap of a session window.
    pub(crate) sizes_ms: Vec<At<u64>>,
    /// The value of the key that gave the sizes.
    pub(crate) sizes: Option<At<String>>,
    pub(crate) session_gap: Option<At<u64>>,
    pub(crate) advance_ms: Option<At<u64>>,
    pub(crate) grace_ms: Option<At<u64>>,
    pub(crate) retention_ms: Option<At<u64>>,
    pub(crate) gaps: Option<At<GapPolicy>>,
    pub(crate) gap_horizon: Option<At<u32>>,
}

/// A field.
#[derive(Debug)]
pub(crate) struct FieldOptions {
    pub(crate) ident: Ident,
    /// Without `r#`.
    pub(crate) name: String,
    pub(crate) vis: Visibility,
    /// Doc comments, forwarded to the generated types.
    pub(crate) docs: Vec<Attribute>,
    pub(crate) ty: syn::Type,
    pub(crate) recognised: Recognised,
    pub(crate) key: Option<KeyOptions>,
    pub(crate) ignore: Option<Place>,
    pub(crate) decimal_precision: Option<At<(u32, u32)>>,
    pub(crate) datetime_format: Option<At<String>>,
    /// The default as JSON text.
    pub(crate) default_value: Option<At<String>>,
    pub(crate) max_length: Option<At<u32>>,
    pub(crate) timestamp: Option<Place>,
    pub(crate) avro_timestamp: Option<Place>,
    pub(crate) window_start: Option<Place>,
    pub(crate) window_end: Option<Place>,
    pub(crate) gap: Option<At<GapOptions>>,
    /// Something about the field did not parse.
    pub(crate) failed: bool,
}

/// `#[key]` or `#[key(order = n)]`.
#[derive(Debug)]
pub(crate) struct KeyOptions {
    pub(crate) place: Place,
    pub(crate) order: Option<At<u32>>,
}

/// `#[gap(...)]`.
#[derive(Debug, Clone)]
pub(crate) enum GapOptions {
    Zero,
    From(String),
}
