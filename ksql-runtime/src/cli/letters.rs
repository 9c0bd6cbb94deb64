//! `dlq`: dead letters for people.
//!
//! Invariant: letters are replayed or purged only where they are named, or `--all` says so.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::command::{Dlq, Letters};
use super::exit::{Exit, Failure, Outcome};
use super::literal::moment_or_ago;
use super::output::{Output, Rows, busy, cell, progress, time};
use super::reading::reached;
use crate::context::ContextBuilder;
use crate::context::reach::Reached;
use crate::dlq::{
    DeadLetter, DeadLetterError, LetterFilter, LetterId, OwnedHeader, ReplayOptions, Shown,
};
use crate::error::Error;

pub(super) async fn run(builder: &ContextBuilder, what: Dlq, out: &mut Output) -> Outcome {
    // What is asked wrongly is said before anything is opened.
    let named = match &what {
        Dlq::List { .. } => Vec::new(),
        Dlq::Show { letter } => ids(std::slice::from_ref(letter))?,
        Dlq::Replay { letters, all, .. } | Dlq::Purge { letters, all, .. } => {
            if letters.is_empty() != *all {
                return Err(Failure::usage(
                    "name the letters as `dlq list` prints them, like `0/17`, or say `--all`",
                ));
            }
            ids(letters)?
        }
    };
    let reached = reached(builder).await?;
    let done = act(&reached, what, named, out).await;
    reached.close().await?;
    done
}

fn ids(texts: &[String]) -> Outcome<Vec<LetterId>> {
    let ids = texts.iter().map(|text| {
        let parts = text.split_once(['/', ':']);
        let id = parts.and_then(|(partition, offset)| {
            Some(LetterId {
                partition: partition.parse().ok()?,
                offset: offset.parse().ok()?,
            })
        });
        id.ok_or_else(|| {
            Failure::usage(format!(
                "`{text}` is no letter: they are named by partition and offset, like `0/17`"
            ))
        })
    });
    ids.collect()
}

fn moment(text: &str, now_ms: i64) -> Outcome<DateTime<Utc>> {
    let moment = moment_or_ago(text, now_ms).and_then(DateTime::from_timestamp_millis);
    moment.ok_or_else(|| {
        Failure::usage(format!(
            "`{text}` is no time: write one like `2024-05-08T11:30:00Z`, or how long ago, like `24h`"
        ))
    })
}

fn filter(which: &Letters, now_ms: i64) -> Outcome<LetterFilter> {
    let mut filter = LetterFilter::default();
    if let Some(entity) = &which.entity {
        filter = filter.entity(entity);
    }
    if let Some(class) = &which.class {
        filter = filter.class(class);
    }
    if let Some(topic) = &which.topic {
        filter = filter.topic(topic);
    }
    if let Some(text) = &which.since {
        filter = filter.since(moment(text, now_ms)?);
    }
    if let Some(text) = &which.until {
        filter = filter.until(moment(text, now_ms)?);
    }
    if which.not_replayed {
        filter = filter.not_replayed();
    }
    Ok(filter)
}

