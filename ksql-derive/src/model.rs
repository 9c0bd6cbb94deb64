//! Second stage: options into the [`ksql_schema::Entity`] that the rules judge.
//!
//! The model borrows, so it lives only inside [`with_model`]. It is for validation: the constant that the
//! derive emits is built by the compiler from the traits, with the same fields.

use std::cell::OnceCell;

use ksql_schema::{
    Column, Entity, Gap, GapPolicy, Item, Kind, KindFrom, Mode, Role, SubjectStrategy, Topic, Type,
    ValueFormat, Window, WindowKind, names,
};

use crate::parse::options::{EntityOptions, FieldOptions, GapOptions, WindowOptions};
use crate::types::{Recognised, Shape};

/// Stream or table, and what decided it. A contradiction was reported before.
pub(crate) fn kind(options: &EntityOptions) -> (Kind, KindFrom) {
    match (&options.table, &options.stream, &options.window) {
        (Some(_), _, _) => (Kind::Table, KindFrom::Attribute),
        (None, Some(_), _) => (Kind::Stream, KindFrom::Attribute),
        (None, None, Some(_)) => (Kind::Table, KindFrom::Inferred),
        (None, None, None) => (Kind::Stream, KindFrom::Inferred),
    }
}

/// Strict unless the struct or the cargo feature says otherwise.
pub(crate) fn mode(options: &EntityOptions) -> Mode {
    if options.container.relaxed.is_some() || cfg!(feature = "relaxed") {
        Mode::Relaxed
    } else {
        Mode::Strict
    }
}

/// What a field is for.
pub(crate) fn role(field: &FieldOptions) -> Role {
    if field.key.is_some() {
        Role::Key
    } else if field.ignore.is_some() {
        Role::Ignored
    } else if field.window_start.is_some() {
        Role::WindowStart
    } else if field.window_end.is_some() {
        Role::WindowEnd
    } else {
        Role::Value
    }
}

/// The topic's name: the declared one, or the struct's in lower case.
pub(crate) fn topic_name(options: &EntityOptions) -> String {
    match options.topic.as_ref().and_then(|topic| topic.name.as_ref()) {
        Some(name) => name.value.clone(),
        None => struct_name(options).to_lowercase(),
    }
}

/// The struct's name without `r#`.
pub(crate) fn struct_name(options: &EntityOptions) -> String {
    crate::parse::args::plain(&options.ident.to_string())
}

