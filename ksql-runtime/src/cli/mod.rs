//! The command line of a program's model: `ddl`, `plan`, `tail`, `dlq` and the others, for any program that has a context builder.
//!
//! [`main`] is the one line that adds it; [`Command`] is for programs with a command line of their own. Everything a command needs
//! is in the builder: entities, queries, configuration. Commands look - only `dlq replay` and `dlq purge` change something, and no command runs
//! a query or a handler, so that they are safe beside the program itself: on a cluster at any time, embedded while the program does
//! not hold its directory.
//!
//! Made of: `command` (the arguments), `model` (what needs no server), `tail`, `rows` (`get`, `list`), `letters` (`dlq`), `status`; below them `reading` (a topic's
//! records), `view` (records without their type), `condition` (`--where`), `key`, `literal` (values as they are typed), `output`, `exit`.

mod command;
mod condition;
mod exit;
mod key;
mod letters;
mod literal;
mod model;
mod output;
mod reading;
mod rows;
mod status;
mod tail;
mod view;

use std::fmt::Display;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

pub use command::{Command, Dlq, Explain, Get, Letters, List, Tail, Validate, Which};
pub use exit::Exit;
pub(crate) use view::{MakeView, of as view};

use crate::context::ContextBuilder;
use command::Line;
use exit::{Failure, Outcome};
use output::Output;

/// Runs a program: its own work, or the command that its command line names.
///
/// Without a command `work` is done with the builder, to which `--config` and `--set` were applied; an error of it is printed, and the
/// program ends with 1. See [`Exit`] for how commands end. `shop --help` lists them.
///
/// ```no_run
/// use ksql_runtime::prelude::*;
///
/// #[derive(Debug, Clone, PartialEq, Entity)]
/// #[topic("rates")]
/// #[table]
/// struct Rate {
///     #[key]
///     symbol: String,
///     price: f64,
/// }
///
/// #[tokio::main]
/// async fn main() -> std::process::ExitCode {
///     ksql_runtime::cli::main(Context::builder().entity::<Rate>(), run).await
/// }
///
/// async fn run(model: ContextBuilder) -> Result<(), Box<dyn std::error::Error>> {
///     let ctx = model.start().await?;
///     println!("{} rates", ctx.set::<Rate>().count().await?);
///     ctx.shutdown().await?;
///     Ok(())
/// }
/// ```
pub async fn main<W, F, E>(builder: ContextBuilder, work: W) -> ExitCode
where
    W: FnOnce(ContextBuilder) -> F,
    F: Future<Output = Result<(), E>>,
    E: Display,
{
    let line = match parse(std::env::args_os()) {
        Ok(line) => line,
        Err(error) => {
            told(&error);
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    let builder = match configured(builder, &line) {
        Ok(builder) => builder,
        Err(failure) => return ended(Err(failure), line.json).into(),
    };
    match line.command {
        Some(command) => command.run(builder, line.json).await.into(),
        None => match work(builder).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                say(&error.to_string(), false);
                ExitCode::FAILURE
            }
        },
    }
}

/// Tells what clap says: help as it is, errors as all others are told.
fn told(error: &clap::Error) {
    let json = std::env::args().any(|arg| arg == "--json");
    match error.use_stderr() && json {
        true => say(
            error.to_string().trim_start_matches("error: ").trim_end(),
            json,
        ),
        // Whom should it be told?
        false => drop(error.print()),
    }
}

