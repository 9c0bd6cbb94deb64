//! `#[window(...)]`.

use ksql_schema::{GapPolicy, WindowKind};
use syn::{Attribute, Lit};

use super::args::{Arg, Value, arguments};
use super::options::WindowOptions;
use super::read::{Wanted, duration, integer, once, unknown_key, word};
use crate::errors::{At, Errors, Place};

const WINDOW: &str = "#[window(tumbling, minutes = [1, 5])]";
const KEYS: &[&str] = &[
    "tumbling",
    "hopping",
    "session",
    "millis",
    "seconds",
    "minutes",
    "hours",
    "days",
    "advance",
    "gap",
    "grace",
    "retention",
    "gaps",
    "gap_horizon",
];
const UNITS: &[(&str, u64)] = &[
    ("millis", 1),
    ("seconds", 1000),
    ("minutes", 60_000),
    ("hours", 3_600_000),
    ("days", 86_400_000),
];

/// Reads the attribute; what is missing is judged by `finish` and the rules.
pub(crate) fn parse(attr: &Attribute, errors: &mut Errors) -> WindowOptions {
    let mut window = WindowOptions {
        place: Place::of(&attr.meta),
        kind: None,
        sizes_ms: Vec::new(),
        sizes: None,
        session_gap: None,
        advance_ms: None,
        grace_ms: None,
        retention_ms: None,
        gaps: None,
        gap_horizon: None,
    };
    let before = errors.len();
    let Some(arguments) = arguments(attr, WINDOW, errors) else {
        return window;
    };
    for argument in &arguments {
        match argument {
            Arg::Alone(value) => kind(value, &mut window, errors),
            Arg::Keyed(key, value) => keyed(key, value, &mut window, errors),
        }
    }
    if errors.len() == before {
        finish(&mut window, errors);
    }
    window
}

fn kind(value: &At<Value>, window: &mut WindowOptions, errors: &mut Errors) {
    let found = match value.value.name().as_deref() {
        Some("tumbling") => WindowKind::Tumbling,
        Some("hopping") => WindowKind::Hopping,
        Some("session") => WindowKind::Session,
        Some(word) if KEYS.contains(&word) => {
            errors.push(
                value.place,
                format!("`{word}` has no value"),
                format!("write `{word} = ...`, as in `{WINDOW}`"),
            );
            return;
        }
        Some(word) => {
            let key = At {
                value: word.to_owned(),
                place: value.place,
            };
            unknown_key(&key, "window", KEYS, errors);
            return;
        }
        None => {
            errors.push(
                value.place,
                format!(
                    "a window is `tumbling`, `hopping` or `session`, not {}",
                    value.value.describe()
                ),
                format!("write `{WINDOW}`"),
            );
            return;
        }
    };
    let found = At {
        value: found,
        place: value.place,
    };
    once(
        &mut window.kind,
        "the kind of window",
        value.place,
        Some(found),
        errors,
    );
}

fn keyed(key: &At<String>, value: &At<Value>, window: &mut WindowOptions, errors: &mut Errors) {
    let wanted = |example| Wanted {
        key: &key.value,
        example,
    };
    let place = key.place.to(value.place);
    if let Some((unit, millis)) = UNITS.iter().find(|(unit, _)| *unit == key.value) {
        sizes(unit, *millis, key, value, window, errors);
        return;
    }
    match key.value.as_str() {
        "advance" => {
            let read = duration(
                value,
                wanted("#[window(hopping, minutes = [60], advance = \"15min\")]"),
                errors,
            );
            once(&mut window.advance_ms, &key.value, place, read, errors);
        }
        "gap" => {
            let read = duration(value, wanted("#[window(session, gap = \"30min\")]"), errors);
            once(&mut window.session_gap, &key.value, place, read, errors);
        }
        "grace" => {
            let read = duration(
                value,
                wanted("#[window(tumbling, minutes = [5], grace = \"10s\")]"),
                errors,
            );
            once(&mut window.grace_ms, &key.value, place, read, errors);
        }
        "retention" => {
            let read = duration(
                value,
                wanted("#[window(tumbling, minutes = [5], retention = \"7d\")]"),
                errors,
            );
            once(&mut window.retention_ms, &key.value, place, read, errors);
        }
        "gaps" => {
            let words = [
                ("none", GapPolicy::None),
                ("empty", GapPolicy::Empty),
                ("carry_forward", GapPolicy::CarryForward),
            ];
            let read = word(
                value,
                &words,
                wanted("#[window(tumbling, minutes = [5], gaps = \"none\")]"),
                errors,
            );
            once(&mut window.gaps, &key.value, place, read, errors);
        }
        "gap_horizon" => {
            let wanted =
                wanted("#[window(tumbling, minutes = [5], gaps = \"empty\", gap_horizon = 60)]");
            let read = integer(value, wanted, errors);
            once(&mut window.gap_horizon, &key.value, place, read, errors);
        }
        "size" => errors.push(
            key.place,
            "`#[window]` has no key `size`",
            format!("say the unit: `{WINDOW}`"),
        ),
        "tumbling" | "hopping" | "session" => {
            errors.push(
                place,
                format!("`{}` takes no value", key.value),
                format!("write `{WINDOW}`"),
            );
        }
        _ => unknown_key(key, "window", KEYS, errors),
    }
}