async fn act(reached: &Reached, what: Dlq, named: Vec<LetterId>, out: &mut Output) -> Outcome {
    let letters = reached.letters();
    match what {
        Dlq::List { which, limit } => {
            let filter = filter(&which, reached.now_ms)?.limit(limit);
            let found = busy(out.json, letters.topic(), letters.list(&filter)).await?;
            list(&found, out)
        }
        Dlq::Show { .. } => show(reached, named, out).await,
        Dlq::Replay { which, force, .. } => {
            let chosen = chosen(reached, named, &which, out.json).await?;
            let mut options = ReplayOptions::default();
            if force {
                options = options.force();
            }
            let bar = progress(out.json, chosen.len() as u64, letters.topic());
            bar.tick();
            let told = || bar.inc(1);
            let report = letters.replay_telling(chosen, &options, told).await;
            bar.finish_and_clear();
            let report = report?;
            let refused = !report.refused.is_empty();
            if out.json {
                let replayed = report.replayed.iter().map(|(id, to)| {
                    json!({"letter": id.to_string(), "topic": to.topic, "partition": to.partition, "offset": to.offset})
                });
                let replayed: Vec<Value> = replayed.collect();
                let refused = report.refused.iter().map(
                    |(id, error)| json!({"letter": id.to_string(), "reason": error.to_string()}),
                );
                let refused: Vec<Value> = refused.collect();
                out.document(&json!({"replayed": replayed, "refused": refused}))?;
            } else {
                for (id, to) in &report.replayed {
                    out.line(format!(
                        "{id} replayed to partition {}, offset {} of `{}`",
                        to.partition, to.offset, to.topic
                    ))?;
                }
                for (id, error) in &report.refused {
                    out.line(format!("{id} refused: {error}"))?;
                }
                out.line(format!(
                    "{} replayed, {} refused",
                    report.replayed.len(),
                    report.refused.len()
                ))?;
            }
            Ok(match refused {
                true => Exit::Wrong,
                false => Exit::Done,
            })
        }
        Dlq::Purge { which, .. } => {
            let chosen = chosen(reached, named, &which, out.json).await?;
            let bar = progress(out.json, chosen.len() as u64, letters.topic());
            bar.tick();
            let told = |some: usize| bar.inc(some as u64);
            let purged = letters.purge_telling(chosen, told).await;
            bar.finish_and_clear();
            let purged = purged?;
            let unknown: Vec<String> = purged.unknown.iter().map(ToString::to_string).collect();
            match out.json {
                true => out.document(&json!({
                    "purged": purged.letters,
                    "held": purged.held,
                    "unknown": unknown,
                }))?,
                false => {
                    for id in &unknown {
                        out.line(format!("{id} is not there"))?;
                    }
                    out.line(format!(
                        "{} purged; {} of them have bytes in the topic still, behind letters that stay",
                        purged.letters, purged.held
                    ))?;
                }
            }
            Ok(match unknown.is_empty() {
                true => Exit::Done,
                false => Exit::Nothing,
            })
        }
    }
}

/// Those that are named, or all that are selected.
async fn chosen(
    reached: &Reached,
    named: Vec<LetterId>,
    which: &Letters,
    json: bool,
) -> Outcome<Vec<LetterId>> {
    if !named.is_empty() {
        return Ok(named);
    }
    let filter = filter(which, reached.now_ms)?.by_offset().limit(usize::MAX);
    let topic = reached.letters();
    let letters = busy(json, topic.topic(), topic.list(&filter)).await?;
    Ok(letters.iter().map(LetterId::from).collect())
}

fn list(letters: &[DeadLetter], out: &mut Output) -> Outcome {
    if out.json {
        out.document(&letters.iter().map(DeadLetter::to_json).collect())?;
        return Ok(Exit::Done);
    }
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut rows = Rows::new([
        "letter", "failed", "entity", "code", "from", "replayed", "message",
    ]);
    for letter in letters {
        let from = letter
            .topic
            .as_ref()
            .map(|topic| match (letter.partition, letter.offset) {
                (Some(partition), Some(offset)) => format!("{topic} {partition}:{offset}"),
                _ => topic.clone(),
            });
        let replayed = letter.replayed.as_ref();
        rows.push([
            letter.id.to_string(),
            time(letter.failed_at),
            text(&letter.entity),
            text(&letter.class),
            from.unwrap_or_default(),
            replayed.map_or_else(String::new, |to| format!("{}:{}", to.partition, to.offset)),
            text(&letter.message),
        ]);
    }
    if !rows.is_empty() {
        out.table(&rows)?;
    }
    out.line(format!("{} letters", letters.len()))?;
    Ok(Exit::Done)
}

