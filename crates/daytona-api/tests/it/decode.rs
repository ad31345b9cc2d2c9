//! No well-formed object of another age or maker fails to decode.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use daytona_api::models::toolbox::ExecuteResponse;
use daytona_api::models::{ListSandboxesResponse, Sandbox};
use proptest::prelude::*;
use serde_json::{Value, json};

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z]{1,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// `valid` with some members replaced, removed or added.
fn mutated(valid: Value) -> impl Strategy<Value = Value> {
    let names: Vec<String> = valid.as_object().unwrap().keys().cloned().collect();
    let change = (
        prop_oneof![prop::sample::select(names), "[a-zA-Z]{1,8}"],
        prop::option::of(any_value()),
    );
    prop::collection::vec(change, 0..6).prop_map(move |changes| {
        let mut all = valid.clone();
        let object = all.as_object_mut().unwrap();
        for (name, value) in changes {
            match value {
                Some(value) => object.insert(name, value),
                None => object.remove(&name),
            };
        }
        all
    })
}

fn sandbox() -> Value {
    json!({
        "id": "sb", "name": "n", "organizationId": "o", "user": "daytona", "env": {"A": "1"}, "labels": {"a": "b"},
        "public": false, "cpu": 1, "gpu": 0, "memory": 1, "disk": 3, "state": "started", "desiredState": "started",
        "autoStopInterval": 15, "autoDeleteInterval": -1, "toolboxProxyUrl": "https://proxy/toolbox",
        "volumes": [{"volumeId": "v", "mountPath": "/m"}], "buildInfo": {"dockerfileContent": "FROM a"},
    })
}

proptest! {
    #[test]
    fn sandboxes(value in mutated(sandbox())) {
        let decoded: Sandbox = serde_json::from_value(value.clone()).unwrap();
        if let Some(id) = value["id"].as_str() {
            prop_assert_eq!(decoded.id, id);
        }
    }

    #[test]
    fn executions(value in mutated(json!({"exitCode": 0, "result": "x"}))) {
        let decoded: ExecuteResponse = serde_json::from_value(value.clone()).unwrap();
        if let Some(result) = value["result"].as_str() {
            prop_assert_eq!(decoded.result, result);
        }
    }

    #[test]
    fn lists(item in mutated(sandbox()), page in mutated(json!({"items": [], "nextCursor": "c"}))) {
        let mut page = page;
        page["items"] = json!([item]);
        let decoded: ListSandboxesResponse = serde_json::from_value(page).unwrap();
        prop_assert_eq!(decoded.items.len(), 1);
    }

    #[test]
    fn cut_off_is_an_error_and_never_a_panic(value in mutated(sandbox()), at in 0.0..1.0f64) {
        let text = value.to_string();
        let mut cut = (text.len() as f64 * at) as usize;
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        prop_assert!(serde_json::from_str::<Sandbox>(&text[..cut]).is_err());
    }
}
