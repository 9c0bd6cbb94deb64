//! The page about a context: what a person looks at first. Pure; every text is escaped by maud.
//!
//! It needs no script: without one the browser loads it anew, with one only its parts are replaced, so that what was unfolded
//! stays so.

use ksql_schema::query::Explanation;
use maud::{DOCTYPE, Markup, html};

use super::picture::picture;
use super::{Binding, Overview};

/// The look of it.
pub(super) const STYLE: &str = include_str!("status.css");
/// What keeps it fresh.
pub(super) const SCRIPT: &str = include_str!("status.js");

/// The whole page.
pub(super) fn render(
    overview: &Overview,
    explanations: &[(&'static str, Explanation<'static>)],
) -> String {
    let title = if overview.ready { "ready" } else { "not ready" };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (overview.application) " – " (title) }
                link rel="stylesheet" href="/status.css";
                noscript { meta http-equiv="refresh" content="5"; }
                script src="/status.js" defer {}
            }
            body {
                main id="status" {
                    (head(overview))
                    (numbers(overview))
                    (tables(overview))
                    (queries(overview, explanations))
                    (consumers(overview))
                    (letters(overview))
                    (stores(overview))
                    (errors(overview))
                }
                footer {
                    "The same for machines: "
                    a href="/status.json" { "status.json" } " "
                    a href="/ready" { "ready" } " "
                    a href="/health" { "health" } " "
                    a href="/metrics" { "metrics" }
                    span id="fresh" role="status" {}
                }
            }
        }
    }
    .into_string()
}

fn head(overview: &Overview) -> Markup {
    let failed = overview.failed().next().is_some() || overview.failed_consumers().next().is_some();
    let (class, word) = match (overview.stopping, overview.ready) {
        (true, _) => ("waits", "SHUTTING DOWN"),
        (false, _) if failed => ("bad", "FAILED"),
        (false, true) => ("good", "READY"),
        (false, false) => ("waits", "NOT READY"),
    };
    html! {
        header {
            h1 { (overview.application) }
            span id="readiness" class={ "badge " (class) } { (word) }
            p {
                "up for " (duration(overview.uptime_seconds)) ", "
                @match overview.log { "kafka" => { "topics on Kafka" } _ => { "topics in this process" } }
            }
        }
        @let reasons = overview.reasons();
        @if !reasons.is_empty() {
            ul class="reasons" { @for reason in &reasons { li { (reason) } } }
        }
    }
}

fn numbers(overview: &Overview) -> Markup {
    let running = overview
        .bindings
        .iter()
        .filter(|b| b.state == "RUNNING")
        .count();
    let lag: i64 = overview.bindings.iter().map(|b| b.lag).sum();
    let read: u64 = overview.bindings.iter().map(|b| b.read).sum();
    let disk: u64 = overview
        .stores
        .iter()
        .map(|s| s.disk_bytes + s.memory_bytes)
        .sum();
    let letters = overview
        .dead_letters
        .iter()
        .map(|kind| kind.count)
        .sum::<u64>();
    html! {
        dl class="numbers" {
            div { dt { "running" } dd { (running) " of " (overview.bindings.len()) } }
            div { dt { "records to read" } dd { (number(lag.unsigned_abs())) } }
            div { dt { "records read" } dd { (number(read)) } }
            div { dt { "state" } dd { (bytes(disk)) } }
            div { dt { "dead letters" } dd { (number(letters)) } }
            div { dt { "errors" } dd { (overview.errors.len()) } }
        }
    }
}

fn tables(overview: &Overview) -> Markup {
    let tables: Vec<&Binding> = overview
        .bindings
        .iter()
        .filter(|b| b.kind == "table")
        .collect();
    html! {
        section {
            h2 { "Tables" }
            @if tables.is_empty() { p class="none" { "This context keeps no table." } }
            @else {
                div class="wide" { table {
                    thead { tr {
                        th { "entity" } th { "topic" } th { "state" } th { "progress" } th class="n" { "lag" }
                        th class="n" { "read" } th class="n" { "restored" } th class="n" { "restored per second" }
                    } }
                    tbody { @for table in tables { (row(table)) } }
                } }
            }
        }
    }
}

fn row(binding: &Binding) -> Markup {
    html! {
        tr {
            td { b { (binding.name) } }
            td { code { (binding.topic) } }
            td { (state(&binding.state)) }
            td { (progress(binding)) }
            td class="n" { (number(binding.lag.unsigned_abs())) }
            td class="n" { (number(binding.read)) }
            td class="n" { (number(binding.restored)) }
            td class="n" { @match binding.restore_rate() { Some(rate) => (number(rate as u64)), None => "–" } }
        }
        @if let Some(error) = &binding.error {
            tr class="error" { td colspan="8" { (error) } }
        }
    }
}

