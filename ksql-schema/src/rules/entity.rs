//! Rules about the struct: topic, kind, key, names.

use super::{Findings, columns};
use crate::finding::Locus;
use crate::model::{Cleanup, Entity, Kind, KindFrom, Mode, Role};
use crate::names;

pub(super) fn check(entity: &Entity<'_>, findings: &mut Findings) {
    topic(entity, findings);
    kind(entity, findings);
    names(entity, findings);
    keys(entity, findings);
}

fn topic(entity: &Entity<'_>, findings: &mut Findings) {
    let topic = &entity.topic;
    if !topic.declared {
        let help = format!("write `#[topic(\"{}\")]`", topic.name);
        let message = format!("`{}` has no `#[topic]`", entity.name);
        match entity.mode {
            Mode::Strict => findings.error("K0101", Locus::Entity, message, help),
            Mode::Relaxed => {
                findings.warning(
                    "K0101",
                    Locus::Entity,
                    format!("{message}: the topic `{}` is used", topic.name),
                    help,
                );
            }
        }
    }
    if let Some(defect) = names::topic_defect(topic.name) {
        findings.error(
            "K0102",
            Locus::Attribute("topic", "name"),
            defect,
            "use letters, digits, `.`, `_` and `-`: `#[topic(\"orders\")]`",
        );
    } else if let Some(longest) = longest_suffix(entity) {
        let length = topic.name.len() + longest.len();
        if length > names::TOPIC_LENGTH {
            findings.error(
                "K0102",
                Locus::Attribute("topic", "name"),
                format!(
                    "a topic's name has at most {} characters, and with the suffix `{longest}` of its windows this one has {length}",
                    names::TOPIC_LENGTH
                ),
                format!("write a name of at most {} characters", names::TOPIC_LENGTH - longest.len()),
            );
        }
    }
    if topic.partitions == Some(0) {
        findings.error(
            "K0103",
            Locus::Attribute("topic", "partitions"),
            "a topic has at least one partition",
            "write `partitions = 1`",
        );
    }
    if topic.replication == Some(0) {
        findings.error(
            "K0104",
            Locus::Attribute("topic", "replication"),
            "a topic has at least one replica",
            "write `replication = 1`",
        );
    }
    if topic.retention_ms == Some(0) {
        findings.error(
            "K0105",
            Locus::Attribute("topic", "retention"),
            "a retention of zero expires records on arrival",
            "write `retention = \"7d\"` or `retention = \"unlimited\"`",
        );
    }
    let table = entity.kind == Kind::Table && entity.window.is_none();
    if table && topic.retention_ms.is_some() {
        findings.error(
            "K0106",
            Locus::Attribute("topic", "retention"),
            "`retention` on a table would lose the rows of keys that are silent for so long",
            "remove `retention`: a table's topic is compacted",
        );
    }
    if table
        && matches!(
            topic.cleanup,
            Some(Cleanup::Delete | Cleanup::CompactDelete)
        )
    {
        findings.error(
            "K0107",
            Locus::Attribute("topic", "cleanup"),
            "a table's topic cannot delete by age: rows of silent keys would be lost",
            "write `cleanup = \"compact\"`, or leave it out",
        );
    }
    let keyed = columns(entity).any(|(_, column)| column.role == Role::Key);
    if !keyed
        && matches!(
            topic.cleanup,
            Some(Cleanup::Compact | Cleanup::CompactDelete)
        )
    {
        findings.error(
            "K0108",
            Locus::Attribute("topic", "cleanup"),
            "a compacted topic needs a key: the broker refuses records without one",
            "mark a field with `#[key]`, or write `cleanup = \"delete\"`",
        );
    }
}

/// What the longest name of a window's topic has behind the topic's own.
fn longest_suffix(entity: &Entity<'_>) -> Option<String> {
    let window = entity.window.as_ref()?;
    let suffix = |size: &u64| {
        let label = names::window_label(window, *size);
        format!("_{label}{}", names::FINAL_SUFFIX)
    };
    window.sizes_ms.iter().map(suffix).max_by_key(String::len)
}

fn kind(entity: &Entity<'_>, findings: &mut Findings) {
    let keyed = columns(entity).any(|(_, column)| column.role == Role::Key);
    if entity.window.is_some() && entity.kind == Kind::Stream {
        findings.error(
            "K0110",
            Locus::Attribute("window", ""),
            "windows belong to tables: a windowed aggregate keeps one row for each key and window",
            "remove `#[stream]`, or remove this attribute",
        );
        return;
    }
    if keyed {
        return;
    }
    if entity.kind == Kind::Table {
        let locus = match (entity.kind_from, entity.window) {
            (KindFrom::Attribute, _) => Locus::Attribute("table", ""),
            (KindFrom::Inferred, _) => Locus::Attribute("window", ""),
        };
        findings.error(
            "K0111",
            locus,
            format!(
                "a table needs a key, and no field of `{}` is one",
                entity.name
            ),
            "mark the field that identifies a row: `#[key]`",
        );
    } else if entity.kind_from == KindFrom::Inferred {
        findings.warning(
            "K0112",
            Locus::Entity,
            format!(
                "`{}` has no key: it is a stream whose records spread over all partitions",
                entity.name
            ),
            "mark a field with `#[key]`, or write `#[stream]` if this is meant",
        );
    }
}

