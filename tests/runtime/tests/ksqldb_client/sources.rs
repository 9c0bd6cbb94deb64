//! Sources: created where there is nothing, compared where there is something, altered on request.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::model::{Model, Order, absent, client, described, orders};
use ksql_runtime::entity::Entity;
use ksql_runtime::ksqldb::{Ensured, Remedy, SourceDefinition, SqlType};
use ksql_runtime::schema::ddl::ksql_type;
use ksql_runtime::schema::{Column, Kind, Role};
use ksql_runtime_tests::http_server::{Play, TestServer};
use ksql_tests::entities;
use serde_json::{Value, json};
#[tokio::test]
async fn a_source_is_created_once_and_left_alone_where_it_is_equal() {
    let (model, server) = Model::default().start();
    let ksql = client(&server);
    assert_eq!(
        ksql.ensure_source(&orders()).await.expect("created"),
        Ensured::Created { query_id: None }
    );
    for _ in 0..2 {
        assert_eq!(
            ksql.ensure_source(&orders()).await.expect("equal"),
            Ensured::Unchanged { query_id: None }
        );
    }
    assert_eq!(model.sent(), 1);
}

#[tokio::test]
async fn a_source_that_another_instance_creates_meanwhile_is_compared() {
    for (partitions, equal) in [(4, true), (3, false)] {
        let created = AtomicUsize::new(0);
        let mut other = described(Order::CREATE);
        other["partitions"] = json!(partitions);
        let server = TestServer::start(move |request| match request.statement().as_str() {
            "DESCRIBE `ORDER`;" if created.load(Ordering::Acquire) == 0 => absent("ORDER"),
            "DESCRIBE `ORDER`;" => {
                Play::json(json!([{ "@type": "sourceDescription", "sourceDescription": other }]))
            }
            _ => {
                created.store(1, Ordering::Release);
                Play::json(
                    json!([{ "@type": "warning_entity", "message": "Cannot add stream `ORDER`: A stream with the same name already exists." }]),
                )
            }
        });
        let ensured = client(&server)
            .ensure_source(&orders())
            .await
            .expect("compared");
        assert_eq!(
            matches!(ensured, Ensured::Unchanged { .. }),
            equal,
            "{ensured:?}"
        );
    }
}

