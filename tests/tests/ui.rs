//! What the compiler says about wrong definitions, and that right ones compile.
//!
//! `TRYBUILD=overwrite cargo test -p ksql-tests --test ui` writes the texts anew; read every one of them as a user would.

#[test]
fn wrong_definitions_are_errors_on_the_token_and_right_ones_compile() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/*/pass/*.rs");
    cases.compile_fail("ui/*/fail/*.rs");
}