fn names(entity: &Entity<'_>, findings: &mut Findings) {
    if !names::is_avro_name(entity.name) {
        findings.error(
            "K0120",
            Locus::Entity,
            format!("Avro cannot hold the name `{}`", entity.name),
            "use ASCII letters, digits and `_`, not beginning with a digit",
        );
    } else if !names::is_avro_name(entity.record_name) {
        findings.error("K0121", Locus::Attribute("entity", "name"), format!("Avro cannot hold the record name `{}`", entity.record_name), "use ASCII letters, digits and `_`, not beginning with a digit: `name = \"OrderRecord\"`");
    }
    if !names::is_namespace(entity.namespace) {
        findings.error("K0122", Locus::Attribute("entity", "namespace"), format!("`{}` is no Avro namespace", entity.namespace), "write names of ASCII letters, digits and `_`, joined by dots: `namespace = \"com.shop\"`");
    }
    for (index, column) in columns(entity) {
        if column.role == Role::Ignored {
            continue;
        }
        if !names::is_avro_name(column.name) {
            findings.error(
                "K0123",
                Locus::FieldName(index),
                format!("Avro cannot hold the name `{}`", column.name),
                "use ASCII letters, digits and `_`, not beginning with a digit",
            );
            continue;
        }
        if matches!(column.role, Role::WindowStart | Role::WindowEnd) {
            continue;
        }
        if names::PSEUDO_COLUMNS.contains(&column.sql_name) {
            let help = match column.sql_name {
                "ROWTIME" => {
                    "rename the field; for the event time mark a field with `#[timestamp]`"
                }
                "WINDOWSTART" => {
                    "rename the field; for the window's start mark a field with `#[window_start]`"
                }
                "WINDOWEND" => {
                    "rename the field; for the window's end mark a field with `#[window_end]`"
                }
                _ => "rename the field",
            };
            findings.error(
                "K0124",
                Locus::FieldName(index),
                format!("`{}` is a column ksqlDB keeps for itself", column.sql_name),
                help,
            );
        }
        let twin = columns(entity)
            .take(index)
            .filter(|(_, other)| matches!(other.role, Role::Key | Role::Value))
            .find(|(_, other)| other.sql_name == column.sql_name);
        if let Some((other, first)) = twin {
            findings.error(
                "K0125",
                Locus::FieldName(index),
                format!(
                    "`{}` and `{}` are both the column `{}` in KSQL",
                    first.name, column.name, column.sql_name
                ),
                "rename one of them: columns are upper-cased",
            );
            findings.also(
                Locus::FieldName(other),
                format!("`{}` is the first column `{}`", first.name, column.sql_name),
            );
        }
        let found = column.role == Role::Key || names::is_found_by_ksqldb(column.name);
        if !found && !findings.failed(index) {
            mixed_case(entity, index, column.name, findings);
        }
    }
}

/// Key columns are exempt: their record is written in upper case.
fn mixed_case(entity: &Entity<'_>, index: usize, name: &str, findings: &mut Findings) {
    let at = Locus::FieldName(index);
    let [message, help] = super::mixed_case(name);
    match entity.mode {
        Mode::Strict => findings.error("K0126", at, message, help),
        Mode::Relaxed => findings.warning("K0126", at, message, help),
    }
}

fn keys(entity: &Entity<'_>, findings: &mut Findings) {
    let keys: Vec<(usize, &crate::model::Column<'_>)> = columns(entity)
        .filter(|(_, column)| column.role == Role::Key)
        .collect();
    for (position, (index, column)) in keys.iter().enumerate() {
        let Some(order) = column.key_order else {
            continue;
        };
        if order as usize != position {
            findings.error(
                "K0130",
                Locus::FieldAttribute(*index, "key"),
                format!("`order = {order}` disagrees with the order of definition, in which `{}` is key {position}", column.name),
                format!("write `#[key(order = {position})]`, or move the field"),
            );
        }
    }
    let columns_left = columns(entity)
        .filter(|(_, column)| column.role == Role::Value)
        .count();
    if columns_left == 0 {
        findings.error(
            "K0131",
            Locus::Entity,
            format!("no value column remains in `{}`", entity.name),
            "add a field that is neither `#[key]` nor `#[kafka_ignore]`; a copy of a key is a value of its own",
        );
    }
}
