//! Rules about windows, their bounds and gaps.

use super::types::described;
use super::{Findings, columns, consts};
use crate::finding::Locus;
use crate::model::{Column, Entity, Gap, GapPolicy, Kind, Role, Window, WindowKind};
use crate::names::window_label;
use crate::types::Type;

pub(super) fn check(entity: &Entity<'_>, findings: &mut Findings) {
    bounds(entity, findings);
    match &entity.window {
        Some(window) if entity.kind == Kind::Table => {
            sizes(window, findings);
            kept(entity, window, findings);
            gaps(entity, window, findings);
        }
        Some(_) => {}
        None => {
            for (index, column) in columns(entity).filter(|(_, column)| column.gap.is_some()) {
                findings.error("K0410", Locus::FieldAttribute(index, "gap"), format!("`#[gap]` on `{}` means something on a windowed table only", column.name), "remove this attribute, or add `#[window(tumbling, minutes = [1], gaps = \"carry_forward\", gap_horizon = 60)]`");
            }
        }
    }
}

fn sizes(window: &Window<'_>, findings: &mut Findings) {
    let at = |key| Locus::Attribute("window", key);
    let session = window.kind == WindowKind::Session;
    let word = if session { "gap" } else { "size" };
    let place = if session { at("gap") } else { at("sizes") };
    for (position, size) in window.sizes_ms.iter().enumerate() {
        if *size == 0 {
            findings.error(
                "K0401",
                place,
                format!("a window's {word} cannot be zero"),
                "write at least one millisecond, such as `minutes = [5]`",
            );
            return;
        }
        if window
            .sizes_ms
            .get(..position)
            .is_some_and(|before| before.contains(size))
        {
            findings.error(
                "K0402",
                place,
                format!(
                    "two windows would share the label `{}`, their topics and stores with it",
                    window_label(window, *size)
                ),
                "name each size once",
            );
            return;
        }
    }
    match (window.kind, window.advance_ms) {
        (WindowKind::Hopping, None) => findings.error(
            "K0403",
            at("kind"),
            "a hopping window needs an `advance`",
            "write `#[window(hopping, minutes = [60], advance = \"15min\")]`",
        ),
        (WindowKind::Hopping, Some(0)) => findings.error(
            "K0404",
            at("advance"),
            "`advance` cannot be zero: windows would never move on",
            "write `advance = \"15min\"`",
        ),
        (WindowKind::Hopping, Some(advance)) => {
            if let Some(size) = window.sizes_ms.iter().find(|size| advance > **size) {
                findings.error("K0405", at("advance"), format!("`advance` is longer than the window `{}`: events between windows would be in none", window_label(window, *size)), "write an `advance` of at most the size");
            }
        }
        (_, Some(_)) => findings.error(
            "K0406",
            at("advance"),
            "`advance` belongs to hopping windows",
            "remove `advance`, or write `#[window(hopping, ..)]`",
        ),
        _ => {}
    }
    if let Some(retention) = window.retention_ms {
        let longest = window.sizes_ms.iter().copied().max().unwrap_or(0);
        let least = longest.saturating_add(window.effective_grace_ms());
        if retention < least {
            findings.error("K0407", at("retention"), format!("windows of {longest} ms with {} ms of grace need a retention of at least {least} ms, not {retention} ms", window.effective_grace_ms()), "write a longer `retention`, or leave it out: the default is 7 days or more");
        }
    }
}

/// What the topic keeps must be what the windows keep.
fn kept(entity: &Entity<'_>, window: &Window<'_>, findings: &mut Findings) {
    let longest = window.sizes_ms.iter().copied().max().unwrap_or(0);
    let needed = longest
        .checked_add(window.effective_grace_ms())
        .and_then(|millis| i64::try_from(millis).ok());
    if needed.is_none() {
        let place = if window.kind == WindowKind::Session {
            "gap"
        } else {
            "sizes"
        };
        findings.error(
            "K0408",
            Locus::Attribute("window", place),
            format!("a window of {longest} ms and its grace are longer than any clock counts"),
            "write a shorter window",
        );
        return;
    }
    let windows = window.effective_retention_ms(longest);
    if entity.topic.retention_ms.is_some_and(i64::is_negative) {
        findings.error(
            "K0423",
            Locus::Attribute("topic", "retention"),
            format!(
                "the topic keeps records for ever, and the windows in it are kept for {windows} ms"
            ),
            "leave `retention` out of `#[topic]`, or write a longer one in `#[window]`",
        );
    }
    let topic = entity
        .topic
        .retention_ms
        .and_then(|millis| u64::try_from(millis).ok());
    if let Some(topic) = topic.filter(|topic| *topic > 0 && *topic < windows) {
        findings.error(
            "K0409",
            Locus::Attribute("topic", "retention"),
            format!("the topic keeps {topic} ms, and the windows in it are kept for {windows} ms"),
            "leave `retention` out of `#[topic]`, or write a shorter one in `#[window]` too",
        );
    }
}

