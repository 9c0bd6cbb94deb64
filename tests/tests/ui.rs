//! What the compiler says about wrong definitions, and that right ones compile.
//!
//! `TRYBUILD=overwrite cargo test -p ksql-tests --test ui` writes the texts anew; read every one of them as a user would.
//! One case alone: `cargo test -p ksql-tests --test ui -- wrong trybuild=NAME`.

use ksql_tests::compiler::Cases;

#[test]
fn wrong_definitions_are_errors_on_the_token_and_right_ones_compile() {
    let asked = Cases::asked();
    let build = trybuild::TestCases::new();
    build.pass("ui/*/pass/*.rs");
    match asked {
        Cases::All => build.compile_fail("ui/*/fail/*.rs"),
        Cases::Passing(reason) => println!("skipped: {reason}"),
    }
}
