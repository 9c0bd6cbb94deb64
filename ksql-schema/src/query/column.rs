//! Columns as nodes, found by the hash of the field's name.

use super::node::{Node, Sql, Why};
use crate::model::{Column, Role};

/// The node of a column; unknown where there is none of that hash, for the row's type has said so already.
///
/// `entity` is the struct's Rust name. A window's bound read from a row is a `TIMESTAMP` or a `BIGINT`, as its field is.
pub const fn column(columns: &'static [Column<'static>], entity: &'static str, hash: u64) -> Node {
    let Some(column) = find(columns, hash) else {
        return Node::UNKNOWN;
    };
    let why = if column.nullable {
        Why::Column(entity, column.name)
    } else {
        Why::Never
    };
    Node {
        origin: Some(&column.ty),
        ..Node::new(column_type(column), why)
    }
}

/// A field of a struct, `->` in KSQL: NULL where the struct is.
pub const fn field(of: Node, hash: u64) -> Node {
    let Sql::Struct(record) = of.ty else {
        return Node::UNKNOWN;
    };
    let entity = record.name;
    let mut fields = record.fields;
    while let [field, rest @ ..] = fields {
        fields = rest;
        if crate::names::hash(field.name) == hash {
            let own = if field.nullable {
                Why::Column(entity, field.name)
            } else {
                Why::Never
            };
            return Node {
                origin: Some(&field.ty),
                ..Node::new(Sql::of(&field.ty), of.why.or(own))
            };
        }
    }
    Node::UNKNOWN
}

/// The KSQL name of a struct's field.
pub const fn field_name(of: Node, hash: u64) -> &'static str {
    if let Sql::Struct(record) = of.ty {
        let mut fields = record.fields;
        while let [field, rest @ ..] = fields {
            fields = rest;
            if crate::names::hash(field.name) == hash {
                return field.sql_name;
            }
        }
    }
    ""
}

/// A column by the hash of its Rust name.
pub const fn find<'a>(columns: &'a [Column<'a>], hash: u64) -> Option<&'a Column<'a>> {
    let mut columns = columns;
    while let [column, rest @ ..] = columns {
        if column.hash == hash {
            return Some(column);
        }
        columns = rest;
    }
    None
}

/// Whether the column of a hash is one of the key.
pub const fn is_key(columns: &[Column<'_>], hash: u64) -> bool {
    match find(columns, hash) {
        Some(column) => matches!(column.role, Role::Key),
        None => false,
    }
}

/// A column's type in SQL: what has a pattern of its own is text.
pub const fn column_type(column: &Column<'static>) -> Sql {
    match column.datetime_format {
        Some(_) => Sql::String,
        None => Sql::of(&column.ty),
    }
}

/// The type of the output's column of a hash: what a value selected into it is converted to.
pub const fn type_of(columns: &'static [Column<'static>], hash: u64) -> Sql {
    match find(columns, hash) {
        Some(column) => column_type(column),
        None => Sql::Unknown,
    }
}

/// The node of a row's field that was made of a value: what a later step reads of it. `check_assign` has refused what does not
/// fit.
pub const fn assigned(columns: &'static [Column<'static>], hash: u64, value: Node) -> Node {
    let Some(column) = find(columns, hash) else {
        return Node::UNKNOWN;
    };
    if value.is_unknown() {
        return Node::UNKNOWN;
    }
    let why = if column.nullable {
        value.why
    } else {
        Why::Never
    };
    let ty = column_type(column);
    Node {
        origin: Some(&column.ty),
        fails: value.fails && value.ty.same(ty) && why.is_nullable(),
        ..Node::new(ty, why)
    }
}

/// Columns for the tests of this module and its neighbours.
#[cfg(test)]
pub(crate) mod samples {
    use crate::model::{Column, Role};
    use crate::types::{Item, Struct, Type};

