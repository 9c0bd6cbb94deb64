//! The topology as a Mermaid flowchart: sources and sinks as stores of data, everything between as steps.

use core::fmt::Write as _;

use super::facts::sinks;
use super::stages::Stage;
use super::{Query, kind_text};

pub(super) fn flowchart(query: &Query<'_>, stages: &[Stage]) -> String {
    let mut out = String::from("flowchart TD\n");
    // Writing to a text cannot fail.
    let mut line = |text: core::fmt::Arguments<'_>| {
        let _ = writeln!(out, "    {text}");
    };
    let mut before: Vec<String> = Vec::new();
    for (at, input) in query.inputs.iter().enumerate() {
        for (part, source) in sinks(input.entity).iter().enumerate() {
            let id = format!("source{at}_{part}");
            let (kind, name) = (kind_text(input.kind), escaped(&source.source));
            line(format_args!(
                "{id}[(\"{kind} {name}<br/>topic {}\")]",
                escaped(&source.topic)
            ));
            before.push(id);
        }
    }
    let between = stages
        .iter()
        .filter(|stage| !matches!(stage.name, "source" | "sink"));
    for (at, stage) in between.enumerate() {
        let id = format!("step{at}");
        let lines: Vec<String> = stage.lines.iter().map(|line| escaped(line)).collect();
        line(format_args!(
            "{id}[\"{}<br/>{}\"]",
            stage.name,
            lines.join("<br/>")
        ));
        for from in before.drain(..) {
            line(format_args!("{from} --> {id}"));
        }
        before.push(id);
    }
    for (at, sink) in sinks(query.output).iter().enumerate() {
        let id = format!("sink{at}");
        let (kind, name) = (kind_text(query.kind), escaped(&sink.source));
        line(format_args!(
            "{id}[(\"{kind} {name}<br/>topic {}\")]",
            escaped(&sink.topic)
        ));
        for from in &before {
            line(format_args!("{from} --> {id}"));
        }
    }
    out
}

/// A text inside a label's quotes. Labels begin with a word of ours, so that none is taken for Markdown.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '#' => out.push_str("#35;"),
            '"' => out.push_str("#quot;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '&' => out.push_str("#amp;"),
            '`' => out.push_str("#96;"),
            '\n' | '\r' => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn what_a_label_may_not_hold_is_named() {
        assert_eq!(
            escaped("r.note != \"a#b\" && `x` < y\n> z"),
            "r.note != #quot;a#35;b#quot; #amp;#amp; #96;x#96; #lt; y #gt; z"
        );
    }
}
