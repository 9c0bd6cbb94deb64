//! What the examples hold, as they list it themselves.

use serde_json::Value;

/// Every row of every table of a program, by entity and window. `run` gives what the program prints for some arguments.
pub fn tables(run: impl Fn(&[&str]) -> String) -> Vec<(String, Value)> {
    let json = |arguments: &[&str]| -> Value {
        let said = run(&[arguments, &["--json"]].concat());
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
    };
    let topics = json(&["topics"]);
    let topics = topics.as_array().expect("topics");
    let tables = topics.iter().filter(|topic| topic["kind"] == "table");
    tables
        .map(|topic| {
            let entity = topic["entity"].as_str().expect("a name");
            let mut arguments = vec!["list", entity, "--limit", "0"];
            if let Some(window) = topic["window"].as_str() {
                arguments.extend(["--window", window]);
            }
            (arguments.join(" "), json(&arguments))
        })
        .collect()
}
