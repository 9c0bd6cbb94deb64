//! What the compiler says about handlers that cannot be, and that those that can compile.
//!
//! The cases are as those of `tests/ui`, which are built without a log, so that nothing that runs is there. These are compiled
//! against the library that this test is linked with: RocksDB is not built once more for them. `TRYBUILD=overwrite cargo test -p
//! ksql-runtime-tests --test compile_errors` writes the texts anew; read every one of them as a user would.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::SystemTime;

use ksql_tests::compiler::{Cases, rustc};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The cases of a kind, as paths from the root.
fn cases(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new("ui/handlers").join(kind);
    let entries = std::fs::read_dir(root().join(&folder)).expect("the cases");
    let mut found: Vec<PathBuf> = entries
        .map(|entry| folder.join(entry.expect("an entry").file_name()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "cases that {kind}");
    found
}

/// Compiles a case against a library, without making a program of it.
fn compiled(library: &Path, case: &Path) -> Output {
    let made = tempfile::tempdir().expect("a directory");
    let libraries = library.parent().expect("a folder");
    Command::new(rustc())
        .current_dir(root())
        .args([
            "--edition",
            "2024",
            "--crate-type",
            "bin",
            "--emit",
            "metadata",
        ])
        .args([
            "--color",
            "never",
            "--diagnostic-width",
            "140",
            "-A",
            "warnings",
        ])
        .arg("--out-dir")
        .arg(made.path())
        .arg("-L")
        .arg(format!("dependency={}", libraries.display()))
        .arg("--extern")
        .arg(format!("ksql_runtime={}", library.display()))
        .arg(case)
        .output()
        .expect("a compiler")
}

/// The library as it was built last with all that runs: others lie beside it, with fewer features or of an older source.
fn library() -> PathBuf {
    let this = std::env::current_exe().expect("this program");
    let folder = this.parent().expect("a folder");
    let mut found: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the libraries") {
        let entry = entry.expect("an entry");
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("libksql_runtime-") && name.ends_with(".rlib") {
            let built = entry.metadata().and_then(|data| data.modified());
            found.push((built.expect("a time"), entry.path()));
        }
    }
    found.sort();
    let right = cases("pass");
    let mut said = String::new();
    for (_, library) in found.into_iter().rev() {
        let outputs = right.iter().map(|case| compiled(&library, case));
        match outputs.into_iter().find(|output| !output.status.success()) {
            None => return library,
            Some(output) => said.push_str(&String::from_utf8_lossy(&output.stderr)),
        }
    }
    panic!("right handlers compile with no library: {said}");
}

/// What was said, without the places in the library, which move with each change of it, and without files of this run.
fn text(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let of_this_run = ["has been written to '", "consider using `--verbose`"];
    let mut kept = String::new();
    for line in said.lines() {
        if of_this_run.iter().any(|what| line.contains(what)) {
            continue;
        }
        let arrow = ["--> ", "::: "].iter().find_map(|arrow| line.find(arrow));
        match (arrow, line.split_once(".rs:")) {
            (Some(at), Some((file, _))) if !line.contains("--> ui/") => {
                // A library of others lies where this machine has it.
                let path = &file[at + 4..];
                let from = path.find("ksql-runtime/").or(path.find("library/"));
                kept.push_str(&line[..at + 4]);
                kept.push_str(&path[from.unwrap_or(0)..]);
                kept.push_str(".rs");
            }
            _ => kept.push_str(line),
        }
        kept.push('\n');
    }
    kept
}

#[test]
fn a_handler_that_says_nothing_of_its_message_does_not_compile_and_is_told_what_it_may_say() {
    let library = library();
    if let Cases::Passing(reason) = Cases::asked() {
        println!("skipped: {reason}");
        return;
    }
    let overwrite = std::env::var("TRYBUILD").is_ok_and(|what| what == "overwrite");
    let mut wrong = Vec::new();
    for case in cases("fail") {
        let output = compiled(&library, &case);
        let (file, said) = (root().join(&case).with_extension("stderr"), text(&output));
        if output.status.success() {
            wrong.push(format!("{} compiles", case.display()));
        } else if overwrite {
            std::fs::write(&file, said).expect("written");
        } else {
            let held = std::fs::read_to_string(&file).unwrap_or_default();
            if held != said {
                wrong.push(format!("{}: {said}", case.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
