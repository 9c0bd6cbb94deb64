//! The peers on the Java machine (`peers/`), one process a run: a Kafka Streams table of a topic of orders, and windows of
//! trades.

use std::path::Path;
use std::process::Command;

use crate::answers::Answers;
use crate::contender::Usage;
use crate::entities::Order;

/// Built and ready to run.
pub struct Streams {
    java: String,
    classes: String,
}

/// Why it cannot be run here.
pub enum Missing {
    /// Java or Maven is not on this machine.
    Tool(String),
    /// All is there, and it does not build.
    Build(String),
}

/// What one run of the table printed.
pub struct Run {
    /// Until the table stood at the end of the topic and answered; without the start of the Java machine.
    pub used: Usage,
    /// Records processed.
    pub records: u64,
    /// Rows of the table.
    pub rows: u64,
    /// Records restored from the topic rather than processed.
    pub restored: u64,
    last: String,
}

impl Streams {
    /// Builds it where that was not done before.
    pub fn build() -> Result<Streams, Missing> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/build");
        let output = Command::new("bash")
            .arg(script)
            .output()
            .map_err(|error| Missing::Build(error.to_string()))?;
        let said = String::from_utf8_lossy(&output.stdout);
        match (output.status.code(), said.trim_end().split_once('\n')) {
            (Some(0), Some((java, classes))) => Ok(Streams {
                java: java.to_owned(),
                classes: classes.to_owned(),
            }),
            (code, _) => {
                let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                let why = why.replace('\n', "; ");
                Err(if code == Some(3) {
                    Missing::Tool(why)
                } else {
                    Missing::Build(why)
                })
            }
        }
    }

    /// Runs the table once, with its state in a directory and the offsets of an application, and reads one key at the end.
    pub fn run(
        &self,
        bootstrap: &str,
        topic: &str,
        state: &Path,
        application: &str,
        last: i64,
    ) -> Run {
        let said = self.main(
            "Table",
            state,
            &[
                ("bootstrap", bootstrap),
                ("topic", topic),
                ("application", application),
                ("last-key", &last.to_string()),
            ],
        );
        Run::read(&said)
    }

    /// Runs the windows of trades once, its results into topics that begin with the application's name.
    pub fn windows(
        &self,
        bootstrap: &str,
        topic: &str,
        state: &Path,
        application: &str,
        emit: Emit,
    ) -> Usage {
        let said = self.main(
            "Windows",
            state,
            &[
                ("bootstrap", bootstrap),
                ("topic", topic),
                ("application", application),
                ("emit", emit.name()),
            ],
        );
        Said(&said).usage()
    }

    /// Runs one of its programs to the end; gives what it printed.
    fn main(&self, class: &str, state: &Path, options: &[(&str, &str)]) -> String {
        let output = Command::new(&self.java)
            .args([
                "-Xmx1g",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
                "-cp",
                &self.classes,
                &format!("peer.{class}"),
                "--state",
            ])
            .arg(state)
            .args(
                options
                    .iter()
                    .flat_map(|(name, value)| [format!("--{name}"), (*value).to_owned()]),
            )
            .output()
            .expect("java runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "the peer ended with {}: {said}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        said.into_owned()
    }
}

/// When the peer's windows have results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emit {
    /// Whenever its record cache is flushed: the last change of each since then.
    Cached,
    /// Once, when they close.
    OnClose,
}

impl Emit {
    /// As the peer calls it.
    pub fn name(self) -> &'static str {
        match self {
            Emit::Cached => "cached",
            Emit::OnClose => "on-close",
        }
    }
}

/// `name=value` by `name=value`.
struct Said<'a>(&'a str);

impl<'a> Said<'a> {
    fn text(&self, name: &str) -> &'a str {
        self.0
            .split_whitespace()
            .filter_map(|field| field.split_once('='))
            .find_map(|(known, value)| (known == name).then_some(value))
            .unwrap_or_else(|| panic!("`{name}` in what the peer printed: {}", self.0))
    }

    fn number(&self, name: &str) -> f64 {
        self.text(name).parse().expect("a number")
    }

    fn usage(&self) -> Usage {
        Usage {
            seconds: self.number("seconds"),
            cpu: self.number("cpu_seconds"),
            peak: self.number("peak_rss_mib"),
        }
    }
}

impl Run {
    fn read(said: &str) -> Run {
        let said = Said(said);
        Run {
            used: said.usage(),
            records: said.number("records") as u64,
            rows: said.number("rows") as u64,
            restored: said.number("restored") as u64,
            last: said.text("last").to_owned(),
        }
    }

    /// The peer found as many rows, and the same row of its key.
    pub fn check(&self, answers: &Answers) {
        self.compare(answers.rows, &answers.row);
    }

    fn compare(&self, rows: u64, last: &Order) {
        assert_eq!(self.rows, rows, "rows of the peer");
        let mut amount = last.amount;
        amount.rescale(4);
        let row = format!(
            "{},{},{},{}",
            last.customer,
            amount.mantissa(),
            last.qty,
            last.ts.timestamp_millis()
        );
        assert_eq!(self.last, row, "the last row of the peer");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_peer_prints_is_read_by_name() {
        let run = Run::read(
            "records=10 restored=3 seconds=6.512 rows=7 cpu_seconds=10.90 peak_rss_mib=477.1 last=ab,-5,42,1000\n",
        );
        let used = Usage {
            seconds: 6.512,
            cpu: 10.9,
            peak: 477.1,
        };
        assert_eq!(run.used, used);
        assert_eq!((run.records, run.restored, run.rows), (10, 3, 7));
        let row = Order {
            id: 1,
            customer: "ab".to_owned(),
            amount: rust_decimal::Decimal::new(-5, 4),
            qty: 42,
            ts: chrono::DateTime::from_timestamp_millis(1000).expect("a time"),
        };
        run.compare(7, &row);
    }
}
