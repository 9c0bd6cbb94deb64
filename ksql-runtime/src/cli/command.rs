//! The commands and their arguments. What they do stands in files of their own.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// What a program is asked on its command line.
#[derive(Debug, Clone, Parser)]
#[command(about = None, long_about = None)]
pub(super) struct Line {
    /// JSON for programs instead of tables for people.
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// A file of settings, in TOML, instead of the one the program names.
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// A setting, whatever file and environment say: `--set bootstrap=127.0.0.1:9092`.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    pub(super) settings: Vec<String>,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// A command about the entities and queries of a program. Add it to a command line of your own as a subcommand:
///
/// ```
/// use ksql_runtime::cli::Command;
/// use ksql_runtime::prelude::*;
///
/// #[derive(clap::Parser)]
/// struct Line {
///     #[command(subcommand)]
///     command: Commands,
/// }
///
/// #[derive(clap::Subcommand)]
/// enum Commands {
///     /// Runs the shop.
///     Serve { port: u16 },
///     #[command(flatten)]
///     Ksql(Command),
/// }
///
/// # #[derive(Debug, Clone, PartialEq, Entity)]
/// # #[topic("rates")]
/// # #[table]
/// # struct Rate { #[key] symbol: String, price: f64 }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let line = <Line as clap::Parser>::parse_from(["shop", "ddl"]);
/// if let Commands::Ksql(command) = line.command {
///     let model = Context::builder().entity::<Rate>().config(Config::default());
///     assert_eq!(command.run(model, false).await, ksql_runtime::cli::Exit::Done);
/// }
/// # }
/// ```
#[derive(Debug, Clone, Subcommand)]
#[non_exhaustive]
pub enum Command {
    /// Prints the KSQL statement of every entity and query; asks nobody.
    Ddl,
    /// Prints the Avro schema of every entity, key and value; asks nobody.
    Avro,
    /// Checks model and configuration and, where a cluster is configured, whether a start would be refused.
    Validate(Validate),
    /// Prints what queries come to: stream or table and why, topology, topics, schemas, statements; asks nobody.
    Explain(Explain),
    /// Shows what a start would create, change or leave alone; changes nothing.
    Plan,
    /// Shows topics, queries, consumers and dead letters, from the running program where it listens for HTTP.
    Status,
    /// Lists the topics of the entities.
    Topics,
    /// Prints the records of an entity as they come.
    Tail(Tail),
    /// Prints the row of a key.
    Get(Get),
    /// Prints the rows of a table: the last record of each key.
    List(List),
    /// Dead letters: list, show, replay, purge.
    #[command(subcommand)]
    Dlq(Dlq),
}

/// Arguments of `validate`.
#[derive(Debug, Clone, Args)]
pub struct Validate {
    /// Ask no server.
    #[arg(long)]
    pub offline: bool,
}

/// Arguments of `explain`.
#[derive(Debug, Clone, Args)]
pub struct Explain {
    /// The query; all of them where none is named.
    pub query: Option<String>,
    /// The topology as a Mermaid diagram too.
    #[arg(long)]
    pub mermaid: bool,
}

/// Which records or rows of an entity.
#[derive(Debug, Clone, Args)]
pub struct Which {
    /// The entity.
    pub entity: String,
    /// Of a windowed entity, the window: its size, as in the name of its topic (`5min`); the first where none is named.
    #[arg(long, value_name = "LABEL")]
    pub window: Option<String>,
    /// Only where a condition holds: `price > 10 and symbol = 'EURUSD'`, with `or`, `not`, `is null`, `like` and brackets.
    #[arg(long = "where", value_name = "CONDITION")]
    pub condition: Option<String>,
}

/// Arguments of `tail`.
#[derive(Debug, Clone, Args)]
pub struct Tail {
    #[command(flatten)]
    which: Which,
    /// Where to begin: `end`, `beginning`, an offset, a time (`2024-05-08T11:30:00Z`), or how long ago (`15m`).
    #[arg(long, default_value = "end", value_name = "PLACE")]
    pub from: String,
    /// Only records of this key; several columns with commas between.
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// End after so many records.
    #[arg(long, short = 'n', value_name = "RECORDS")]
    pub limit: Option<u64>,
    /// End at the end of the topic instead of waiting for more.
    #[arg(long)]
    pub no_follow: bool,
}

/// Arguments of `get`.
#[derive(Debug, Clone, Args)]
pub struct Get {
    /// The entity.
    pub entity: String,
    /// The key's columns, in their order.
    #[arg(required = true, allow_negative_numbers = true)]
    pub key: Vec<String>,
    /// Of a windowed entity, the window: its size, as in the name of its topic (`5min`); the first where none is named.
    #[arg(long, value_name = "LABEL")]
    pub window: Option<String>,
}

/// Arguments of `list`.
#[derive(Debug, Clone, Args)]
pub struct List {
    #[command(flatten)]
    which: Which,
    /// At most so many rows, in the order of their keys; 0 for all.
    #[arg(long, short = 'n', default_value_t = 100, value_name = "ROWS")]
    pub limit: usize,
}

/// Which dead letters.
#[derive(Debug, Clone, Args)]
pub struct Letters {
    /// Of this entity.
    #[arg(long)]
    pub entity: Option<String>,
    /// With this code, such as `handler.error`.
    #[arg(long, value_name = "CODE")]
    pub class: Option<String>,
    /// Of records of this topic.
    #[arg(long)]
    pub topic: Option<String>,
    /// That failed at this time or later: a time, or how long ago (`24h`).
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// That failed before this time.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// That were not replayed.
    #[arg(long)]
    pub not_replayed: bool,
}

/// What is done with dead letters. Letters are named by `partition/offset`, as `list` prints them.
#[derive(Debug, Clone, Subcommand)]
#[non_exhaustive]
pub enum Dlq {
    /// Lists them, the newest first.
    List {
        /// Which.
        #[command(flatten)]
        which: Letters,
        /// At most so many.
        #[arg(long, short = 'n', default_value_t = 100)]
        limit: usize,
    },
    /// Shows one: why it failed, where it comes from, what its bytes mean.
    Show {
        /// The letter.
        letter: String,
    },
    /// Sends letters to the topics they come from again.
    Replay {
        /// The letters.
        letters: Vec<String>,
        /// All of those that these say instead.
        #[command(flatten)]
        which: Letters,
        /// All that the other arguments select; needed where no letter is named.
        #[arg(long)]
        all: bool,
        /// Also those that were replayed before, too often, or are too old for their topic.
        #[arg(long)]
        force: bool,
    },
    /// Removes letters. They cannot be brought back.
    Purge {
        /// The letters.
        letters: Vec<String>,
        /// All of those that these say instead.
        #[command(flatten)]
        which: Letters,
        /// All that the other arguments select; needed where no letter is named.
        #[arg(long)]
        all: bool,
    },
}

impl Tail {
    /// Which records.
    #[must_use]
    pub fn which(&self) -> &Which {
        &self.which
    }
}

impl List {
    /// Which rows.
    #[must_use]
    pub fn which(&self) -> &Which {
        &self.which
    }
}
