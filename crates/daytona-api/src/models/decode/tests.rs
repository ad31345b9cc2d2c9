mod every_model;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::models::toolbox::{CodeRunResponse, ExecuteResponse, GitCloneRequest};
use crate::models::{
    ApiKeyList, CreateSandbox, DaytonaConfiguration, GpuType, Organization, Sandbox,
    SandboxListItem, SandboxState,
};

fn sandbox(value: Value) -> Sandbox {
    serde_json::from_value(value).unwrap()
}

#[test]
fn missing_null_and_ill_typed_members_become_defaults() {
    let odd = json!({
        "id": "a", "name": null, "cpu": {"x": 1}, "labels": [1], "public": "true", "state": 7,
        "volumes": null, "env": {"A": "1", "B": null, "C": 3}, "buildInfo": "text", "later": {"a": [{}]},
    });
    let decoded = sandbox(odd);
    assert_eq!(decoded.id, "a");
    assert_eq!(decoded.name, "");
    assert_eq!(decoded.cpu, 0);
    assert!(decoded.labels.is_empty());
    assert!(decoded.public);
    assert_eq!(decoded.state, Some(SandboxState::Other("7".to_owned())));
    assert_eq!(decoded.volumes, None);
    assert_eq!(decoded.build_info, None);
    let env: Vec<_> = decoded
        .env
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(env, [("A", "1"), ("C", "3")]);
    assert_eq!(sandbox(json!({})), Sandbox::default());
}

#[test]
fn only_an_object_is_a_model() {
    for wrong in ["[]", "1", "null", "\"x\"", "true"] {
        let error = serde_json::from_str::<Sandbox>(wrong).unwrap_err();
        assert!(error.to_string().contains("expected an object"), "{error}");
    }
}

#[test]
fn integers_come_in_every_lossless_spelling() {
    for five in ["5", "5.0", "0.5e1", "\"5\"", "\"5.0\""] {
        let text = format!(r#"{{"cpu": {five}, "autoStopInterval": {five}}}"#);
        let decoded: Sandbox = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (decoded.cpu, decoded.auto_stop_interval),
            (5, Some(5)),
            "{five}"
        );
    }
    for lossy in [
        "5.5",
        "\"five\"",
        "1e300",
        "18446744073709551615",
        "true",
        "[5]",
    ] {
        let text = format!(r#"{{"cpu": {lossy}, "autoStopInterval": {lossy}}}"#);
        let decoded: Sandbox = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (decoded.cpu, decoded.auto_stop_interval),
            (0, None),
            "{lossy}"
        );
    }
}

#[test]
fn the_last_of_two_equal_members_wins() {
    let decoded: Sandbox = serde_json::from_str(r#"{"id": "a", "id": "b"}"#).unwrap();
    assert_eq!(decoded.id, "b");
}

#[test]
fn unknown_enum_values_survive_a_round_trip() {
    let decoded = sandbox(json!({"state": "hibernating", "desiredState": "started"}));
    let state = decoded.state.as_ref().unwrap();
    assert_eq!(*state, SandboxState::Other("hibernating".to_owned()));
    assert_eq!(state.to_string(), "hibernating");
    let again = serde_json::to_value(&decoded).unwrap();
    assert_eq!(again["state"], "hibernating");
    assert_eq!(again["desiredState"], "started");
    assert_eq!(SandboxState::from("unknown"), SandboxState::Unknown);
    for state in SandboxState::ALL {
        assert_eq!(SandboxState::from(state.as_str()), *state);
    }
}

#[test]
fn one_text_is_a_list_of_one() {
    let one: CreateSandbox = serde_json::from_value(json!({"gpuType": "H100"})).unwrap();
    let two: CreateSandbox = serde_json::from_value(json!({"gpuType": ["H100", null]})).unwrap();
    assert_eq!(one.gpu_type, Some(vec![GpuType::H100]));
    assert_eq!(two.gpu_type, one.gpu_type);
}

#[test]
fn what_is_written_is_what_clients_demand() {
    let sandbox = Sandbox {
        cpu: 2,
        auto_delete_interval: Some(0),
        ..Sandbox::default()
    };
    let written = serde_json::to_string(&sandbox).unwrap();
    assert!(written.contains(r#""cpu":2,"gpu":0"#), "{written}");
    assert!(written.contains(r#""env":{},"labels":{}"#), "{written}");
    assert!(written.contains(r#""autoDeleteInterval":0"#), "{written}");
    assert!(written.contains(r#""kvm":false"#), "{written}");
    assert!(!written.contains("snapshot"), "{written}");
    // Required and nullable: written as null rather than left out.
    let key = serde_json::to_value(ApiKeyList::default()).unwrap();
    assert_eq!(key.get("expiresAt"), Some(&Value::Null));
    assert_eq!(
        serde_json::to_string(&CreateSandbox::default()).unwrap(),
        "{}"
    );
}

#[test]
fn debug_shows_no_secret() {
    let sandbox =
        sandbox(json!({"env": {"K": "hunter2"}, "outboundProxyUrl": "http://u:hunter2@x"}));
    let clone: GitCloneRequest =
        serde_json::from_value(json!({"url": "https://u:hunter2@h/r", "password": "hunter2"}))
            .unwrap();
    let organization: Organization = serde_json::from_value(json!({
        "experimentalConfig": {"otel": {"headers": {"k": "hunter2"}}},
        "otelConfig": {"endpoint": "e", "headers": {"k": "hunter2"}},
    }))
    .unwrap();
    for shown in [
        format!("{sandbox:?}"),
        format!("{clone:#?}"),
        format!("{organization:?}"),
    ] {
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("[redacted]"), "{shown}");
    }
    assert!(format!("{:?}", Sandbox::default()).contains("outbound_proxy_url: None"));
}

pub(crate) fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|n| Value::from(f64::from(n) / 4.0)),
        "[a-z0-9.]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z]{1,5}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// An object whose members have the names of the model, so that every decoder sees every value.
fn members_of<T: super::Object>() -> impl Strategy<Value = Value> {
    let name = proptest::sample::select(T::FIELDS);
    proptest::collection::btree_map(name, json_value(), 0..12).prop_map(|map| {
        Value::Object(
            map.into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    })
}

/// Decodes, and decodes to the same again after being written.
fn decodes<T>(value: &Value)
where
    T: super::Object + serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let first: T = serde_json::from_str(&value.to_string()).unwrap();
    let written = serde_json::to_string(&first).unwrap();
    let again: T = serde_json::from_str(&written).unwrap();
    assert_eq!(serde_json::to_string(&again).unwrap(), written);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_object_decodes(
        a in members_of::<Sandbox>(),
        b in members_of::<SandboxListItem>(),
        c in members_of::<CreateSandbox>(),
        d in members_of::<DaytonaConfiguration>(),
        e in members_of::<ExecuteResponse>(),
        f in members_of::<CodeRunResponse>(),
    ) {
        decodes::<Sandbox>(&a);
        decodes::<SandboxListItem>(&b);
        decodes::<CreateSandbox>(&c);
        decodes::<DaytonaConfiguration>(&d);
        decodes::<ExecuteResponse>(&e);
        decodes::<CodeRunResponse>(&f);
    }
}
