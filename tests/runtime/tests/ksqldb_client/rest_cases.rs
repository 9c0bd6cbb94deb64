//! Pull queries and refusals of ksqlDB's own tests: every expected row is read by its type, every refusal told apart.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ksql_runtime::http::HttpOptions;
use ksql_runtime::ksqldb::{
    Answer, Asked, Class, End as QueryEnd, KsqlDb, KsqlDbError, KsqlDbOptions, SqlType, SqlValue,
};
use ksql_runtime_tests::http_server::{End, Play, TestServer};
use ksql_runtime_tests::recorded::{json, shared_or_skip};
use ksql_runtime_tests::test_name;
use serde_json::Value;

fn client(server: &TestServer) -> KsqlDb {
    KsqlDb::new(KsqlDbOptions::new(HttpOptions::new([server.url()]))).expect("a client")
}

fn cases(kind: &str, all: &Value) -> Vec<Value> {
    let cases = all["cases"].as_array().expect("cases").iter();
    cases.filter(|case| case["kind"] == kind).cloned().collect()
}

/// The JSON that a value was read from, for comparison.
fn written(value: &SqlValue, ty: &SqlType) -> Value {
    match (value, ty) {
        (SqlValue::Null, _) => Value::Null,
        (SqlValue::Boolean(flag), _) => (*flag).into(),
        (SqlValue::Integer(number), _) => (*number).into(),
        (SqlValue::Bigint(number), _) => (*number).into(),
        (SqlValue::Double(number), _) => (*number).into(),
        (SqlValue::String(text), _) => text.as_str().into(),
        (SqlValue::Bytes(bytes), _) => STANDARD.encode(bytes).into(),
        (SqlValue::Array(items), SqlType::Array(ty)) => {
            items.iter().map(|item| written(item, ty)).collect()
        }
        (SqlValue::Struct(fields), SqlType::Struct(types)) => {
            let pairs = fields.iter().zip(types);
            pairs
                .map(|((name, value), (_, ty))| (name.clone(), written(value, ty)))
                .collect()
        }
        other => panic!("{other:?} is not among the cases"),
    }
}

#[tokio::test]
async fn every_expected_row_is_read_by_its_type() {
    let Some(path) = shared_or_skip(test_name!(), "conformance/rest.json") else {
        return;
    };
    let cases = cases("pull", &json(&path));
    assert_eq!(cases.len(), 91);
    let mut rows_read = 0;
    for case in &cases {
        let id = case["id"].as_str().expect("an id");
        let statements = case["statements"].as_array().expect("statements");
        for (statement, response) in statements
            .iter()
            .zip(case["responses"].as_array().expect("responses"))
        {
            if let Some(admin) = response.get("admin") {
                let answer = Answer::read(admin.clone());
                let partial = matches!(&answer, Answer::Other { .. })
                    && admin.as_object().is_some_and(|fields| fields.len() == 1);
                assert!(
                    partial || !matches!(answer, Answer::Other { .. }),
                    "{id}: {answer:?}"
                );
                continue;
            }
            let Some(elements) = response["query"].as_array() else {
                continue;
            };
            let texts: Vec<String> = elements.iter().map(ToString::to_string).collect();
            let body = format!("[{}]", texts.join(",\n"));
            let server = TestServer::start(move |_| Play::stream(&[&body], End::Complete));
            let statement = statement.as_str().expect("a statement");
            let mut rows = client(&server)
                .rows(statement, &BTreeMap::new())
                .await
                .expect(id);
            let types: Vec<SqlType> = rows
                .columns()
                .iter()
                .map(|column| column.ty.clone())
                .collect();
            for expected in elements.iter().filter_map(|element| element.get("row")) {
                let row = rows.next().await.expect(id).expect("a row");
                let found: Vec<Value> = row
                    .values
                    .iter()
                    .zip(&types)
                    .map(|(value, ty)| written(value, ty))
                    .collect();
                assert_eq!(Value::from(found), expected["columns"], "{id}");
                rows_read += 1;
            }
            assert_eq!(rows.next().await.expect(id), None, "{id}");
            let last = elements
                .last()
                .and_then(|element| element.get("finalMessage"))
                .and_then(Value::as_str);
            let end = match last {
                None => QueryEnd::Complete,
                Some("Limit Reached") => QueryEnd::LimitReached,
                Some("Query Completed") => QueryEnd::Completed,
                Some(other) => panic!("{id}: {other}"),
            };
            assert_eq!(rows.end(), Some(&end), "{id}");
        }
    }
    assert_eq!(rows_read, 332);
}

#[tokio::test]
async fn every_refusal_is_final_and_tells_the_servers_text() {
    let Some(path) = shared_or_skip(test_name!(), "conformance/rest.json") else {
        return;
    };
    let cases = cases("error", &json(&path));
    assert_eq!(cases.len(), 32);
    for case in &cases {
        let message = case["error"]["message"]
            .as_str()
            .expect("a message")
            .to_owned();
        let code = if case["error"]["type"] == "KsqlErrorMessage" {
            40000
        } else {
            40001
        };
        let expected = if message.contains("isn't queryable") {
            Class::NotQueryable
        } else {
            Class::Invalid
        };
        assert_eq!(
            Class::of(code, &message, Asked::Pull),
            expected,
            "{message}"
        );
        assert!(!expected.is_retryable());
        let told = message.clone();
        let server = TestServer::start(move |_| Play::error(code, &told));
        let statement = case["statements"]
            .as_array()
            .and_then(|all| all.last())
            .and_then(Value::as_str)
            .expect("a statement");
        let error = client(&server)
            .rows(statement, &BTreeMap::new())
            .await
            .expect_err("refused");
        let KsqlDbError::Server(error) = error else {
            panic!("the server's error: {error}")
        };
        assert_eq!(
            (error.code, error.class, error.message),
            (code, expected, message)
        );
        assert_eq!(error.statement.as_deref(), Some(statement));
    }
}
