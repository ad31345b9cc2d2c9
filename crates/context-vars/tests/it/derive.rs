//! What the derive makes.

use std::time::Duration;

use context_vars::{
    KeyView, OptParam, Param, ParamMap, Resolve, ResolvedKey, ResolvedTuple, Scope, Secret,
    Variable, Vars,
};

use crate::keys::stream;

#[derive(Resolve)]
#[resolve(view = "Look", resolved = "Stored")]
struct Params {
    #[resolve(name = "api_key")]
    token: Param<Secret>,
    image: OptParam<String>,
    env_vars: ParamMap,
    scope: OptParam<Scope>,
    #[resolve(constant)]
    timeout: Duration,
    #[resolve(skip_key)]
    labels: Vec<String>,
}

fn params() -> Params {
    Params {
        token: Variable::new("token").into(),
        image: "python:3.12".into(),
        env_vars: [("TENANT", Variable::new("tenant"))].into(),
        scope: Variable::new("tenant").into(),
        timeout: Duration::from_secs(60),
        labels: vec!["a".to_owned()],
    }
}

fn vars() -> Vars {
    Vars::new().with("token", "t").with("tenant", "acme")
}

#[test]
fn view_and_stored_agree() {
    let (params, vars) = (params(), vars());
    let view: Look<'_> = params.resolve(&vars).unwrap();
    let stored: Stored = view.to_resolved();
    assert!(view.matches(&stored));
    assert!(stored.eq_key(&stored.clone()));
    assert_eq!(
        stream(|state| view.hash_key(state)),
        stream(|state| stored.hash_key(state))
    );
    insta::assert_snapshot!(format!("{stored:?}"), @r#"Stored { token: Secret(..), image: Some("python:3.12"), env_vars: {"TENANT": Secret(..)}, scope: Some(Named(..)), timeout: 60s, labels: ["a"] }"#);
}

#[test]
fn constants_are_in_the_key_and_skipped_fields_are_not() {
    let (one, mut two, vars) = (params(), params(), vars());
    let stored = one.resolve(&vars).unwrap().to_resolved();
    assert_eq!(stored.labels, ["a"]);
    two.labels.clear();
    let view = two.resolve(&vars).unwrap();
    assert!(view.matches(&stored));
    assert_eq!(
        stream(|state| view.hash_key(state)),
        stream(|state| stored.hash_key(state))
    );
    drop(view);
    two.timeout = Duration::from_secs(61);
    let view = two.resolve(&vars).unwrap();
    assert!(!view.matches(&stored));
    assert!(!view.to_resolved().eq_key(&stored));
    assert_ne!(
        stream(|state| view.hash_key(state)),
        stream(|state| stored.hash_key(state))
    );
}

#[test]
fn fields_one_by_one_make_the_whole() {
    let (params, vars) = (params(), vars());
    let stored = params.resolve(&vars).unwrap().to_resolved();
    assert_eq!(
        Stored::FIELDS,
        ["api_key", "image", "env_vars", "scope", "timeout"]
    );
    let parts = stream(|state| {
        for field in 0..=Stored::FIELDS.len() {
            stored.hash_field(field, state);
        }
    });
    assert_eq!(parts, stream(|state| stored.hash_key(state)));
}