/// Reads a command line; it is named as the program is called.
fn parse(args: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Line, clap::Error> {
    let args = gathered(args);
    let name = args
        .first()
        .map(std::path::Path::new)
        .and_then(std::path::Path::file_stem)
        .and_then(std::ffi::OsStr::to_str)
        .unwrap_or("program")
        .to_owned();
    let command = Line::command().display_name(name.clone()).bin_name(name);
    let command = command.about(
        "Does its own work where no command is given, else what the command says about its entities and queries.",
    );
    Line::from_arg_matches(&command.try_get_matches_from(args)?)
}

/// The arguments with every `--set` in front: clap would keep only those behind the command, or only those before it.
fn gathered(args: impl IntoIterator<Item = std::ffi::OsString>) -> Vec<std::ffi::OsString> {
    let mut args = args.into_iter();
    let mut gathered: Vec<_> = args.next().into_iter().collect();
    let mut rest = Vec::new();
    while let Some(arg) = args.next() {
        match arg.to_str() {
            // What comes behind it is not for clap to look at.
            Some("--") => {
                rest.push(arg);
                rest.extend(args.by_ref());
            }
            Some("--set") => {
                gathered.push(arg);
                gathered.extend(args.next());
            }
            Some(text) if text.starts_with("--set=") => gathered.push(arg),
            _ => rest.push(arg),
        }
    }
    gathered.extend(rest);
    gathered
}

/// The builder with what the command line says of its configuration.
fn configured(builder: ContextBuilder, line: &Line) -> Outcome<ContextBuilder> {
    let mut builder = match &line.config {
        Some(file) => builder.config_file(file),
        None => builder,
    };
    for setting in &line.settings {
        let Some((key, value)) = setting.split_once('=') else {
            return Err(Failure::usage(format!(
                "`--set {setting}` has no value: write `--set key=value`"
            )));
        };
        builder = builder.setting(key, value);
        // A program may name its directory itself, above all settings.
        if key == "state_dir" {
            builder = builder.state_dir(value);
        }
    }
    Ok(builder)
}

impl Command {
    /// Does what it says, prints to the standard output, and errors to the standard error: JSON for programs, or tables for people.
    pub async fn run(self, builder: ContextBuilder, json: bool) -> Exit {
        let mut out = Output::new(json);
        let outcome = match self {
            Command::Ddl => model::ddl(&builder, &mut out),
            Command::Avro => model::avro(&builder, &mut out),
            Command::Explain(arguments) => model::explain(&builder, &arguments, &mut out),
            Command::Validate(arguments) => model::validate(&builder, &arguments, &mut out).await,
            Command::Plan => model::plan(&builder, &mut out).await,
            Command::Status => status::status(&builder, &mut out).await,
            Command::Topics => status::topics(&builder, &mut out).await,
            Command::Tail(arguments) => tail::tail(&builder, arguments, &mut out).await,
            Command::Get(arguments) => rows::get(&builder, &arguments, &mut out).await,
            Command::List(arguments) => rows::list(&builder, &arguments, &mut out).await,
            Command::Dlq(what) => letters::run(&builder, what, &mut out).await,
        };
        ended(outcome, json)
    }
}

/// Tells a failure.
fn ended(outcome: Outcome, json: bool) -> Exit {
    match outcome {
        Ok(exit) => exit,
        Err(failure) => {
            if !failure.text.is_empty() {
                say(&failure.text, json);
            }
            failure.exit
        }
    }
}

/// Says something beside the output.
fn say(text: &str, json: bool) {
    use std::io::Write as _;
    let text = match json {
        true => serde_json::json!({ "error": text }).to_string(),
        false => format!("error: {text}"),
    };
    // Whom should it be told?
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_arguments_are_such_as_clap_takes() {
        Line::command().debug_assert();
    }

    #[test]
    fn what_stands_on_the_command_line_stands_above_everything_else() {
        let args = [
            "shop",
            "--set",
            "partitions=7",
            "ddl",
            "--set",
            "topic_prefix=x.",
            "--set",
            "state_dir=there",
        ];
        let line = parse(args.map(Into::into)).unwrap();
        let config = crate::config::Config::default();
        let builder = ContextBuilder::default().config(config).state_dir("here");
        let config = configured(builder, &line).unwrap().configuration().unwrap();
        assert_eq!((config.partitions, config.topic_prefix.as_str()), (7, "x."));
        assert_eq!(config.state_dir, std::path::Path::new("there"));
        let line = parse(["shop", "--set", "partitions"].map(Into::into)).unwrap();
        let failure = configured(ContextBuilder::default(), &line).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
    }
}