/// Builds the model and hands it to `judge`.
pub(crate) fn with_model<R>(options: &EntityOptions, judge: impl FnOnce(&Entity<'_>) -> R) -> R {
    let depth = options
        .fields
        .iter()
        .map(|field| field.recognised.depth())
        .sum();
    let cells: Vec<OnceCell<Item<'_>>> = (0..depth).map(|_| OnceCell::new()).collect();
    let mut free = cells.iter();
    let spelled: Vec<(String, String)> = options
        .fields
        .iter()
        .map(|field| {
            let sql_name = names::upper(&field.name);
            let quoted = names::quoted(&sql_name);
            (sql_name, quoted)
        })
        .collect();
    let columns: Vec<Column<'_>> = options
        .fields
        .iter()
        .zip(&spelled)
        .map(|(field, (sql_name, quoted))| column(field, sql_name, quoted, &mut free))
        .collect();
    let sizes: Vec<u64> = options
        .window
        .iter()
        .flat_map(|window| window.sizes_ms.iter().map(|size| size.value))
        .collect();
    let name = struct_name(options);
    let sql_name = names::upper(&name);
    let topic_name = topic_name(options);
    let container = &options.container;
    let (kind, kind_from) = kind(options);
    let topic = options.topic.as_ref();
    let entity = Entity {
        name: &name,
        // The module path is known to the compiler only: a constant asks it.
        namespace: container
            .namespace
            .as_ref()
            .map_or("app", |namespace| &namespace.value),
        record_name: container
            .name
            .as_ref()
            .map_or(name.as_str(), |name| &name.value),
        sql_name: &sql_name,
        kind,
        kind_from,
        topic: Topic {
            name: &topic_name,
            declared: topic.is_some(),
            partitions: topic
                .and_then(|topic| topic.partitions.as_ref())
                .map(|at| at.value),
            replication: topic
                .and_then(|topic| topic.replication.as_ref())
                .map(|at| at.value),
            retention_ms: topic
                .and_then(|topic| topic.retention_ms.as_ref())
                .map(|at| at.value),
            cleanup: topic
                .and_then(|topic| topic.cleanup.as_ref())
                .map(|at| at.value),
        },
        value_format: container
            .value_format
            .as_ref()
            .map_or(ValueFormat::Avro, |format| format.value),
        subjects: container
            .subjects
            .as_ref()
            .map_or(SubjectStrategy::TopicName, |subjects| subjects.value),
        columns: &columns,
        window: options
            .window
            .as_ref()
            .map(|window| self::window(window, &sizes)),
        mode: mode(options),
    };
    judge(&entity)
}

fn window<'a>(options: &WindowOptions, sizes_ms: &'a [u64]) -> Window<'a> {
    Window {
        kind: options
            .kind
            .as_ref()
            .map_or(WindowKind::Tumbling, |kind| kind.value),
        sizes_ms,
        advance_ms: options.advance_ms.as_ref().map(|at| at.value),
        grace_ms: options.grace_ms.as_ref().map(|at| at.value),
        retention_ms: options.retention_ms.as_ref().map(|at| at.value),
        gaps: options.gaps.as_ref().map_or(GapPolicy::None, |at| at.value),
        gap_horizon: options.gap_horizon.as_ref().map(|at| at.value),
    }
}

fn column<'a>(
    field: &'a FieldOptions,
    sql_name: &'a str,
    quoted: &'a str,
    free: &mut impl Iterator<Item = &'a OnceCell<Item<'a>>>,
) -> Column<'a> {
    let decimal_precision = field.decimal_precision.as_ref().map(|at| at.value);
    let ty = match (borrowed(&field.recognised, free), decimal_precision) {
        (
            Type::Decimal {
                precision: 0,
                scale: 0,
            },
            Some((precision, scale)),
        ) => Type::Decimal { precision, scale },
        (ty, _) => ty,
    };
    Column {
        name: &field.name,
        sql_name,
        quoted,
        hash: names::hash(&field.name),
        ty,
        nullable: field.recognised.nullable,
        role: role(field),
        key_order: field
            .key
            .as_ref()
            .and_then(|key| key.order.as_ref())
            .map(|at| at.value),
        timestamp: field.timestamp.is_some(),
        avro_timestamp: field.avro_timestamp.is_some(),
        decimal_precision,
        default: field.default_value.as_ref().map(|at| at.value.as_str()),
        max_length: field.max_length.as_ref().map(|at| at.value),
        datetime_format: field.datetime_format.as_ref().map(|at| at.value.as_str()),
        gap: field.gap.as_ref().map(|at| match &at.value {
            GapOptions::Zero => Gap::Zero,
            GapOptions::From(source) => Gap::From(source),
        }),
    }
}

/// The type as the model has it; elements are put into the next free cells.
fn borrowed<'a>(
    recognised: &Recognised,
    free: &mut impl Iterator<Item = &'a OnceCell<Item<'a>>>,
) -> Type<'a> {
    let (element, is_map) = match &recognised.shape {
        Shape::Simple(ty) => return *ty,
        Shape::Unknown => return Type::Unknown,
        Shape::Array(element) => (element, false),
        Shape::Map(element) => (element, true),
    };
    let item = Item {
        ty: borrowed(element, free),
        nullable: element.nullable,
    };
    match free.next() {
        Some(cell) => {
            let item: &'a Item<'a> = cell.get_or_init(|| item);
            if is_map {
                Type::Map(item)
            } else {
                Type::Array(item)
            }
        }
        // `depth` counted one cell for each element; without one the compiler's checks remain.
        None => Type::Unknown,
    }
}
