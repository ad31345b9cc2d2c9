//! The rows of the original's resolution rules, one test or one line of a table each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use context_vars::{
    NoVars, OptParam, Param, ParamMap, Resolve, Secret, Source, Template, ValueRef, Variable, Vars,
};

fn var() -> Variable<String> {
    Variable::new("v")
}

/// The outcome as text: a value, `null`, or what the error says.
fn outcome(param: impl Into<OptParam<String>>, vars: &Vars) -> String {
    match param.into().get("p", vars) {
        Ok(Some(value)) => format!("={value}"),
        Ok(None) => "null".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn resolution_table() {
    let none = Vars::new();
    let fast = Vars::new().with("v", "fast");
    let null = Vars::new().with("v", None::<&str>);
    let missing = "cannot resolve parameter `p`: variable `v` is missing and has no default";
    let two = || "2".to_owned();
    for (row, param, vars, expect) in [
        (
            "P001 a constant passes through",
            "hello".into(),
            &none,
            "=hello",
        ),
        ("P001 an empty constant too", "".into(), &none, "="),
        ("P001 unset is null", OptParam::unset(), &none, "null"),
        (
            "P003 present beats default",
            var().default("slow").into(),
            &fast,
            "=fast",
        ),
        (
            "P003 present beats factory",
            var().default_factory(two).into(),
            &fast,
            "=fast",
        ),
        (
            "P004 present null beats default",
            var().default("5").into(),
            &null,
            "null",
        ),
        (
            "P005 null default",
            var().default_null().into(),
            &none,
            "null",
        ),
        (
            "P006 default beats factory",
            var().default("1").default_factory(two).into(),
            &none,
            "=1",
        ),
        (
            "P006 null default beats factory",
            var().default_null().default_factory(two).into(),
            &none,
            "null",
        ),
        (
            "P007 factory",
            var().default_factory(two).into(),
            &none,
            "=2",
        ),
        ("P010 missing", var().into(), &none, missing),
        (
            "P018 a constant ignores the context",
            "k".into(),
            &fast,
            "=k",
        ),
        ("P021 no context, constant", "k".into(), &none, "=k"),
        (
            "P042 no context, default",
            var().default("d").into(),
            &none,
            "=d",
        ),
    ] {
        assert_eq!(outcome(param, vars), expect, "{row}");
    }
}

#[test]
fn p001_a_literal_is_never_a_template() {
    assert_eq!(outcome("${v}", &Vars::new().with("v", "x")), "=${v}");
}

#[test]
fn p002_the_value_is_not_copied() {
    #[derive(Resolve)]
    struct One {
        location: Param<String>,
    }
    let vars = Vars::new().with("user_location", "Berlin");
    let params = One {
        location: Variable::new("user_location").into(),
    };
    let view = params.resolve(&vars).unwrap();
    let Some(ValueRef::Str(held)) = vars.get("user_location") else {
        panic!("lost")
    };
    assert!(std::ptr::eq(held, &*view.location));
}

#[test]
fn p007_the_factory_runs_each_time_and_only_when_needed() {
    let calls = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&calls);
    let make = move || format!("img{}", count.fetch_add(1, Ordering::Relaxed) + 1);
    let image: Param<String> = Variable::new("image").default_factory(make).into();
    assert_eq!(image.get("image", &NoVars).unwrap(), "img1");
    assert_eq!(
        image.get("image", &Vars::new().with("image", "x")).unwrap(),
        "x"
    );
    assert_eq!(image.get("image", &NoVars).unwrap(), "img2");
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[test]
fn p008_nothing_is_written_back() {
    let vars = Vars::new();
    let image: Param<String> = Variable::new("image").default("x").into();
    image.get("image", &vars).unwrap();
    assert!(vars.is_empty());
}

#[test]
fn p009_an_unnamed_variable_takes_the_parameters_name() {
    let image: Param<String> = Variable::unnamed().into();
    assert_eq!(
        image.get("image", &Vars::new().with("image", "q")).unwrap(),
        "q"
    );
    let env = ParamMap::new().entry("TENANT", Variable::unnamed());
    let env = env
        .get("env_vars", &Vars::new().with("TENANT", "acme"))
        .unwrap();
    assert_eq!(env.expose("TENANT"), Some("acme"));
}

#[test]
fn p011_no_name_at_all() {
    let image: Param<String> = Variable::unnamed().into();
    let error = image.get("", &NoVars).unwrap_err();
    insta::assert_snapshot!(error, @"cannot resolve parameter ``: variable `` is missing and has no default");
}

#[test]
fn p012_p043_a_variable_in_the_context_is_not_followed() {
    let vars = Vars::new()
        .with("v", Variable::<String>::new("w"))
        .with("w", "x");
    insta::assert_snapshot!(
        outcome(var(), &vars),
        @"cannot resolve parameter `p`: variable `v` gives another variable, wanted string"
    );
}

#[test]
fn p013_nothing_is_converted() {
    for (value, kind) in [
        (context_vars::Value::from(1), "int"),
        (1.5.into(), "float"),
        (true.into(), "bool"),
        (Secret::new("s").into(), "secret"),
        (vec!["a"].into(), "list"),
    ] {
        let vars = Vars::new().with("v", value);
        let expect =
            format!("cannot resolve parameter `p`: variable `v` gives {kind}, wanted string");
        assert_eq!(outcome(var(), &vars), expect);
    }
}

#[test]
fn p014_required_means_neither_default_nor_factory() {
    assert!(var().is_required());
    assert!(!var().default("x").is_required());
    assert!(!var().default_null().is_required());
    assert!(!var().default_factory(String::new).is_required());
    assert_eq!(var().name(), Some("v"));
    assert_eq!(Variable::<String>::unnamed().name(), None);
}

#[test]
fn p015_debug_names_the_variable() {
    insta::assert_snapshot!(
        format!("{:?}", var().default("x")),
        @r#"Variable { name: Some("v"), default: true, default_factory: false }"#
    );
}

#[test]
fn p018_a_constant_never_looks() {
    struct Never;
    impl Source for Never {
        fn get(&self, name: &str) -> Option<ValueRef<'_>> {
            panic!("looked up {name}");
        }
    }
    let image: Param<String> = "k".into();
    assert_eq!(image.get("api_key", &Never).unwrap(), "k");
}

#[test]
fn p019_p024_each_resolution_looks_anew() {
    let image: Param<String> = Variable::new("k").into();
    for value in ["1", "2"] {
        assert_eq!(
            image.get("p", &Vars::new().with("k", value)).unwrap(),
            value
        );
    }
}

#[test]
fn p025_reserved_names_are_not_filtered() {
    let vars = Vars::new().with("ag:x", "1").with("a2a:t", "2");
    for (name, expect) in [("ag:x", "1"), ("a2a:t", "2")] {
        let param: Param<String> = Variable::new(name).into();
        assert_eq!(param.get("p", &vars).unwrap(), expect);
    }
}

#[test]
fn p029_to_p031_a_builder_can_tell_constants_from_variables() {
    let constant: OptParam<String> = "".into();
    assert!(
        constant.is_set() && constant.is_constant(),
        "P030: empty counts as given"
    );
    let variable: OptParam<String> = var().into();
    assert!(variable.is_set() && !variable.is_constant());
    let template: OptParam<String> = Template::parse("x").unwrap().into();
    assert!(!template.is_constant());
    assert!(!OptParam::<String>::unset().is_set());
    assert!(!OptParam::<String>::from(None::<&str>).is_set());
}

#[test]
fn p049_p050_a_map_that_is_none_and_values_that_are_no_text() {
    let env = ParamMap::from(Variable::new("env"));
    let null = Vars::new().with("env", None::<&str>);
    assert!(env.get("env_vars", &null).unwrap().is_empty());
    let list = Vars::new().with("env", vec!["a"]);
    insta::assert_snapshot!(
        env.get("env_vars", &list).unwrap_err(),
        @"cannot resolve parameter `env_vars`: variable `env` gives list, wanted map"
    );
    let mixed = Vars::new().with(
        "env",
        std::collections::HashMap::from([
            ("PORT".to_owned(), context_vars::Value::from(8080)),
            ("A".to_owned(), None::<&str>.into()),
            ("OK".to_owned(), "fine".into()),
        ]),
    );
    insta::assert_snapshot!(
        env.get("env_vars", &mixed).unwrap_err(),
        @"cannot resolve 2 values: `env_vars` key `A`: variable `env` gives null, wanted string or secret; `env_vars` key `PORT`: variable `env` gives int, wanted string or secret"
    );
}

#[test]
fn a_secret_takes_text_and_a_text_takes_no_secret() {
    let token: Param<Secret> = Variable::new("t").into();
    assert_eq!(
        token
            .get("token", &Vars::new().with("t", "x"))
            .unwrap()
            .expose(),
        "x"
    );
    let secret = Vars::new().with("t", Secret::new("x"));
    assert_eq!(token.get("token", &secret).unwrap().expose(), "x");
    let template = Template::parse("a${t}").unwrap();
    let token: Param<Secret> = template.clone().into();
    assert_eq!(token.get("token", &secret).unwrap().expose(), "ax");
    let text: Param<String> = template.into();
    assert!(text.get("token", &secret).is_err());
}