fn sizes(
    unit: &'static str,
    millis: u64,
    key: &At<String>,
    value: &At<Value>,
    window: &mut WindowOptions,
    errors: &mut Errors,
) {
    let place = key.place.to(value.place);
    if let Some(first) = &window.sizes {
        let message = if first.value == unit {
            format!("`{unit}` is specified more than once")
        } else {
            format!("window sizes are given in `{}` already", first.value)
        };
        errors.push(place, message, "give all sizes in one list of one unit");
        return;
    }
    window.sizes = Some(At {
        value: unit.to_owned(),
        place: value.place,
    });
    let listed = match &value.value {
        Value::List(items) if items.is_empty() => {
            errors.push(
                value.place,
                format!("`{unit}` is an empty list"),
                format!("write `{WINDOW}`"),
            );
            return;
        }
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(value),
    };
    for item in listed {
        if let Value::Literal(Lit::Str(_)) = &item.value {
            errors.push(
                item.place,
                format!("`{unit}` takes integers, not a string"),
                format!("write `{WINDOW}`"),
            );
            continue;
        }
        let Some(number) = integer::<u64>(
            item,
            Wanted {
                key: unit,
                example: WINDOW,
            },
            errors,
        ) else {
            continue;
        };
        match number.value.checked_mul(millis) {
            Some(size) => window.sizes_ms.push(At {
                value: size,
                place: item.place,
            }),
            None => errors.push(
                item.place,
                format!("`{unit}` is out of range"),
                format!("write `{WINDOW}`"),
            ),
        }
    }
}

/// What the model cannot say, because it holds one list of sizes: a size for a session, a gap for the others.
fn finish(window: &mut WindowOptions, errors: &mut Errors) {
    let Some(kind) = &window.kind else {
        errors.push(
            window.place,
            "the kind of window is missing",
            format!("write `{WINDOW}`, `hopping` or `session`"),
        );
        return;
    };
    match kind.value {
        WindowKind::Session => {
            if let Some(sizes) = &window.sizes {
                errors.push(
                    sizes.place,
                    "a session window has no size: it ends after a gap of inactivity",
                    "write `#[window(session, gap = \"30min\")]`",
                );
            }
            match &window.session_gap {
                Some(gap) => window.sizes_ms = vec![gap.clone()],
                None if window.sizes.is_some() => {}
                None => errors.push(
                    kind.place,
                    "a session window needs a gap",
                    "write `#[window(session, gap = \"30min\")]`",
                ),
            }
        }
        WindowKind::Tumbling | WindowKind::Hopping => {
            if let Some(gap) = &window.session_gap {
                errors.push(
                    gap.place,
                    "only a session window has a `gap`",
                    format!("write sizes: `{WINDOW}`"),
                );
            } else if window.sizes.is_none() {
                errors.push(
                    kind.place,
                    "the window has no size",
                    format!("write `{WINDOW}`"),
                );
            }
        }
    }
}
