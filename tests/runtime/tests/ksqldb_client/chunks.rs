//! Where a chunk ends does not matter, and no bytes make it panic.

use ksql_runtime::ksqldb::{Element, Elements, SqlType};
use proptest::prelude::*;
proptest! {
    #[test]
    fn where_a_chunk_ends_does_not_matter(
        texts in proptest::collection::vec("[ -~\\n\\\\\"{}\\[\\],é😀]{0,20}", 0..8),
        cuts in proptest::collection::vec(1_usize..40, 1..50),
        separator in prop_oneof![Just(",\n"), Just(","), Just(" ,\r\n ")],
    ) {
        let elements: Vec<String> = texts
            .iter()
            .map(|text| serde_json::json!({ "row": { "columns": [text, { "a": [text] }] } }).to_string())
            .collect();
        let whole = format!("[{}]\n", elements.join(separator));
        let mut bytes = whole.as_bytes();
        let mut reader = Elements::new(10_000);
        let mut found = Vec::new();
        for cut in cuts.iter().cycle() {
            let (chunk, rest) = bytes.split_at((*cut).min(bytes.len()));
            reader.push(chunk);
            while let Some(element) = reader.next().expect("good bytes") {
                found.push(element);
            }
            bytes = rest;
            if bytes.is_empty() {
                break;
            }
            prop_assert!(!reader.is_complete() || bytes.iter().all(u8::is_ascii_whitespace));
        }
        prop_assert!(reader.is_complete());
        prop_assert_eq!(&found, &elements);
        for element in &found {
            prop_assert!(matches!(Element::read(element), Ok(Element::Row { tombstone: false, .. })), "{}", element);
        }
    }

    #[test]
    fn any_bytes_are_elements_or_an_error_and_never_a_panic(chunks in proptest::collection::vec(any::<Vec<u8>>(), 0..6)) {
        let mut reader = Elements::new(64);
        for chunk in &chunks {
            reader.push(chunk);
            while let Ok(Some(text)) = reader.next() {
                let _ = Element::read(&text);
            }
        }
    }

    #[test]
    fn any_text_is_a_type_a_statement_or_an_error_and_never_a_panic(text in "[A-Z`'\"<>(),;. 0-9eé\\-]{0,40}") {
        let _ = SqlType::parse(&text);
        let _ = ksql_runtime::ksqldb::Statement::split(&text);
        let _ = ksql_runtime::ksqldb::SchemaColumn::parse_all(&text);
    }
}