    pub(crate) const fn sample(name: &'static str, ty: Type<'static>) -> Column<'static> {
        Column {
            name,
            sql_name: name,
            quoted: name,
            hash: crate::names::hash(name),
            ty,
            nullable: false,
            role: Role::Value,
            key_order: None,
            timestamp: false,
            avro_timestamp: false,
            decimal_precision: None,
            default: None,
            max_length: None,
            datetime_format: None,
            gap: None,
        }
    }

    pub(crate) const fn optional(name: &'static str, ty: Type<'static>) -> Column<'static> {
        Column {
            nullable: true,
            ..sample(name, ty)
        }
    }

    pub(crate) const fn key(name: &'static str, ty: Type<'static>) -> Column<'static> {
        Column {
            role: Role::Key,
            ..sample(name, ty)
        }
    }

    pub(crate) static POINT: Struct<'static> = Struct {
        name: "Point",
        fields: &[
            crate::types::Field {
                name: "x",
                sql_name: "X",
                ty: Type::Int32,
                nullable: false,
            },
            crate::types::Field {
                name: "label",
                sql_name: "LABEL",
                ty: Type::String,
                nullable: true,
            },
        ],
    };

    pub(crate) static COLUMNS: &[Column<'static>] = &[
        key("id", Type::Int64),
        sample("flag", Type::Boolean),
        sample("small", Type::Int16),
        sample("count", Type::Int32),
        sample("ratio", Type::Float32),
        sample("share", Type::Float64),
        sample("name", Type::String),
        sample("uid", Type::Uuid),
        sample("state", Type::Enum),
        sample("data", Type::Bytes),
        sample(
            "price",
            Type::Decimal {
                precision: 18,
                scale: 4,
            },
        ),
        sample("at", Type::DateTime),
        sample("day", Type::Date),
        sample("hour", Type::Time),
        Column {
            datetime_format: Some("yyyy-MM-dd"),
            ..sample("written", Type::Date)
        },
        sample(
            "tags",
            Type::Array(&Item {
                ty: Type::String,
                nullable: true,
            }),
        ),
        sample(
            "totals",
            Type::Map(&Item {
                ty: Type::Int64,
                nullable: false,
            }),
        ),
        optional("point", Type::Struct(&POINT)),
        optional("note", Type::String),
    ];
}

#[cfg(test)]
mod tests {
    use super::samples::COLUMNS;
    use super::*;
    use crate::names::hash;
    use crate::query::words::sql_text;
    use crate::types::Type;

    #[test]
    fn each_type_of_the_model_is_the_one_ksqldb_declares() {
        let table = [
            ("id", "BIGINT"),
            ("flag", "BOOLEAN"),
            ("small", "INTEGER"),
            ("count", "INTEGER"),
            ("ratio", "DOUBLE"),
            ("share", "DOUBLE"),
            ("name", "STRING"),
            ("uid", "STRING"),
            ("state", "STRING"),
            ("data", "BYTES"),
            ("price", "DECIMAL(18, 4)"),
            ("at", "TIMESTAMP"),
            ("day", "DATE"),
            ("hour", "TIME"),
            ("written", "STRING"),
            ("tags", "ARRAY<STRING>"),
            ("totals", "MAP<STRING, BIGINT>"),
            ("point", "STRUCT<`X` INTEGER, `LABEL` STRING>"),
        ];
        for (name, expected) in table {
            let node = column(COLUMNS, "Order", hash(name));
            assert_eq!(sql_text(node.ty), expected, "{name}");
            assert_eq!(node.nullable(), name == "point", "{name}");
        }
        for column in COLUMNS {
            let declared = match column.datetime_format {
                Some(_) => "STRING".to_owned(),
                None => crate::ddl::ksql_type(&column.ty),
            };
            assert_eq!(sql_text(column_type(column)), declared, "{}", column.name);
        }
    }

    #[test]
    fn the_type_of_a_missing_column_is_unknown() {
        assert_eq!(type_of(COLUMNS, hash("written")), Sql::String);
        assert_eq!(type_of(COLUMNS, hash("nowhere")), Sql::Unknown);
        let unsized_decimal = Type::Decimal {
            precision: 0,
            scale: 0,
        };
        assert_eq!(Sql::of(&unsized_decimal), Sql::Unknown);
    }

    #[test]
    fn a_reason_names_the_column_and_a_missing_one_is_poison() {
        let node = column(COLUMNS, "Order", hash("note"));
        assert_eq!(node.why, Why::Column("Order", "note"));
        assert_eq!(column(COLUMNS, "Order", hash("nothing")), Node::UNKNOWN);
        assert_eq!(column(&[], "Order", hash("note")), Node::UNKNOWN);
    }

    #[test]
    fn a_field_of_a_struct_is_null_where_the_struct_is() {
        let point = column(COLUMNS, "Order", hash("point"));
        let x = field(point, hash("x"));
        assert_eq!((x.ty, x.why), (Sql::Integer, Why::Column("Order", "point")));
        let label = field(point.not_null(), hash("label"));
        assert_eq!(label.why, Why::Column("Point", "label"));
        assert!(field(x, hash("x")).is_unknown());
    }
}
