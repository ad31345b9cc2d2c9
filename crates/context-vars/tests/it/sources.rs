//! What counts as a context.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use context_vars::{Layered, NoVars, OptParam, Param, Source, ValueRef, Variable, Vars};

fn look(source: &dyn Source) -> String {
    let param: OptParam<String> = Variable::new("k").into();
    param.get("p", source).map_or_else(
        |error| format!("{:?}", error.problems().next().unwrap().kind()),
        |value| value.unwrap_or_else(|| "null".to_owned()),
    )
}

#[test]
fn every_kind_of_source() {
    let map = || BTreeMap::from([("k".to_owned(), "v".to_owned())]);
    assert_eq!(look(&map()), "v");
    assert_eq!(look(&map().into_iter().collect::<HashMap<_, _>>()), "v");
    assert_eq!(look(&&map()), "v");
    assert_eq!(look(&Arc::new(map())), "v");
    assert_eq!(look(&(Box::new(map()) as Box<dyn Source>)), "v");
    assert_eq!(look(&Some(map())), "v");
    assert_eq!(look(&None::<Vars>), "Missing");
    assert_eq!(look(&NoVars), "Missing");
    assert_eq!(
        look(&BTreeMap::from([("k".to_owned(), None::<String>)])),
        "null"
    );
}

#[test]
fn the_first_layer_that_has_the_name_answers() {
    let lower = Vars::new().with("k", "low");
    assert_eq!(
        look(
            &Layered::new()
                .layer(Vars::new().with("k", "high"))
                .layer(&lower)
        ),
        "high"
    );
    assert_eq!(
        look(&Layered::new().layer(Vars::new()).layer(&lower)),
        "low"
    );
    let null = Vars::new().with("k", None::<&str>);
    assert_eq!(look(&Layered::new().layer(null).layer(&lower)), "null");
    assert_eq!(look(&Layered::new()), "Missing");
}

#[test]
fn a_framework_may_carry_types_of_its_own() {
    struct Image(u8);
    let vars = Vars::new().with("image", context_vars::Value::opaque(Image(7)));
    let Some(ValueRef::Opaque(any)) = vars.get("image") else {
        panic!("not opaque")
    };
    assert_eq!(any.downcast_ref::<Image>().map(|image| image.0), Some(7));
}

#[cfg(feature = "serde_json")]
#[test]
fn json() {
    let json = serde_json::json!({"k": "v", "n": null, "i": 3, "f": 0.5, "env": {"A": "1"}});
    assert_eq!(look(&json), "v");
    assert_eq!(look(json.as_object().unwrap()), "v");
    assert_eq!(look(&serde_json::json!({"k": null})), "null");
    assert_eq!(look(&serde_json::json!(["k"])), "Missing");
    let int: Param<i64> = Variable::new("i").into();
    assert_eq!(int.get("p", &json).unwrap(), 3);
    let env = context_vars::ParamMap::from(Variable::new("env"))
        .get("env_vars", &json)
        .unwrap();
    assert_eq!(env.expose("A"), Some("1"));
}

#[test]
fn integers_stay_in_range() {
    let port: Param<u16> = Variable::new("k").into();
    for (value, expect) in [
        (0, Some(0)),
        (65_535, Some(65_535)),
        (65_536, None),
        (-1, None),
    ] {
        assert_eq!(port.get("port", &Vars::new().with("k", value)).ok(), expect);
    }
}
