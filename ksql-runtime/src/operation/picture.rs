//! A query's topology as an SVG: sources above, steps between, results below. Pure.
//!
//! Invariant: every text goes through maud's escaping; sizes come from the number of letters, since nothing is measured here.

use ksql_schema::query::Explanation;
use maud::{Markup, html};

/// A letter of the page's monospaced font, at its size there.
const LETTER: usize = 7;
const LINE: usize = 17;
const PAD: usize = 10;
const GAP: usize = 26;
/// Letters of a line that are shown; the rest is in the title.
const LETTERS: usize = 72;

/// A box.
struct Node {
    class: &'static str,
    title: String,
    lines: Vec<String>,
}

impl Node {
    fn width(&self) -> usize {
        let letters = self
            .lines
            .iter()
            .chain([&self.title])
            .map(|line| line.chars().count());
        letters.max().unwrap_or(0).min(LETTERS) * LETTER + 2 * PAD
    }

    fn height(&self) -> usize {
        (self.lines.len() + 1) * LINE + PAD
    }
}

/// The picture of a query that reads and writes these topics.
pub(super) fn picture(
    explanation: &Explanation<'_>,
    reads: &[String],
    writes: &[String],
) -> Markup {
    let topic = |class, name: &String| Node {
        class,
        title: "topic".to_owned(),
        lines: vec![name.clone()],
    };
    let steps = explanation
        .stages()
        .iter()
        .filter(|stage| !matches!(stage.name, "source" | "sink"))
        .map(|stage| Node {
            class: "step",
            title: stage.name.to_owned(),
            lines: stage.lines.clone(),
        });
    let mut rows: Vec<Vec<Node>> = vec![reads.iter().map(|name| topic("source", name)).collect()];
    rows.extend(steps.map(|step| vec![step]));
    rows.push(writes.iter().map(|name| topic("sink", name)).collect());
    rows.retain(|row| !row.is_empty());
    drawn(&rows)
}

fn width_of(row: &[Node]) -> usize {
    let boxes: usize = row.iter().map(Node::width).sum();
    boxes + row.len().saturating_sub(1) * GAP
}

fn drawn(rows: &[Vec<Node>]) -> Markup {
    let width = rows.iter().map(|row| width_of(row)).max().unwrap_or(0) + 2;
    let mut boxes = Vec::new();
    let mut lines = Vec::new();
    let mut above: Vec<(usize, usize)> = Vec::new();
    let mut y = 1;
    for row in rows {
        let mut x = (width - width_of(row)) / 2;
        let mut here = Vec::new();
        for node in row {
            let middle = x + node.width() / 2;
            for (from_x, from_y) in &above {
                lines.push((*from_x, *from_y, middle, y));
            }
            boxes.push(drawn_box(node, x, y));
            here.push((middle, y + node.height()));
            x += node.width() + GAP;
        }
        y += row.iter().map(Node::height).max().unwrap_or(0) + GAP;
        above = here;
    }
    let height = y.saturating_sub(GAP) + 1;
    html! {
        svg class="picture" role="img" aria-label="what happens to a record, from its source to the results"
            width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } {
            @for (x1, y1, x2, y2) in lines {
                @let bend = (y1 + y2) / 2;
                path class="edge" d={ "M" (x1) " " (y1) " C" (x1) " " (bend) " " (x2) " " (bend) " " (x2) " " (y2 - 5) } {}
                path class="tip" d={ "M" (x2.saturating_sub(4)) " " (y2 - 6) " l8 0 l-4 6 z" } {}
            }
            @for drawn in boxes { (drawn) }
        }
    }
}

fn drawn_box(node: &Node, x: usize, y: usize) -> Markup {
    html! {
        g class={ "node " (node.class) } {
            title { (node.title) @for line in &node.lines { "\n" (line) } }
            rect x=(x) y=(y) width=(node.width()) height=(node.height()) rx="6" {}
            text class="what" x=(x + PAD) y=(y + LINE) { (node.title) }
            @for (at, line) in node.lines.iter().enumerate() {
                text x=(x + PAD) y=(y + (at + 2) * LINE) { (cut(line)) }
            }
        }
    }
}

fn cut(line: &str) -> String {
    if line.chars().count() <= LETTERS {
        return line.to_owned();
    }
    let shown: String = line.chars().take(LETTERS - 1).collect();
    shown + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_box_is_tied_to_each_of_the_row_above_and_hostile_texts_are_escaped() {
        let node = |class, line: &str| Node {
            class,
            title: "topic".to_owned(),
            lines: vec![line.to_owned()],
        };
        let hostile = "</text><script>alert(1)</script>";
        let rows = vec![
            vec![node("source", "a"), node("source", "b")],
            vec![node("step", hostile)],
            vec![node("sink", "c"), node("sink", "d"), node("sink", "e")],
        ];
        let text = drawn(&rows).into_string();
        assert_eq!(text.matches("class=\"edge\"").count(), 2 + 3);
        assert_eq!(text.matches("<rect").count(), 6);
        assert!(!text.contains("<script"), "{text}");
        assert!(text.contains("&lt;script&gt;"), "{text}");
    }

    #[test]
    fn a_long_line_is_cut_where_it_is_drawn_and_whole_in_the_title() {
        let long = "x".repeat(500);
        assert_eq!(cut(&long).chars().count(), LETTERS);
        let node = Node {
            class: "step",
            title: "filter".to_owned(),
            lines: vec![long.clone()],
        };
        let text = drawn(&[vec![node]]).into_string();
        assert_eq!(text.matches(&long).count(), 1);
    }
}
