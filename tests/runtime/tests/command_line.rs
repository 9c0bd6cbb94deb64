//! The command line of a program: what it prints for people and for programs, how it ends, and that it looks on without touching
//! anything.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use ksql_runtime::consume::{Records as _, Start};
use ksql_runtime::log::{Header, Record};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::environment::{command, context};
use ksql_runtime_tests::http_server::closed_port;
use ksql_runtime_tests::servers::{self, Kafka, RegistryServer};
use ksql_runtime_tests::shop::{Rate, Sold, Trade, rate};
use ksql_runtime_tests::test_name;
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_cli_child");
const PAGE: &str = include_str!("../../../docs/command-line.md");

/// A program with a directory of its own, which ran once unless it is fresh.
struct Shop(tempfile::TempDir);

impl Shop {
    fn fresh() -> Shop {
        Shop(tempfile::tempdir().expect("a directory"))
    }

    fn after_work() -> Shop {
        let shop = Shop::fresh();
        assert_eq!(shop.said(&[]), "done\n");
        shop
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(PROGRAM);
        command.args(arguments).current_dir(self.0.path());
        // As wide as a terminal that is not there.
        command.env("COLUMNS", "100");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("it runs")
    }

    /// What a command that does what it is asked prints.
    fn said(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = text(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        assert_eq!(errors, "", "{arguments:?}");
        text(&output.stdout)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let said = self.said(&[arguments, &["--json"]].concat());
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
    }

    /// How a command ends that does not do what it is asked, and what it says.
    fn refused(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        let said = text(&output.stdout);
        let code = output.status.code().expect("it ends by itself");
        (code, format!("{said}{}", text(&output.stderr)))
    }

    fn files(&self) -> usize {
        std::fs::read_dir(self.0.path())
            .expect("a directory")
            .count()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// What stands in the first columns of a table for people.
fn cells(said: &str, columns: usize) -> Vec<Vec<String>> {
    let lines = said.lines().filter(|line| line.starts_with('│'));
    lines
        .map(|line| {
            let cells = line.trim_matches(['│', ' ']).split("   ");
            let cells = cells.map(|cell| cell.trim().to_owned());
            cells
                .filter(|cell| !cell.is_empty())
                .take(columns)
                .collect()
        })
        .collect()
}

#[test]
fn without_a_command_a_program_does_its_own_work() {
    let shop = Shop::fresh();
    assert_eq!(shop.said(&[]), "done\n");
    let (code, said) = shop.refused(&["--set", "state_dir="]);
    assert_eq!(code, 1, "an error of its own work: {said}");
}

#[test]
fn what_needs_no_server_touches_nothing() {
    let shop = Shop::fresh();
    let ddl = shop.said(&["ddl"]);
    assert_eq!(ddl.lines().count(), 4);
    assert!(
        ddl.starts_with("CREATE TABLE IF NOT EXISTS `RATE` ("),
        "{ddl}"
    );
    assert_eq!(shop.json(&["ddl"]), json!(ddl.lines().collect::<Vec<_>>()));
    let avro = shop.said(&["avro"]);
    let schemas: Vec<Value> = avro
        .lines()
        .map(|line| serde_json::from_str(line).expect("a schema"))
        .collect();
    assert_eq!(shop.json(&["avro"]), json!(schemas));
    assert_eq!(shop.said(&["validate"]), "valid: model and configuration\n");
    assert_eq!(
        shop.json(&["validate"]),
        json!({"valid": true, "checked": "model and configuration", "findings": []})
    );
    let explained = shop.said(&["explain"]);
    assert!(
        explained.starts_with("query `sold`: table `Sold` of stream `Trade`"),
        "{explained}"
    );
    assert_eq!(shop.said(&["explain", "sold"]), explained);
    assert!(!explained.contains("flowchart"));
    assert!(shop.said(&["explain", "--mermaid"]).contains("flowchart"));
    let json = shop.json(&["explain", "sold"]);
    assert_eq!(json[0]["query"], "sold");
    assert_eq!(json[0]["statements"].as_array().map(Vec::len), Some(2));
    let plan = shop.said(&["plan"]);
    assert!(plan.contains("create  topic    rates"), "{plan}");
    assert_eq!(shop.json(&["plan"])[0]["action"], "create");
    // Before it ever ran there is nothing to look at.
    let nothing = [
        "status",
        "topics",
        "list Rate",
        "get Rate X",
        "tail Rate",
        "dlq list",
    ];
    for command in nothing {
        let arguments: Vec<&str> = command.split(' ').collect();
        let (code, said) = shop.refused(&arguments);
        assert_eq!(code, 4, "{command}: {said}");
        assert_eq!(
            said,
            "error: there is nothing in `rocksdb` yet: the program never ran there\n"
        );
    }
    assert_eq!(shop.files(), 0);
}

#[test]
fn topics_and_status_tell_what_is_there() {
    let shop = Shop::after_work();
    assert_eq!(
        cells(&shop.said(&["topics"]), 5)[1..],
        [
            ["rates", "Rate", "table", "2", "5"],
            ["trades", "Trade", "stream", "3", "4"],
            ["sold_1min", "Sold", "table", "3", "2"],
            ["sold_5min", "Sold", "table", "3", "2"],
        ]
    );
    let topics = shop.json(&["topics"]);
    assert_eq!(
        topics[2],
        json!({
            "topic": "sold_1min", "entity": "Sold", "window": "1min", "kind": "table", "written_by": "a query",
            "exists": true, "partitions": 3, "records": 2, "retention_ms": 604_800_000
        })
    );
    let status = shop.said(&["status"]);
    assert!(status.starts_with("KsqlDsl, embedded;"), "{status}");
    assert!(
        status.ends_with("1 dead letters in `system.dlq`, 0 of them replayed\n"),
        "{status}"
    );
    let status = shop.json(&["status"]);
    assert_eq!(
        (&status["log"], &status["topics"]),
        (&json!("embedded"), &topics)
    );
}

#[test]
fn rows_are_the_last_records_of_their_keys() {
    let shop = Shop::after_work();
    assert_eq!(
        shop.said(&["list", "Rate"]),
        "┌────────────────┐\n\
         │ symbol   price │\n\
         ╞════════════════╡\n\
         │ EURUSD    1.08 │\n\
         │ USDJPY   155.5 │\n\
         └────────────────┘\n\
         2 rows\n"
    );
    let rates = json!([{"symbol": "EURUSD", "price": 1.08}, {"symbol": "USDJPY", "price": 155.5}]);
    assert_eq!(shop.json(&["list", "rate"]), rates);
    assert_eq!(
        shop.json(&["list", "Rate", "--where", "price < 100"]),
        json!([rates[0]])
    );
    assert_eq!(shop.json(&["list", "Rate", "-n", "1"]), json!([rates[0]]));
    assert!(
        shop.said(&["list", "Rate", "-n", "1"])
            .ends_with("1 of 2 rows: `--limit 0` prints all\n")
    );
    // A row that fitted once and does not any more is not shown as it was.
    assert_eq!(
        shop.json(&["list", "Rate", "--where", "price = 1.07"]),
        json!([])
    );
    assert_eq!(shop.json(&["get", "Rate", "EURUSD"]), rates[0]);
    assert_eq!(
        cells(&shop.said(&["get", "Rate", "EURUSD"]), 2)[1..],
        [["symbol", "EURUSD"], ["price", "1.08"]]
    );
    let (code, said) = shop.refused(&["get", "Rate", "GBPUSD"]);
    assert_eq!(
        (code, said.as_str()),
        (4, "error: `Rate` has no row of the key (GBPUSD)\n"),
        "it was removed"
    );
    for window in ["5min", "5"] {
        assert_eq!(
            shop.json(&["get", "Sold", "1", "--window", window]),
            json!([{
                "account": 1, "pieces": 40,
                "window_start": "2024-05-08T11:30:00Z", "window_end": "2024-05-08T11:35:00Z"
            }])
        );
    }
    assert_eq!(
        shop.json(&["list", "Sold", "--where", "account = 0 and pieces > 50"])[0]["window_end"],
        "2024-05-08T11:31:00Z",
        "the first window where none is named"
    );
}

#[test]
fn tail_prints_records_with_their_places() {
    let shop = Shop::after_work();
    let said = shop.said(&["tail", "Rate", "--from", "beginning", "--key", "GBPUSD"]);
    assert_eq!(
        said,
        "2024-05-08 11:30:00 0:0 symbol=GBPUSD price=1.25\n2024-05-08 11:30:00 0:1 deleted symbol=GBPUSD\n"
    );
    let lines = |arguments: &[&str]| -> Vec<Value> {
        let all = [&["tail"], arguments, &["--json"]].concat();
        let said = shop.said(&all);
        said.lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    };
    let all = lines(&["Trade", "--from", "beginning"]);
    let numbers = |records: &[Value]| {
        let mut numbers: Vec<i64> = records
            .iter()
            .map(|record| record["row"]["number"].as_i64().expect("a number"))
            .collect();
        numbers.sort_unstable();
        numbers
    };
    assert_eq!(numbers(&all), [1, 2, 3, 4]);
    assert_eq!(all[0]["timestamp"], 1_715_167_800_000_i64);
    let big = lines(&[
        "Trade",
        "--from",
        "beginning",
        "--where",
        "pieces >= 30 or number = 1",
    ]);
    assert_eq!(numbers(&big), [1, 3, 4]);
    assert_eq!(
        numbers(&lines(&["Trade", "--from", "0", "--key", "1,3"])),
        [3]
    );
    assert_eq!(lines(&["Trade", "--from", "beginning", "-n", "2"]).len(), 2);
    assert_eq!(
        numbers(&lines(&["Trade", "--from", "2024-05-08T11:30:00Z"])),
        [1, 2, 3, 4]
    );
    assert!(lines(&["Trade", "--from", "2024-05-08T11:30:01Z"]).is_empty());
    assert!(lines(&["Trade", "--from", "15m"]).is_empty());
    assert!(
        lines(&["Trade"]).is_empty(),
        "from the end, where there is nothing"
    );
    assert_eq!(
        lines(&["Sold", "--window", "5min", "--from", "beginning"]).len(),
        2
    );
}

#[test]
fn dead_letters_are_listed_shown_replayed_and_purged() {
    let shop = Shop::after_work();
    let listed = shop.said(&["dlq", "list"]);
    assert_eq!(
        cells(&listed, 4)[1],
        ["0/0", "2024-05-08 11:30:00", "Rate", "price.zero"]
    );
    assert_eq!(
        shop.json(&["dlq", "list"])[0]["message"],
        "nobody gives it away"
    );
    assert_eq!(shop.json(&["dlq", "list", "--entity", "Trade"]), json!([]));
    assert_eq!(
        shop.json(&["dlq", "list", "--since", "1h"]),
        json!([]),
        "it failed in 2024"
    );
    let shown = shop.said(&["dlq", "show", "0/0"]);
    for part in [
        "nobody gives it away",
        "\"price\": 0.0",
        "RVVSVVNE (base64)",
    ] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    assert_eq!(
        shop.json(&["dlq", "show", "0/0"])["value"]["avro"],
        json!({"price": 0.0})
    );
    let replayed = shop.json(&["dlq", "replay", "0/0"]);
    let to = &replayed["replayed"][0];
    assert_eq!(to["topic"], "rates");
    assert_eq!(shop.json(&["get", "Rate", "EURUSD"])["price"], 0.0);
    let (code, said) = shop.refused(&["dlq", "replay", "--all"]);
    assert_eq!(code, 1);
    assert!(
        said.contains("was replayed already") && said.contains("0 replayed, 1 refused"),
        "{said}"
    );
    let (partition, behind) = (
        &to["partition"],
        to["offset"].as_i64().expect("an offset") + 1,
    );
    assert_eq!(
        shop.said(&["dlq", "replay", "0/0", "--force"]),
        format!(
            "0/0 replayed to partition {partition}, offset {behind} of `rates`\n1 replayed, 0 refused\n"
        )
    );
    assert_eq!(
        shop.json(&["dlq", "purge", "--all", "--entity", "Trade"])["purged"],
        0
    );
    assert_eq!(
        shop.json(&["dlq", "purge", "0/0"]),
        json!({"purged": 1, "held": 0, "unknown": []})
    );
    assert_eq!(shop.json(&["dlq", "list"]), json!([]));
    let (code, said) = shop.refused(&["dlq", "show", "0/0"]);
    assert_eq!(code, 4);
    assert!(
        said.starts_with("error: there is no dead letter 0/0 in topic `system.dlq`"),
        "{said}"
    );
    assert_eq!(shop.refused(&["dlq", "purge", "0/0"]).0, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_header_of_a_letter_is_shown_as_text_or_in_hexadecimal_and_what_is_not_known_too() {
    let shop = Shop::after_work();
    let ctx = context()
        .entity::<Rate>()
        .state_dir(shop.0.path().join("rocksdb"))
        .start()
        .await
        .expect("it starts");
    // As a later version writes it, which says of what colour it is.
    let headers = [
        Header::new("trace", b"blue"),
        Header::new("token", b"\x00\xff"),
        Header::new("screen", b"\x1b[2J"),
        Header {
            name: "empty",
            value: None,
        },
        Header::new("__dlq.errors.topic", b"rates"),
        Header::new("__dlq.errors.timestamp.type", b"CreateTime"),
        Header::new("__dlq.errors.headers.left.out", b"2"),
        Header::new("__dlq.errors.colour", b"red"),
        Header::new("__dlq.shape", b"\xfe"),
    ];
    let letter = Record::new(Some(b"EURUSD"), None, 1_715_167_800_000).headers(&headers);
    let letter = ctx.log().produce("system.dlq", letter).await;
    let id = format!("0/{}", letter.expect("written").offset);
    ctx.shutdown().await.expect("it ends");
    let shown = cells(&shop.said(&["dlq", "show", &id]), 2);
    let rows: Vec<&Vec<String>> = shown
        .iter()
        .filter(|row| row[0].contains("header") || row[0].contains("type"))
        .collect();
    assert_eq!(
        rows,
        [
            &["timestamp_type", "CreateTime"],
            &["header", "trace = blue"],
            &["header", "token = 00ff (hex)"],
            &["header", "screen = 1b5b324a (hex)"],
            &["header", "empty without a value"],
            &["headers left out", "2"],
            &["unknown header", "__dlq.errors.colour = red"],
            &["unknown header", "__dlq.shape = fe (hex)"],
        ]
    );
    let json = shop.json(&["dlq", "show", &id]);
    assert_eq!(
        json["letter"]["unknown"],
        json!([
            {"name": "__dlq.errors.colour", "value": "cmVk"},
            {"name": "__dlq.shape", "value": "/g=="},
        ])
    );
}

#[test]
fn what_is_asked_wrongly_is_told_with_what_would_be_right() {
    let shop = Shop::after_work();
    for (asked, expected) in [
        ("list Rte", "there is no entity `Rte`: did you mean `Rate`?"),
        (
            "list Xyzzy",
            "there is no entity `Xyzzy`; there are `Rate`, `Trade`, `Sold`",
        ),
        (
            "list Trade",
            "`Trade` is a stream, which has records and no rows: `tail Trade --from beginning --no-follow` prints them",
        ),
        (
            "list Rate --window 5min",
            "`Rate` has no windows: leave `--window` out",
        ),
        (
            "list Sold --window 7min",
            "`Sold` has no window `7min`; there are `1min`, `5min`",
        ),
        (
            "list Rate --where prize=1",
            "--where: there is no column `prize`: did you mean `price`?",
        ),
        (
            "get Sold many",
            "`many` is no value of `account`: it is a whole number",
        ),
        (
            "get Rate a b",
            "the key of `Rate` is (symbol): 2 values are given",
        ),
        (
            "tail Trade --key 1",
            "the key of `Trade` is (account, number): 1 value is given",
        ),
        (
            "tail Trade --from noon",
            "--from: `noon` is no place in a topic: write `beginning`, `end`, an offset, a time like `2024-05-08T11:30:00Z`, or how long ago, like `15m`",
        ),
        (
            "explain sld",
            "there is no query `sld`: did you mean `sold`?",
        ),
        (
            "dlq show seven",
            "`seven` is no letter: they are named by partition and offset, like `0/17`",
        ),
        (
            "dlq purge",
            "name the letters as `dlq list` prints them, like `0/17`, or say `--all`",
        ),
        (
            "dlq list --since noon",
            "`noon` is no time: write one like `2024-05-08T11:30:00Z`, or how long ago, like `24h`",
        ),
        (
            "ddl --set partitons=2",
            "there is no setting `partitons`: did you mean `partitions`?",
        ),
        (
            "ddl --set partitions",
            "`--set partitions` has no value: write `--set key=value`",
        ),
    ] {
        let arguments: Vec<&str> = asked.split(' ').collect();
        let (code, said) = shop.refused(&arguments);
        assert_eq!((code, said), (2, format!("error: {expected}\n")), "{asked}");
    }
    // For programs the same as JSON.
    let (code, said) = shop.refused(&["list", "Rte", "--json"]);
    assert_eq!(code, 2);
    assert_eq!(
        serde_json::from_str::<Value>(&said).expect("JSON"),
        json!({"error": "there is no entity `Rte`: did you mean `Rate`?"})
    );
    let (code, said) = shop.refused(&["lst", "--json"]);
    assert_eq!(code, 2);
    let said: Value = serde_json::from_str(&said).expect("JSON");
    let error = said["error"].as_str().expect("a text");
    assert!(
        error.starts_with("unrecognized subcommand 'lst'"),
        "{error}"
    );
    let (code, said) = shop.refused(&["lst"]);
    assert_eq!(code, 2);
    assert!(said.contains("'lst'") && said.contains("'list'"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_lacks_a_record_says_so_and_ends_as_one_that_is_wrong() {
    let shop = Shop::after_work();
    let ctx = context()
        .entity::<Rate>()
        .setting("on_poison", "mark")
        .state_dir(shop.0.path().join("rocksdb"))
        .start()
        .await
        .expect("it starts");
    let bad = Record::new(Some(b"USDJPY"), Some(b"no avro"), 0);
    ctx.log().produce("rates", bad).await.expect("written");
    ctx.shutdown().await.expect("it ends");
    let (code, said) = shop.refused(&["list", "Rate"]);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("EURUSD") && said.contains("1 rows"),
        "the others: {said}"
    );
    let left_out = "error: 1 records of `rates` are no rows and were left out, the first of them in partition ";
    assert!(said.contains(left_out), "{said}");
    let (code, said) = shop.refused(&["get", "Rate", "USDJPY"]);
    assert_eq!(code, 1, "whether there is one is not known: {said}");
    let tailed = shop.said(&["tail", "Rate", "--from", "beginning"]);
    assert!(
        tailed.contains("unreadable: the value cannot be read"),
        "{tailed}"
    );
}

#[test]
fn rows_are_listed_in_the_order_of_their_keys() {
    let shop = Shop::after_work();
    let accounts = |window: &str| -> Vec<i64> {
        let rows = shop.json(&["list", "Sold", "--window", window]);
        let rows = rows.as_array().expect("rows");
        rows.iter()
            .map(|row| row["account"].as_i64().expect("a number"))
            .collect()
    };
    assert_eq!(accounts("5"), [0, 1]);
    let (code, said) = shop.refused(&["get", "Sold", "9223372036854775808"]);
    assert_eq!(
        (code, said.as_str()),
        (
            2,
            "error: `9223372036854775808` is no value of `account`: it is a whole number\n"
        )
    );
}

/// What a terminal gets of a command that does what it is asked.
#[cfg(target_os = "linux")]
fn on_a_terminal(shop: &Shop, arguments: &str) -> String {
    // `script`, which every Linux has, gives the program a terminal, one without a width.
    let mut terminal = command("script");
    let line = format!("'{PROGRAM}' {arguments}");
    let output = terminal
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .current_dir(shop.0.path())
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .output()
        .expect("`script` runs");
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{arguments}: {shown}");
    shown
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_a_bar_shows_how_far_reading_is_and_is_gone_before_the_rows() {
    let shop = Shop::after_work();
    let shown = on_a_terminal(&shop, "list Rate");
    // Records read, records there; then the line is cleared, and the rows come.
    let bar = shown.find("rates ").expect("the topic is named");
    let cleared = shown.rfind("\u{1b}[2K").expect("the bar is cleared");
    let rows = shown
        .find("│ EURUSD ")
        .expect("there are rows, in lines as long as they are");
    assert!(bar < cleared && cleared < rows, "{shown:?}");
    assert!(shown[bar..cleared].contains(" 5/5 "), "{shown:?}");

    let piped = shop.run(&["list", "Rate"]);
    assert_eq!(text(&piped.stderr), "", "no bar where nobody looks");
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_a_bar_shows_how_far_replaying_and_purging_are_and_nothing_moves_for_a_program() {
    let shop = Shop::after_work();
    for (arguments, said) in [
        ("dlq replay --all", "0/0 replayed to partition "),
        ("dlq purge 0/0 0/7777 || true", "0/7777 is not there"),
    ] {
        let shown = on_a_terminal(&shop, arguments);
        let bar = shown.find("system.dlq ").expect("the topic is named");
        let cleared = shown.rfind("\u{1b}[2K").expect("the bar is cleared");
        let line = shown
            .find(said)
            .unwrap_or_else(|| panic!("{said}: {shown:?}"));
        assert!(bar < cleared && cleared < line, "{shown:?}");
        let all = if said.starts_with("0/0") { 1 } else { 2 };
        for part in [format!(" 0/{all} "), format!(" {all}/{all} ")] {
            assert!(shown[bar..cleared].contains(&part), "{part} in {shown:?}");
        }
    }
    let shop = Shop::after_work();
    for arguments in [
        "list Rate --json",
        "dlq list --json",
        "dlq replay --all --json",
        "dlq purge --all --json",
    ] {
        let shown = on_a_terminal(&shop, arguments);
        assert!(!shown.contains('\u{1b}'), "{arguments}: {shown:?}");
        let json = serde_json::from_str::<Value>(&shown);
        json.unwrap_or_else(|error| panic!("{arguments}: {error} in {shown:?}"));
    }
}

#[test]
fn an_invalid_configuration_is_found_by_validate() {
    let shop = Shop::fresh();
    std::fs::write(shop.0.path().join("ksql.toml"), "partitons = 3\n").expect("a file");
    let (code, said) = shop.refused(&["validate", "--config", "ksql.toml"]);
    assert_eq!(code, 1);
    assert!(
        said.contains("did you mean `partitions`?")
            && said.ends_with("not valid: model and configuration\n"),
        "{said}"
    );
}

#[test]
fn what_librdkafka_does_not_take_is_found_by_validate_without_a_broker() {
    let shop = Shop::fresh();
    for (setting, reason) in [
        ("kafka.linger.ms=soon", "the setting `linger.ms`"),
        (
            "kafka.consumer.fetch.wait.max.ms=-3",
            "the setting `fetch.wait.max.ms`",
        ),
        ("kafka.producer.compresion.type=lz4", "compresion.type"),
    ] {
        let (code, said) = shop.refused(&[
            "validate",
            "--offline",
            "--set",
            "bootstrap=127.0.0.1:9",
            "--set",
            "registry=http://127.0.0.1:9",
            "--set",
            setting,
        ]);
        assert_eq!(code, 1, "{setting}: {said}");
        assert!(
            said.contains(reason) && said.ends_with("not valid: model and configuration\n"),
            "{setting}: {said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_a_program_holds_is_not_touched() {
    let shop = Shop::after_work();
    let held = context()
        .entity::<Rate>()
        .state_dir(shop.0.path().join("rocksdb"))
        .start()
        .await
        .expect("it starts");
    for command in ["list Rate", "topics", "status", "plan", "dlq list"] {
        let arguments: Vec<&str> = command.split(' ').collect();
        let (code, said) = shop.refused(&arguments);
        assert_eq!(code, 3, "{command}: {said}");
        let holder = format!("is in use by process {}", std::process::id());
        assert!(said.contains(&holder), "{command}: {said}");
    }
    held.shutdown().await.expect("it ends");
    assert_eq!(shop.json(&["get", "Rate", "USDJPY"])["price"], 155.5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_program_is_asked_for_its_status() {
    let shop = Shop::after_work();
    let held = context()
        .entity::<Rate>()
        .setting("http_listen", "127.0.0.1:0")
        .state_dir(shop.0.path().join("rocksdb"))
        .start()
        .await
        .expect("it starts");
    let listen = format!("http_listen={}", held.http_address().expect("it listens"));
    let said = shop.said(&["status", "--set", &listen]);
    assert!(said.starts_with("KsqlDsl is ready\n"), "{said}");
    assert_eq!(cells(&said, 4)[1], ["table", "Rate", "rates", "RUNNING"]);
    let json = shop.json(&["status", "--set", &listen]);
    assert_eq!(json["ready"], true);
    held.shutdown().await.expect("it ends");
}

/// The query of the program.
#[query]
fn sold(trades: Stream<Trade>) -> Table<Sold> {
    trades.group_by(|t| t.account).aggregate(|g| Sold {
        account: g.key(),
        pieces: g.sum(|t| t.pieces as i64),
    })
}

/// The commands of the page that are those of the program, and what stands under each.
fn on_the_page() -> Vec<(String, String)> {
    let consoles = PAGE.split("```console\n").skip(1);
    let consoles = consoles.map(|console| console.split("```").next().unwrap_or_default());
    let mut shown: Vec<(String, String)> = Vec::new();
    for line in consoles.flat_map(str::lines) {
        match (line.strip_prefix("$ "), shown.last_mut()) {
            (Some(command), _) => shown.push((command.to_owned(), String::new())),
            (None, Some((_, output))) => output.push_str(&format!("{line}\n")),
            (None, None) => panic!("no command above {line}"),
        }
    }
    let ours = shown.into_iter().filter_map(|(command, output)| {
        let arguments = command.strip_prefix("shop ")?.to_owned();
        Some((arguments, output))
    });
    ours.collect()
}

/// A text without what differs from machine to machine: its name, and how wide a table is because of that.
fn anywhere(said: &str) -> String {
    let Some((_, behind)) = said.split_once("KsqlDsl/") else {
        return said.to_owned();
    };
    let (_, host) = behind.split_once('@').expect("version and machine");
    let host = host.split_whitespace().next().expect("a name");
    let mut last = ' ';
    let text = said.replace(&format!("@{host}"), "@laptop");
    let narrow = text.chars().filter(|char| {
        let again = [' ', '─', '═'].contains(char) && last == *char;
        last = *char;
        !again
    });
    narrow.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_of_the_page_that_is_the_programs_prints_what_stands_there() {
    let (shop, busy) = (Shop::after_work(), Shop::after_work());
    let ctx = context()
        .entity::<Rate>()
        .query(sold)
        .setting("http_listen", "127.0.0.1:0")
        .state_dir(busy.0.path().join("rocksdb"))
        .start()
        .await
        .expect("it starts");
    let rates = ctx.set::<Rate>();
    let handled = rates.consume().for_each(|_| async {}).start().await;
    let handled = handled.expect("it starts");
    handled.wait_running().await.expect("it runs");
    let ready = ctx.wait_ready(std::time::Duration::from_secs(60));
    ready.await.expect("it is ready");
    let nothing = rate("EURUSD", 0.0);
    let letter = rates.send_to_dlq(&nothing, "nobody gives it away", "price.zero");
    letter.await.expect("written");
    let listens = ctx.http_address().expect("it listens").to_string();

    let shown = on_the_page();
    let asked = |what: &str| {
        shown
            .iter()
            .any(|(arguments, _)| arguments.starts_with(what))
    };
    for what in [
        "avro",
        "explain",
        "status",
        "dlq list",
        "dlq show",
        "dlq replay",
    ] {
        assert!(asked(what), "{what} is not on the page: {shown:?}");
    }
    let mut wrong = String::new();
    for (text, expected) in &shown {
        // Of a program that runs where there is a place to ask it.
        let shop = if text.contains("http_listen") {
            &busy
        } else {
            &shop
        };
        let there = text.replace("127.0.0.1:9600", &listens);
        let arguments: Vec<&str> = there.split(' ').collect();
        let output = shop.command(&arguments).env("COLUMNS", "120").output();
        let output = output.expect("it runs");
        let said = self::text(&[output.stdout, output.stderr].concat());
        if anywhere(&said) != anywhere(expected) {
            wrong.push_str(&format!("$ shop {text}\n{said}"));
        }
    }
    ctx.shutdown().await.expect("a clean end");
    assert!(wrong.is_empty(), "these print something else:\n{wrong}");
}

#[test]
fn servers_that_are_away_are_told_from_what_is_wrong() {
    let shop = Shop::fresh();
    let address = closed_port();
    let bootstrap = format!("bootstrap={}", address.trim_start_matches("http://"));
    let registry = format!("registry={address}");
    let away = [
        "--set",
        &bootstrap,
        "--set",
        &registry,
        "--set",
        "reach_timeout=1s",
        "--set",
        "request_timeout=1s",
    ];
    for command in ["validate", "plan", "topics", "list Rate"] {
        let arguments: Vec<&str> = command.split(' ').chain(away).collect();
        let (code, said) = shop.refused(&arguments);
        assert_eq!(code, 3, "{command}: {said}");
        assert!(said.contains("reach kafka"), "{command}: {said}");
    }
    let offline = [&["validate", "--offline"][..], &away].concat();
    assert_eq!(shop.said(&offline), "valid: model and configuration\n");
}

/// The program on a real cluster.
struct OnKafka {
    shop: Shop,
    kafka: &'static Kafka,
    registry: &'static RegistryServer,
    prefix: String,
}

impl OnKafka {
    fn new(test: &str) -> Option<OnKafka> {
        Some(OnKafka {
            shop: Shop::fresh(),
            kafka: servers::kafka_or_skip(test)?,
            registry: servers::registry_or_skip(test)?,
            prefix: format!("{}-", uuid::Uuid::new_v4().simple()),
        })
    }

    fn settings(&self) -> [(&'static str, &str); 3] {
        [
            ("bootstrap", self.kafka.bootstrap()),
            ("registry", self.registry.url()),
            ("topic_prefix", self.prefix.as_str()),
        ]
    }

    fn with<'a>(&self, arguments: &[&'a str], settings: &'a [String]) -> Vec<&'a str> {
        let mut all = arguments.to_vec();
        for setting in settings {
            all.extend(["--set", setting]);
        }
        all
    }

    fn set(&self) -> Vec<String> {
        let settings = self.settings();
        settings
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect()
    }

    fn builder(&self, state: &Path) -> ContextBuilder {
        let settings = self.settings();
        settings
            .iter()
            .fold(context(), |builder, (key, value)| {
                builder.setting(*key, *value)
            })
            .state_dir(state)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_a_program_on_a_cluster_everything_is_seen_and_nothing_touched() {
    let Some(place) = OnKafka::new(test_name!()) else {
        return;
    };
    let set = place.set();
    let (code, said) = place.shop.refused(&place.with(&["list", "Rate"], &set));
    assert_eq!(code, 4, "{said}");
    assert!(
        said.contains("start the program first, which creates it"),
        "{said}"
    );
    assert_eq!(
        place.shop.files(),
        0,
        "no directory is needed to look at a cluster"
    );

    let state = tempfile::tempdir().expect("a directory");
    let ctx = place
        .builder(state.path())
        .entity::<Rate>()
        .entity::<Trade>()
        .start()
        .await
        .expect("it starts");
    let rates = ctx.set::<Rate>();
    rates.add(rate("EURUSD", 1.07)).await.expect("added");
    // Follows until it has what it was told to wait for.
    let mut follows = place.shop.command(&place.with(
        &["tail", "Rate", "--from", "beginning", "-n", "3", "--json"],
        &set,
    ));
    let mut follows = follows.stdout(Stdio::piped()).spawn().expect("it runs");
    let mut lines = BufReader::new(follows.stdout.take().expect("its output")).lines();
    let mut next = || {
        let line = lines.next().expect("a line").expect("text");
        serde_json::from_str::<Value>(&line).expect("JSON")
    };
    assert_eq!(next()["row"], json!({"symbol": "EURUSD", "price": 1.07}));
    rates.add(rate("EURUSD", 1.08)).await.expect("added");
    assert_eq!(next()["row"]["price"], 1.08);
    rates.remove("EURUSD").await.expect("removed");
    assert_eq!(next()["deleted"], json!({"symbol": "EURUSD"}));
    assert!(follows.wait().expect("it ends").success());
    rates.add(rate("USDJPY", 155.5)).await.expect("added");
    let listed = place.shop.json(&place.with(&["list", "Rate"], &set));
    assert_eq!(listed, json!([{"symbol": "USDJPY", "price": 155.5}]));
    let topics = place.shop.json(&place.with(&["topics"], &set));
    assert_eq!(
        (&topics[0]["records"], &topics[2]["exists"]),
        (&json!(4), &json!(false))
    );

    // A key and a value whose schemas nobody has asked for yet, in a process that has just begun.
    let trades = ctx.set::<Trade>();
    let added = (1..=9).map(|number| Trade {
        account: number % 3,
        number,
        pieces: 1,
    });
    trades.add_all(added).await.expect("added");
    let said = place.shop.said(&place.with(
        &["tail", "Trade", "--from", "beginning", "--no-follow"],
        &set,
    ));
    assert_eq!(said.lines().count(), 9, "{said}");

    // What a handler has not handled yet is its group's lag.
    let handled = rates
        .consume()
        .start(Start::Earliest)
        .for_each(|_| async {})
        .start()
        .await
        .expect("it starts");
    let handled_all = || {
        let status = handled.status();
        status.iter().map(|one| one.counters.handled).sum::<u64>() == 3
    };
    while !handled_all() {
        tokio::task::yield_now().await;
    }
    handled.stop().await.expect("it ends");
    rates.add(rate("GBPUSD", 1.25)).await.expect("added");
    let status = place.shop.json(&place.with(&["status"], &set));
    assert_eq!(
        status["groups"],
        json!([{"entity": "Rate", "group": "KsqlDsl_Rate", "lag": 1}])
    );
    ctx.shutdown().await.expect("it ends");
    assert_eq!(place.shop.files(), 0);

    // A start that would be refused is found before it is tried.
    let mut other = set.clone();
    other.push("entity.Rate.partitions=7".to_owned());
    let (code, said) = place.shop.refused(&place.with(&["validate"], &other));
    assert_eq!(code, 1);
    assert!(
        said.contains("partitions is 2, the definition says 7"),
        "{said}"
    );
    let (code, said) = place.shop.refused(&place.with(&["plan"], &other));
    assert_eq!(code, 1);
    assert!(
        said.contains("partitions is 2, the definition says 7"),
        "{said}"
    );
    let valid = place.shop.said(&place.with(&["validate"], &set));
    assert_eq!(
        valid,
        "valid: model, configuration, and what the servers have\n"
    );
}