fn bounds(entity: &Entity<'_>, findings: &mut Findings) {
    for (role, attribute) in [
        (Role::WindowStart, "window_start"),
        (Role::WindowEnd, "window_end"),
    ] {
        let mut first: Option<&Column<'_>> = None;
        for (index, column) in columns(entity).filter(|(_, column)| column.role == role) {
            let locus = Locus::FieldAttribute(index, attribute);
            if entity.window.is_none() {
                findings.error(
                    "K0420",
                    locus,
                    format!(
                        "`{}` would be filled from the windowed key, and `{}` has no window",
                        column.name, entity.name
                    ),
                    format!("remove `#[{attribute}]`, or add `#[window(tumbling, minutes = [1])]`"),
                );
            } else if let Some(first) = first {
                findings.error(
                    "K0421",
                    locus,
                    format!(
                        "`{}` and `{}` are both marked `#[{attribute}]`",
                        first.name, column.name
                    ),
                    "keep it on one of them",
                );
            } else if column.nullable
                || !matches!(column.ty, Type::DateTime | Type::Int64 | Type::Unknown)
            {
                findings.error("K0422", locus, format!("`#[{attribute}]` needs `DateTime<Utc>` or an `i64` of milliseconds, and `{}` is {}", column.name, optional(column)), "write the type `DateTime<Utc>`");
            }
            first = first.or(Some(column));
        }
    }
}

fn gaps(entity: &Entity<'_>, window: &Window<'_>, findings: &mut Findings) {
    let at = |key| Locus::Attribute("window", key);
    if window.gaps != GapPolicy::None {
        if window.kind == WindowKind::Session {
            findings.error(
                "K0411",
                at("gaps"),
                "a session has no gaps to fill: it exists only where there are events",
                "write `gaps = \"none\"`",
            );
        } else if window.gap_horizon.is_none_or(|horizon| horizon == 0) {
            findings.error(
                "K0412",
                at("gaps"),
                "gap rows need a bound: for how many windows a silent key gets them",
                "add `gap_horizon = 60`",
            );
        }
    } else if window.gap_horizon.is_some() {
        findings.error(
            "K0413",
            at("gap_horizon"),
            "`gap_horizon` without gap rows means nothing",
            "remove it, or write `gaps = \"carry_forward\"`",
        );
    }
    if window.gaps == GapPolicy::Empty {
        for (index, column) in columns(entity).filter(|(_, column)| column.role == Role::Value) {
            if !column.nullable && !consts::has_zero(&column.ty) {
                findings.error(
                    "K0414",
                    Locus::FieldType(index),
                    format!(
                        "an empty window has no value for `{}`, which is {}",
                        column.name,
                        described(&column.ty)
                    ),
                    "make it an `Option`, or write `gaps = \"carry_forward\"`",
                );
            }
        }
    }
    for (index, column) in columns(entity) {
        let Some(gap) = column.gap else { continue };
        let locus = Locus::FieldAttribute(index, "gap");
        if window.gaps != GapPolicy::CarryForward {
            findings.error(
                "K0415",
                locus,
                format!(
                    "`#[gap]` on `{}` says what a carried row holds, and nothing is carried",
                    column.name
                ),
                "write `gaps = \"carry_forward\"` in `#[window]`, or remove this attribute",
            );
            continue;
        }
        if column.role != Role::Value {
            findings.error(
                "K0416",
                locus,
                format!(
                    "`{}` is no value column: a gap row's key says it",
                    column.name
                ),
                "remove this attribute",
            );
            continue;
        }
        match gap {
            Gap::Zero if consts::has_zero(&column.ty) => {}
            Gap::Zero => findings.error(
                "K0417",
                locus,
                format!(
                    "`#[gap(zero)]` needs a number, and `{}` is {}",
                    column.name,
                    described(&column.ty)
                ),
                "write `#[gap(from = field)]`, or remove this attribute",
            ),
            Gap::From(source) => match columns(entity)
                .find(|(_, other)| other.name == source && other.role == Role::Value)
            {
                None => findings.error(
                    "K0418",
                    locus,
                    format!("`{source}` is no value column of `{}`", entity.name),
                    "name a value column: `#[gap(from = close)]`",
                ),
                Some((_, other))
                    if !consts::same(&column.ty, &other.ty)
                        || (other.nullable && !column.nullable && column.ty != Type::Unknown) =>
                {
                    findings.error(
                        "K0419",
                        locus,
                        format!(
                            "`{}` is {}, and `{source}` is {}",
                            column.name,
                            optional(column),
                            optional(other)
                        ),
                        "name a column of the same type",
                    );
                }
                Some(_) => {}
            },
        }
    }
}

fn optional(column: &Column<'_>) -> String {
    let option = if column.nullable {
        "an `Option` of "
    } else {
        ""
    };
    format!("{option}{}", described(&column.ty))
}
