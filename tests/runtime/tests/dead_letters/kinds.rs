//! Poison of every kind, shown: what is Avro of any schema is decoded, of everything else it is said why it is not.

use ksql_runtime::dlq::{Shown, Written};
use serde_json::json;

use crate::{Given, encoded, fail, fail_at, order, with_topic};

/// Of another program: nothing here knows it.
const FOREIGN: &str = r#"{"type":"record","name":"Trip","namespace":"other","fields":[
    {"name":"stops","type":{"type":"array","items":["null","string"]}},
    {"name":"fare","type":["null",{"type":"bytes","logicalType":"decimal","precision":18,"scale":4}]},
    {"name":"on","type":{"type":"int","logicalType":"date"}},
    {"name":"raw","type":"bytes"}]}"#;

fn framed(id: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend(id.to_be_bytes());
    bytes.extend(body);
    bytes
}

fn reason(shown: &Shown) -> &str {
    match shown {
        Shown::Unreadable { reason } => reason,
        other => panic!("{other:?}"),
    }
}

crate::on_each_log! {
    async fn a_value_is_decoded_by_the_schema_whose_id_stands_in_it(case: Case) {
        let ctx = case.start().await;
        let given = encoded(&ctx, &case, &order(7)).await;
        let (_, letter) = fail(&ctx, &case, &given, "c").await;
        let shown = ctx.dead_letters().show(crate::id(&letter)).await.expect("shown");
        assert_eq!(shown.key, Shown::Primitive(json!(7)));
        let Shown::Avro { schema_id, schema, json } = &shown.value else {
            panic!("{:?}", shown.value);
        };
        assert_eq!(Some(*schema_id), shown.letter.value_schema);
        assert!(schema.contains("ordered_at"), "{schema}");
        assert_eq!(*json, json!({
            "article": "bolt",
            "price": "19.95",
            "ordered_at": "2023-11-14T22:13:20+00:00",
            "note": null,
        }));
        assert_eq!(shown.letter.value, given.value, "beside its bytes");
        let json = shown.to_json();
        assert_eq!(json["value"]["avro"]["price"], "19.95");
        assert_eq!(json["key"], json!({"primitive": 7}));
        assert_eq!(json["letter"]["key"], "AAAAAAAAAAc=", "eight bytes in base64");
        assert_eq!(json["letter"]["topic"], case.name("orders"));
        ctx.shutdown().await.expect("it ends");
    }

    async fn neither_the_entity_nor_the_topic_need_be_known(case: Case) {
        let ctx = case.start().await;
        let topic = case.name("trips");
        with_topic(&ctx, &topic, 1).await;
        let schema = ctx.registry().register(&format!("{topic}-value"), FOREIGN).await.expect("registered");
        // Two stops, one of them none; 1.0842; the second day; three bytes.
        let body = [4, 2, 2, b'A', 0, 0, 2, 4, 0x2a, 0x5a, 2, 6, 0, 1, 0xff];
        let key = framed(schema, &body);
        let given = Given::new(Some(&key), Some(&framed(schema, &body)));
        let at = given.produce(ctx.log(), &topic, case.clock.now_ms()).await;
        let Written::Acknowledged(letter) = fail_at(&ctx, &at, "c", "m").await else {
            panic!("nobody declines");
        };
        // Its topic is no more.
        ctx.log().delete_topic(&topic).await.expect("deleted");
        let shown = ctx.dead_letters().show(crate::id(&letter)).await.expect("shown");
        let expected = json!({"stops": ["A", null], "fare": "1.0842", "on": "1970-01-02", "raw": "AAH/"});
        for part in [&shown.key, &shown.value] {
            assert_eq!(part.json(), Some(expected.clone()), "{part:?}");
        }
        assert_eq!((shown.letter.key_schema, shown.letter.value_schema), (Some(schema), Some(schema)));
        ctx.shutdown().await.expect("it ends");
    }

    async fn what_cannot_be_decoded_says_why_beside_all_of_its_bytes(case: Case) {
        let ctx = case.start().await;
        let right = encoded(&ctx, &case, &order(7)).await.value.expect("a value");
        let schema = u32::from_be_bytes(right[1..5].try_into().expect("4 bytes"));
        let mut longer = right.clone();
        longer.push(1);
        let kinds: [(&str, Vec<u8>, &str); 6] = [
            ("cut off", right[..right.len() - 3].to_vec(), "it is no value of schema"),
            ("something behind it", longer, "1 bytes are left over"),
            ("an unknown schema", framed(999_999, b"x"), "its schema id is 999999"),
            ("a frame cut off", vec![0, 0, 1], "the bytes end inside the schema id"),
            ("no Avro and no text", vec![7, 0xff, 0xfe], "the first byte is 7"),
            ("a text of 2^60 bytes", framed(schema, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]), "it is no value of schema"),
        ];
        for (kind, value, why) in kinds {
            let given = Given::new(Some(&7_i64.to_be_bytes()), Some(&value));
            let (_, letter) = fail(&ctx, &case, &given, "c").await;
            let shown = ctx.dead_letters().show(crate::id(&letter)).await.expect("shown");
            assert!(reason(&shown.value).contains(why), "{kind}: {:?}", shown.value);
            assert_eq!(shown.letter.value.as_ref(), Some(&value), "{kind}");
        }
        ctx.shutdown().await.expect("it ends");
    }

    async fn no_value_an_empty_one_and_text_are_shown_as_what_they_are(case: Case) {
        let ctx = case.start().await;
        for (value, expected) in [
            (None, Shown::Absent),
            (Some(&b"{\"id\": 7}\n"[..]), Shown::Text("{\"id\": 7}\n".to_owned())),
            (Some(b""), Shown::Text(String::new())),
        ] {
            let (_, letter) = fail(&ctx, &case, &Given::new(None, value), "c").await;
            let shown = ctx.dead_letters().show(crate::id(&letter)).await.expect("shown");
            assert_eq!((shown.key, shown.value), (Shown::Absent, expected));
        }
        ctx.shutdown().await.expect("it ends");
    }

    async fn a_key_that_is_none_of_its_topic_says_so(case: Case) {
        let ctx = case.start().await;
        let (_, letter) = fail(&ctx, &case, &Given::new(Some(b"seven"), None), "key.invalid").await;
        let shown = ctx.dead_letters().show(crate::id(&letter)).await.expect("shown");
        assert_eq!(reason(&shown.key), "5 bytes, and a key of its topic is 8 bytes");
        ctx.shutdown().await.expect("it ends");
    }

    async fn a_key_of_an_unknown_topic_is_shown_in_the_first_form_that_fits(case: Case) {
        let ctx = case.start().await;
        let topic = case.name("elsewhere");
        with_topic(&ctx, &topic, 1).await;
        for (key, expected) in [
            (&b"EURUSD"[..], json!("EURUSD")),
            (&7_i64.to_be_bytes(), json!(7)),
            (&(-7_i64).to_be_bytes(), json!(-7)),
            (&7_i32.to_be_bytes(), json!(7)),
        ] {
            let at = Given::new(Some(key), None).produce(ctx.log(), &topic, case.clock.now_ms()).await;
            let Written::Acknowledged(letter) = fail_at(&ctx, &at, "c", "m").await else {
                panic!("nobody declines");
            };
            let shown = ctx.dead_letters().show(crate::id(&letter)).await.expect("shown");
            assert_eq!(shown.key, Shown::Primitive(expected));
        }
        ctx.shutdown().await.expect("it ends");
    }
}