#[tokio::test]
async fn every_difference_of_a_source_is_told_with_what_can_be_done() {
    type Change = fn(&mut Value);
    let new_version = Remedy::NewVersion;
    let cases: [(&str, Change, Remedy, &str); 16] = [
        (
            "a table",
            |found| found["type"] = json!("TABLE"),
            Remedy::Refused,
            "it is a TABLE and defined as a STREAM",
        ),
        (
            "another topic",
            |found| found["topic"] = json!("Shop.Orders"),
            new_version.clone(),
            "KAFKA_TOPIC is `Shop.Orders` and defined as `shop.orders`",
        ),
        (
            "partitions",
            |found| found["partitions"] = json!(3),
            Remedy::Refused,
            "topic `shop.orders` has 3 partitions and 4 are defined: write `partitions = 3`",
        ),
        (
            "key format",
            |found| found["keyFormat"] = json!("JSON"),
            new_version.clone(),
            "KEY_FORMAT is `JSON` and defined as `AVRO`",
        ),
        (
            "value format",
            |found| found["valueFormat"] = json!("JSON"),
            new_version.clone(),
            "VALUE_FORMAT is `JSON`",
        ),
        (
            "key order",
            |found| found["fields"].as_array_mut().expect("fields").swap(0, 1),
            new_version.clone(),
            "its key is (`LINE` INTEGER, `ID` STRING) and defined as (`ID` STRING, `LINE` INTEGER)",
        ),
        (
            "key type",
            |found| found["fields"][1]["schema"]["type"] = json!("BIGINT"),
            new_version.clone(),
            "its key is (`ID` STRING, `LINE` BIGINT)",
        ),
        (
            "no key",
            |found| found["fields"][1]["type"] = Value::Null,
            new_version.clone(),
            "its key is (`ID` STRING)",
        ),
        (
            "a column less",
            |found| {
                found["fields"].as_array_mut().expect("fields").remove(2);
            },
            Remedy::InPlace("ALTER STREAM `ORDER` ADD COLUMN `CUSTOMER` STRING;".to_owned()),
            "`ALTER STREAM `ORDER` ADD COLUMN `CUSTOMER` STRING;` adds it in place",
        ),
        (
            "a column more",
            |found| {
                found["fields"]
                    .as_array_mut()
                    .expect("fields")
                    .push(json!({ "name": "NEW", "schema": { "type": "STRING" } }))
            },
            new_version.clone(),
            "column `NEW` is there and not defined",
        ),
        (
            "column type",
            |found| found["fields"][4]["schema"]["parameters"]["scale"] = json!(2),
            new_version.clone(),
            "column `PRICE` is DECIMAL(18, 2) and defined as DECIMAL(18, 4)",
        ),
        (
            "unknown type",
            |found| found["fields"][2]["schema"]["type"] = json!("INTERVAL"),
            new_version.clone(),
            "column `CUSTOMER` is of an unknown type",
        ),
        (
            "time column",
            |found| found["timestamp"] = json!("OTHER"),
            new_version.clone(),
            "TIMESTAMP is `OTHER` and defined as `PLACED_AT`",
        ),
        (
            "record name",
            |found| {
                found["statement"] = json!(
                    found["statement"]
                        .as_str()
                        .expect("a text")
                        .replace("shop.Order'", "shop.Sale'")
                )
            },
            new_version.clone(),
            "VALUE_SCHEMA_FULL_NAME is `shop.Sale` and defined as `shop.Order`",
        ),
        (
            "window",
            |found| {
                found["statement"] = json!(
                    found["statement"]
                        .as_str()
                        .expect("a text")
                        .replace("TIMESTAMP=", "WINDOW_SIZE='5 MINUTES', TIMESTAMP=")
                )
            },
            new_version,
            "WINDOW_SIZE is `5 MINUTES` and defined as nothing",
        ),
        (
            "by a query",
            |found| {
                found["statement"] = json!("CREATE STREAM ORDER AS SELECT A FROM T;");
                found["writeQueries"] = json!([{ "id": "CSAS_ORDER_1" }]);
            },
            Remedy::Refused,
            "it is the result of a query (CSAS_ORDER_1) and defined as a source",
        ),
    ];
    for (name, change, remedy, told) in cases {
        let mut found = described(Order::CREATE);
        change(&mut found);
        let (model, server) = Model::with("ORDER", found).start();
        let Ensured::Drift(differences) = client(&server)
            .ensure_source(&orders())
            .await
            .expect("compared")
        else {
            panic!("{name}: a difference");
        };
        let told_of: Vec<String> = differences.iter().map(ToString::to_string).collect();
        let at = told_of
            .iter()
            .position(|text| text.contains(told))
            .unwrap_or_else(|| panic!("{name}: {told_of:?}"));
        assert_eq!(differences[at].remedy(), remedy, "{name}");
        assert_eq!(model.sent(), 0, "{name}: nothing is changed unasked");
    }
}

#[tokio::test]
async fn missing_columns_are_added_in_place_when_that_is_all() {
    let mut found = described(Order::CREATE);
    found["fields"].as_array_mut().expect("fields").remove(2);
    let (model, server) = Model::with("ORDER", found.clone()).start();
    let ksql = client(&server);
    assert_eq!(
        ksql.alter_source(&orders()).await.expect("altered"),
        Ensured::Unchanged { query_id: None }
    );
    assert_eq!(model.sent(), 1);

    found["partitions"] = json!(3);
    let (model, server) = Model::with("ORDER", found).start();
    let error = client(&server)
        .alter_source(&orders())
        .await
        .expect_err("more than that");
    let text = error.to_string();
    assert!(
        text.starts_with("`ORDER` differs from its definition: "),
        "{text}"
    );
    assert!(
        text.contains("has 3 partitions") && text.contains("adds it in place"),
        "{text}"
    );
    assert_eq!(model.sent(), 0);
}

