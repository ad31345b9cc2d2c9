//! No `Debug` and no error shows a value of a context or a secret.

use std::collections::BTreeMap;
use std::fmt::Debug;

use context_vars::{
    KeyView, Layered, NoVars, OptParam, Param, ParamMap, Resolve, Secret, SecretMap, Source,
    Template, Value, Variable, Vars,
};

const CANARY: &str = "canary-7f3a";

#[derive(Debug, Resolve)]
struct Params {
    token: Param<Secret>,
    other: OptParam<Secret>,
    env_vars: ParamMap,
}

fn check(what: &str, shown: &impl Debug) {
    for text in [format!("{shown:?}"), format!("{shown:#?}")] {
        assert!(
            !text.is_empty() && !text.contains(CANARY),
            "{what} leaks: {text}"
        );
    }
}

/// The check itself notices a leak.
#[test]
#[should_panic(expected = "control leaks")]
fn planted_control() {
    check("control", &format!("x{CANARY}"));
}

#[test]
fn nothing_shows_the_canary() {
    let secret = Secret::new(CANARY);
    let map = BTreeMap::from([("A".to_owned(), CANARY.to_owned())]);
    let vars = Vars::new()
        .with("s", CANARY)
        .with("secret", secret.clone())
        .with("map", map.clone())
        .with("list", vec![CANARY]);
    check("Secret", &secret);
    check("Vars", &vars);
    check("Layered", &Layered::new().layer(&vars));
    check("Value", &Value::from(CANARY));
    for name in ["s", "secret", "map", "list"] {
        check("ValueRef", &vars.get(name));
    }
    check("Variable", &Variable::<String>::new("s").default(CANARY));
    check(
        "Template",
        &Template::parse(&format!("{CANARY}${{a:-{CANARY}}}")).unwrap(),
    );
    check(
        "TemplateError",
        &Template::parse(&format!("{CANARY}${{")).unwrap_err(),
    );
    check("SecretMap", &SecretMap::from(map.clone()));
    check("ParamMap", &ParamMap::from(map.clone()));

    for token in [
        Param::from(CANARY),
        Variable::new("s").into(),
        Variable::new("none").default(CANARY).into(),
        Variable::new("none")
            .default_factory(|| Secret::new(CANARY))
            .into(),
        Template::parse("x${secret}").unwrap().into(),
    ] {
        let params = Params {
            token,
            other: Variable::new("secret").into(),
            env_vars: ParamMap::new()
                .entry("B", CANARY)
                .whole(Variable::new("map")),
        };
        check("parameters", &params);
        let view = params.resolve(&vars).unwrap();
        assert!(
            view.token.expose().contains(CANARY),
            "the canary is really there"
        );
        check("view", &view);
        check("resolved", &view.to_resolved());
    }
}

#[test]
fn errors_do_not_show_values() {
    let token: Param<i64> = Variable::new("s").into();
    let error = token.get("p", &Vars::new().with("s", CANARY)).unwrap_err();
    check("ResolveError", &error);
    assert!(!error.to_string().contains(CANARY));
    let map = ParamMap::from(Variable::new("m"));
    let held = Vars::new().with("m", vec![CANARY]);
    check("ResolveError of a map", &map.get("p", &held).unwrap_err());
    check(
        "ResolveError of nothing",
        &map.get("p", &NoVars).unwrap_err(),
    );
}