/// How much of what a binding reads it has read.
fn progress(binding: &Binding) -> Markup {
    let all: i64 = binding
        .partitions
        .iter()
        .map(|p| p.end.max(p.position))
        .sum();
    let done = all.saturating_sub(binding.lag);
    let percent = if all > 0 {
        done.saturating_mul(100) / all
    } else {
        100
    };
    html! {
        progress max=(all.max(1)) value=(if all > 0 { done } else { 1 }) aria-label={ (percent) " percent read" } {}
        " " span class="percent" { (percent) " %" }
    }
}

fn queries(overview: &Overview, explanations: &[(&'static str, Explanation<'static>)]) -> Markup {
    let queries: Vec<&Binding> = overview
        .bindings
        .iter()
        .filter(|b| b.kind == "query")
        .collect();
    html! {
        @if !queries.is_empty() { section {
            h2 { "Queries" }
            @for query in queries {
                @let explanation = explanations.iter().find(|(name, _)| *name == query.name);
                details id={ "query-" (query.name) } {
                    summary {
                        b { (query.name) } " " (state(&query.state)) " "
                        span class="quiet" {
                            code { (reads(query).join(", ")) } " → " code { (query.results.join(", ")) }
                        }
                        span class="facts" {
                            (number(query.read)) " read, lag " (number(query.lag.unsigned_abs()))
                            @if let Some(late @ 1..) = query.late { ", " (number(late)) " late windows" }
                            @if let Some(keyless @ 1..) = query.keyless { ", " (number(keyless)) " without a key" }
                        }
                    }
                    @if let Some(error) = &query.error { p class="error" { (error) } }
                    @if let Some((_, explanation)) = explanation {
                        div class="wide" { (picture(explanation, &reads(query), &query.results)) }
                        @for statement in explanation.statements() { pre { (statement) } }
                    }
                }
            }
        } }
    }
}

/// The topics a binding reads, each once.
fn reads(binding: &Binding) -> Vec<String> {
    let mut topics = vec![binding.topic.clone()];
    for partition in &binding.partitions {
        if !topics.contains(&partition.topic) {
            topics.push(partition.topic.clone());
        }
    }
    topics
}

fn consumers(overview: &Overview) -> Markup {
    html! {
        @if !overview.consumers.is_empty() { section {
            h2 { "Consumers" }
            div class="wide" { table {
                thead { tr { th { "entity" } th { "group" } th { "state" } th class="n" { "lag" } th { "records" } } }
                tbody { @for consumer in &overview.consumers {
                    tr {
                        td { b { (consumer.entity) } }
                        td { code { (consumer.group) } }
                        td { (state(&consumer.state)) }
                        td class="n" { (number(consumer.lag.unsigned_abs())) }
                        td { @for (name, count) in consumer.counts.iter().filter(|(_, count)| *count > 0) {
                            span class="fact" { (number(*count)) " " (name.replace('_', " ")) } " "
                        } }
                    }
                    @if let Some(error) = &consumer.error { tr class="error" { td colspan="5" { (error) } } }
                } }
            } }
        } }
    }
}

fn letters(overview: &Overview) -> Markup {
    html! {
        section id="dead-letters" {
            h2 { "Dead letters" }
            @if overview.dead_letters.is_empty() { p class="none" { "None since the start." } }
            @else {
                div class="wide" { table {
                    thead { tr { th { "entity" } th { "stage" } th { "class" } th class="n" { "since the start" } } }
                    tbody { @for kind in &overview.dead_letters {
                        tr {
                            td { b { (kind.entity) } }
                            td { (kind.stage) }
                            td { code { (kind.class) } }
                            td class="n" { (number(kind.count)) }
                        }
                    } }
                } }
            }
            p class="quiet" {
                "Topic " code { (overview.dead_letter_topic) }
                @match overview.dead_letter_records {
                    Some(records) => {
                        " holds " b { (number(records)) } " records: letters, also from before the start, and notes of those \
                         replayed or purged; "
                    }
                    None => { ", not read for this page: only those that this process wrote are counted; " }
                }
                code { "dlq list" } " shows all."
            }
        }
    }
}

fn stores(overview: &Overview) -> Markup {
    html! {
        @if !overview.stores.is_empty() { section {
            h2 { "Stores" }
            div class="wide" { table {
                thead { tr { th { "store" } th class="n" { "rows, about" } th class="n" { "on disk" } th class="n" { "in memory" } } }
                tbody { @for store in &overview.stores {
                    tr {
                        td { code { (store.store) } }
                        td class="n" { (number(store.rows)) }
                        td class="n" { (bytes(store.disk_bytes)) }
                        td class="n" { (bytes(store.memory_bytes)) }
                    }
                } }
            } }
        } }
    }
}