async fn show(reached: &Reached, named: Vec<LetterId>, out: &mut Output) -> Outcome {
    let Some(id) = named.into_iter().next() else {
        return Ok(Exit::Done);
    };
    let letters = reached.letters();
    let shown = match busy(out.json, letters.topic(), letters.show(id)).await {
        Ok(shown) => shown,
        Err(Error::DeadLetter(error)) if matches!(error, DeadLetterError::NotThere { .. }) => {
            return Err(Failure {
                exit: Exit::Nothing,
                text: error.to_string(),
            });
        }
        Err(error) => return Err(error.into()),
    };
    let json = shown.to_json();
    if out.json {
        out.document(&json)?;
        return Ok(Exit::Done);
    }
    let mut rows = Rows::new(["", "letter"]);
    if let Some(letter) = json.get("letter").and_then(Value::as_object) {
        // In the order in which a person asks.
        let asked = [
            "id",
            "entity",
            "class",
            "message",
            "stage",
            "attempts",
            "failed_at",
            "group",
            "source",
            "topic",
            "partition",
            "offset",
            "timestamp",
            "timestamp_type",
            "replays",
            "replayed",
            "defects",
        ];
        for name in asked {
            match letter.get(name) {
                None | Some(Value::Null) => {}
                Some(Value::Array(none)) if none.is_empty() => {}
                Some(Value::Number(millis)) if name == "failed_at" || name == "timestamp" => {
                    rows.push([name, &millis.as_i64().map_or_else(String::new, time)]);
                }
                Some(value) => rows.push([name, &cell(value)]),
            }
        }
        for (part, meaning) in [("key", &shown.key), ("value", &shown.value)] {
            rows.push([part, &meant(meaning)]);
            let bytes = letter.get(part).filter(|bytes| !bytes.is_null());
            let bytes = bytes.map(|bytes| format!("{} (base64)", cell(bytes)));
            rows.push(["", bytes.as_deref().unwrap_or("no bytes")]);
        }
    }
    let letter = &shown.letter;
    for header in &letter.headers {
        rows.push(["header", &of_header(header)]);
    }
    if letter.headers_left_out > 0 {
        let left_out = letter.headers_left_out.to_string();
        rows.push(["headers left out", &left_out]);
    }
    for header in &letter.unknown {
        rows.push(["unknown header", &of_header(header)]);
    }
    out.table(&rows)?;
    Ok(Exit::Done)
}

/// A header for people: text as it is, all else in hexadecimal. What would move the cursor is no text.
fn of_header((name, value): &OwnedHeader) -> String {
    let Some(value) = value else {
        return format!("{name} without a value");
    };
    match std::str::from_utf8(value) {
        Ok(text) if !text.contains(char::is_control) => format!("{name} = {text}"),
        _ => {
            let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{name} = {hex} (hex)")
        }
    }
}

fn meant(shown: &Shown) -> String {
    match shown {
        Shown::Absent => "none".to_owned(),
        Shown::Avro {
            schema_id, json, ..
        } => format!("{json:#}\nby schema {schema_id}"),
        Shown::Primitive(value) => cell(value),
        Shown::Text(text) => format!("text: {text}"),
        Shown::Unreadable { reason } => format!("unreadable: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_shown_as_text_where_it_is_text_and_in_hexadecimal_where_not() {
        let shown = |value: Option<&[u8]>| of_header(&("h".to_owned(), value.map(<[u8]>::to_vec)));
        assert_eq!(shown(Some(b"blue")), "h = blue");
        assert_eq!(shown(Some("grün".as_bytes())), "h = grün");
        assert_eq!(shown(Some(b"")), "h = ");
        assert_eq!(shown(Some(&[0, 255])), "h = 00ff (hex)");
        assert_eq!(shown(Some(b"\x1b[2J")), "h = 1b5b324a (hex)");
        assert_eq!(shown(None), "h without a value");
    }
}