#[tokio::test]
async fn an_old_server_that_tells_less_is_not_told_to_differ() {
    let found = json!({
        "name": "ORDER", "type": "STREAM", "format": "AVRO", "topic": "shop.orders", "partitions": 4, "timestamp": "PLACED_AT",
        "fields": [{ "name": "ROWTIME", "schema": { "type": "BIGINT" } }, { "name": "ID", "schema": { "type": "STRING" }, "type": "KEY" },
            { "name": "LINE", "schema": { "type": "INTEGER" }, "type": "KEY" }, { "name": "CUSTOMER", "schema": { "type": "STRING" } },
            { "name": "PLACED_AT", "schema": { "type": "TIMESTAMP" } },
            { "name": "PRICE", "schema": { "type": "DECIMAL", "parameters": { "precision": 18, "scale": 4 } } },
            { "name": "TAGS", "schema": { "type": "ARRAY", "memberSchema": { "type": "STRING" } } }],
        "keyFormat": "AVRO"
    });
    let (_, server) = Model::with("ORDER", found).start();
    assert_eq!(
        client(&server)
            .ensure_source(&orders())
            .await
            .expect("compared"),
        Ensured::Unchanged { query_id: None }
    );
}

/// A type as `DESCRIBE` tells it.
fn schema(ty: &SqlType) -> Value {
    match ty {
        SqlType::Decimal { precision, scale } => {
            json!({ "type": "DECIMAL", "parameters": { "precision": precision, "scale": scale } })
        }
        SqlType::Array(item) => json!({ "type": "ARRAY", "memberSchema": schema(item) }),
        SqlType::Map(_, item) => json!({ "type": "MAP", "memberSchema": schema(item) }),
        SqlType::Struct(fields) => {
            let fields: Vec<Value> = fields
                .iter()
                .map(|(name, ty)| json!({ "name": name, "schema": schema(ty) }))
                .collect();
            json!({ "type": "STRUCT", "fields": fields })
        }
        simple => json!({ "type": simple.to_string(), "fields": null, "memberSchema": null }),
    }
}

/// Each source of an entity is equal to what a server tells of exactly that entity.
async fn equal_to_itself<T: Entity>() {
    for definition in SourceDefinition::of::<T>().expect("the entity's own statement") {
        let of_role = |role: Role| T::COLUMNS.iter().filter(move |column| column.role == role);
        let described = |column: &Column<'_>| {
            let ty = match column.datetime_format {
                Some(_) => "STRING".to_owned(),
                None => ksql_type(&column.ty),
            };
            let role = (column.role == Role::Key).then_some("KEY");
            let ty = SqlType::parse(&ty).expect("a type");
            assert_eq!(
                SqlType::parse(&ty.to_string()).as_ref(),
                Ok(&ty),
                "read back"
            );
            json!({ "name": column.sql_name, "schema": schema(&ty), "type": role })
        };
        let fields: Vec<Value> = of_role(Role::Key)
            .chain(of_role(Role::Value))
            .map(described)
            .collect();
        let model = T::MODEL;
        let topic = definition
            .statement()
            .split("KAFKA_TOPIC='")
            .nth(1)
            .and_then(|rest| rest.split('\'').next());
        let time = T::COLUMNS.iter().find(|column| column.timestamp);
        let found = json!({
            "name": definition.name(),
            "type": if model.kind == Kind::Table { "TABLE" } else { "STREAM" },
            "windowType": model.window.map(|window| format!("{:?}", window.kind).to_uppercase()),
            "keyFormat": match model.key_columns() { 0 => "NONE", 1 => "KAFKA", _ => "AVRO" },
            "valueFormat": "AVRO",
            "topic": topic,
            "partitions": model.topic.partitions.unwrap_or(1),
            "timestamp": time.map_or("", |column| column.sql_name),
            "statement": definition.statement(),
            "fields": fields,
        });
        let (model, server) = Model::with(definition.name(), found).start();
        let ensured = client(&server)
            .ensure_source(&definition)
            .await
            .expect("compared");
        assert_eq!(
            ensured,
            Ensured::Unchanged { query_id: None },
            "{}",
            definition.statement()
        );
        assert_eq!(model.sent(), 0);
    }
}

#[tokio::test]
async fn every_kind_of_definition_is_equal_to_itself() {
    macro_rules! all {
        ($($entity:ident)+) => { $(equal_to_itself::<entities::$entity>().await;)+ };
    }
    all! {
        Flight Airline Plane Select ByInt ByLong ByText ByUuid Composite Unkeyed Scalars OptionalScalars Limits Decimals Times
        Formatted OptionalFormatted Collections Nested Tumbling Hopping Session
    }
}