fn errors(overview: &Overview) -> Markup {
    html! {
        section {
            h2 { "Recent errors" }
            @if overview.errors.is_empty() { p class="none" { "None since the start." } }
            @else {
                ol class="errors" { @for error in &overview.errors {
                    li {
                        b { (error.name) } " " (state(&error.state)) " "
                        span class="quiet" { (duration(error.age_seconds)) " ago, topic " code { (error.topic) } }
                        p { (error.error) }
                    }
                } }
            }
        }
    }
}

fn state(state: &str) -> Markup {
    let class = match state {
        "RUNNING" => "good",
        "ERROR" | "FAILED" => "bad",
        "CREATED" | "NOT_RUNNING" | "ENDED" => "still",
        _ => "waits",
    };
    html! { span class={ "badge " (class) } { (state) } }
}

/// With thin spaces between groups of three digits.
fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

fn bytes(bytes: u64) -> String {
    let units = [("GiB", 1_u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.iter().find(|(_, size)| bytes >= *size) {
        Some((unit, size)) => format!("{:.1} {unit}", bytes as f64 / *size as f64),
        None => format!("{bytes} B"),
    }
}

fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3_600 => format!("{} min {} s", whole / 60, whole % 60),
        3_600..86_400 => format!("{} h {} min", whole / 3_600, whole % 3_600 / 60),
        _ => format!("{} d {} h", whole / 86_400, whole % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{Consumer, Letters, MetError, Partition, StoreSize};

    #[test]
    fn hostile_texts_are_escaped_wherever_they_stand() {
        let hostile = "\"><script>alert('x')</script><img src=x onerror=alert(1)>&amp;";
        let text = || hostile.to_owned();
        let binding = |kind| Binding {
            kind,
            name: text(),
            topic: text(),
            results: vec![text()],
            state: text(),
            error: Some(text()),
            partitions: vec![Partition {
                topic: text(),
                ..Partition::default()
            }],
            ..Binding::default()
        };
        let overview = Overview {
            application: text(),
            bindings: vec![binding("table"), binding("query")],
            consumers: vec![Consumer {
                entity: text(),
                group: text(),
                state: text(),
                error: Some(text()),
                ..Consumer::default()
            }],
            dead_letters: vec![Letters {
                entity: text(),
                class: text(),
                ..Letters::default()
            }],
            dead_letter_topic: text(),
            stores: vec![StoreSize {
                store: text(),
                ..StoreSize::default()
            }],
            errors: vec![MetError {
                name: text(),
                topic: text(),
                state: text(),
                error: text(),
                ..MetError::default()
            }],
            ..Overview::default()
        };
        let page = render(&overview, &[]);
        assert!(!page.contains("<img"), "{page}");
        // The page's own and no other.
        assert_eq!(page.matches("<script").count(), 1, "{page}");
        // A quote would end an attribute.
        let shown = "&quot;&gt;&lt;script&gt;alert('x')&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&amp;amp;";
        assert!(page.matches(shown).count() >= 18, "{page}");
        assert!(!page.contains("\"><script>alert"), "{page}");
    }

    #[test]
    fn it_says_whether_it_knows_of_letters_from_before_the_start() {
        let section = |records| {
            let page = render(
                &Overview {
                    dead_letter_topic: "shop.dlq".to_owned(),
                    dead_letter_records: records,
                    ..Overview::default()
                },
                &[],
            );
            let after = page
                .split_once("id=\"dead-letters\">")
                .map(|(_, after)| after);
            let section = after.and_then(|after| after.split_once("</section>"));
            section
                .map(|(section, _)| section.to_owned())
                .unwrap_or_default()
        };
        let before = "<h2>Dead letters</h2><p class=\"none\">None since the start.</p><p class=\"quiet\">Topic \
                      <code>shop.dlq</code>";
        let known = " holds <b>1\u{202f}200</b> records: letters, also from before the start, and notes of those replayed or \
                     purged; ";
        let unknown = ", not read for this page: only those that this process wrote are counted; ";
        let after = "<code>dlq list</code> shows all.</p>";
        assert_eq!(section(Some(1_200)), format!("{before}{known}{after}"));
        assert_eq!(section(None), format!("{before}{unknown}{after}"));
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(number(0), "0");
        assert_eq!(number(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(1_572_864), "1.5 MiB");
        assert_eq!(duration(59.9), "59 s");
        assert_eq!(duration(90_061.0), "1 d 1 h");
    }
}
