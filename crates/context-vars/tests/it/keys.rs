//! Two tuples share a key exactly when they are equal.

use std::collections::BTreeMap;
use std::hash::Hasher;

use context_vars::{
    KeyView, MapRef, OptParam, Param, ParamMap, Resolve, ResolvedKey, Scope, Secret, Source, Value,
    ValueRef, Variable, Vars,
};
use proptest::prelude::*;

/// Keeps all it is fed: equal streams are the only sure collisions.
#[derive(Default)]
pub(crate) struct Tape(Vec<u8>);

impl Hasher for Tape {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

pub(crate) fn stream(feed: impl FnOnce(&mut Tape)) -> Vec<u8> {
    let mut tape = Tape::default();
    feed(&mut tape);
    tape.0
}

#[derive(Resolve)]
struct Params {
    token: Param<Secret>,
    target: OptParam<String>,
    image: OptParam<String>,
    env_vars: ParamMap,
    scope: Param<Scope>,
    count: Param<i64>,
}

#[derive(Clone, Debug, PartialEq)]
struct Tuple {
    token: String,
    target: Option<String>,
    image: Option<String>,
    env: BTreeMap<String, String>,
    scope: Option<String>,
    count: i64,
}

impl Tuple {
    /// As variables of a context, or as constants: the key must not tell.
    fn params(&self, constant: bool) -> (Params, Vars) {
        let scope = || {
            self.scope
                .clone()
                .map_or(Scope::Shared, |name| Scope::named(name).unwrap())
        };
        if constant {
            let params = Params {
                token: self.token.as_str().into(),
                target: self.target.clone().into(),
                image: self.image.clone().into(),
                // In the other order.
                env_vars: self
                    .env
                    .iter()
                    .rev()
                    .map(|(k, v)| (k.as_str(), v.as_str()))
                    .collect(),
                scope: scope().into(),
                count: self.count.into(),
            };
            return (params, Vars::new());
        }
        let vars = Vars::new()
            .with("token", self.token.as_str())
            .with("target", self.target.clone())
            .with("image", self.image.clone())
            .with("env_vars", Value::from(self.env.clone()))
            .with("count", self.count);
        let vars = match &self.scope {
            Some(name) => vars.with("scope", name.as_str()),
            None => vars,
        };
        let params = Params {
            token: Variable::unnamed().into(),
            target: Variable::unnamed().into(),
            image: Variable::unnamed().into(),
            env_vars: Variable::unnamed().into(),
            scope: Variable::unnamed().default(scope()).into(),
            count: Variable::unnamed().into(),
        };
        (params, vars)
    }
}

fn check(a: &Tuple, b: &Tuple) {
    let ((a_params, a_vars), (b_params, b_vars)) = (a.params(false), b.params(true));
    let (a_view, b_view) = (
        a_params.resolve(&a_vars).unwrap(),
        b_params.resolve(&b_vars).unwrap(),
    );
    let (a_stored, b_stored) = (a_view.to_resolved(), b_view.to_resolved());
    let same = a == b;
    assert_eq!(a_view.matches(&b_stored), same);
    assert_eq!(b_view.matches(&a_stored), same);
    assert_eq!(a_stored.eq_key(&b_stored), same);
    let streams = [
        stream(|state| a_view.hash_key(state)),
        stream(|state| a_stored.hash_key(state)),
        stream(|state| b_view.hash_key(state)),
        stream(|state| b_stored.hash_key(state)),
    ];
    assert_eq!(streams[0], streams[1]);
    assert_eq!(streams[2], streams[3]);
    assert_eq!(streams[0] == streams[2], same);
}

/// Short texts of the characters that fool joined keys, so that near misses are common.
fn text() -> impl Strategy<Value = String> {
    "[a=,\u{0}:]{0,3}"
}

fn tuple() -> impl Strategy<Value = Tuple> {
    (
        text(),
        proptest::option::of(text()),
        proptest::option::of(text()),
        proptest::collection::btree_map(text(), text(), 0..4),
        proptest::option::of("[ab]{1,2}"),
        -1..2_i64,
    )
        .prop_map(|(token, target, image, env, scope, count)| Tuple {
            token,
            target,
            image,
            env,
            scope,
            count,
        })
}

proptest! {
    #[test]
    fn key_is_injective(a in tuple(), b in tuple()) {
        check(&a, &b);
        check(&a, &a.clone());
    }

    #[test]
    fn one_field_apart(a in tuple(), b in tuple(), field in 0..6) {
        let mut near = a.clone();
        match field {
            0 => near.token = b.token,
            1 => near.target = b.target,
            2 => near.image = b.image,
            3 => near.env = b.env,
            4 => near.scope = b.scope,
            _ => near.count = b.count,
        }
        check(&a, &near);
    }

    #[test]
    fn moved_between_fields(a in tuple()) {
        let mut moved = a.clone();
        std::mem::swap(&mut moved.target, &mut moved.image);
        check(&a, &moved);
    }

    /// The same characters, cut at another place, between two neighbours.
    #[test]
    fn cut_elsewhere(all in "[a=]{0,6}", one in 0..7_usize, two in 0..7_usize) {
        let (left, right) = all.split_at(one.min(all.len()));
        let (near, far) = all.split_at(two.min(all.len()));
        check(&env(left, right), &env(near, far));
        let fields = |left: &str, right: &str| {
            let (target, image) = (Some(left.to_owned()), Some(right.to_owned()));
            Tuple { target, image, ..env("", "") }
        };
        check(&fields(left, right), &fields(near, far));
    }
}

#[derive(Resolve)]
struct TwoMaps {
    first: ParamMap,
    second: ParamMap,
}

/// Feeds the views of two maps that a context holds as they come.
fn two_maps(first: impl Into<Value>, second: impl Into<Value>) -> Vec<u8> {
    let vars = Vars::new().with("first", first).with("second", second);
    let params = TwoMaps {
        first: Variable::unnamed().into(),
        second: Variable::unnamed().into(),
    };
    let view = params.resolve(&vars).unwrap();
    stream(|state| view.hash_key(state))
}

#[test]
fn an_entry_belongs_to_its_map() {
    let entry = || BTreeMap::from([("A".to_owned(), "1")]);
    let none = BTreeMap::<String, String>::new;
    assert_ne!(two_maps(entry(), none()), two_maps(none(), entry()));
}

fn env(key: &str, value: &str) -> Tuple {
    Tuple {
        token: String::new(),
        target: None,
        image: None,
        env: BTreeMap::from([(key.to_owned(), value.to_owned())]),
        scope: None,
        count: 0,
    }
}

#[test]
fn known_confusions() {
    check(&env("a", "b=c"), &env("a=b", "c"));
    check(&env("a", "b"), &env("ab", ""));
    let none = env("a", "");
    let mut empty = none.clone();
    empty.image = Some(String::new());
    check(&none, &empty);
    let mut absent = none.clone();
    absent.env.clear();
    check(&none, &absent);
    let mut named = none.clone();
    named.scope = Some("Shared".to_owned());
    check(&none, &named);
}

#[test]
fn p052_order_never_matters() {
    let ab = ParamMap::new().entry("A", "1").entry("B", "2");
    let ba = ParamMap::new().entry("B", "2").entry("A", "1");
    let none = Vars::new();
    let (ab, ba) = (
        ab.get("env_vars", &none).unwrap(),
        ba.get("env_vars", &none).unwrap(),
    );
    assert_eq!(
        stream(|state| ab.hash_key(state)),
        stream(|state| ba.hash_key(state))
    );
    assert!(ab.eq_key(&ba));
}

/// A source that hands its entries out in the worst order, and more than fit inline.
struct Backwards(BTreeMap<String, String>);

impl MapRef for Backwards {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, name: &str) -> Option<ValueRef<'_>> {
        self.0.get(name).map(|value| ValueRef::Str(value))
    }

    fn for_each<'a>(&'a self, visit: &mut dyn FnMut(&'a str, ValueRef<'a>)) {
        self.0
            .iter()
            .rev()
            .for_each(|(name, value)| visit(name, ValueRef::Str(value)));
    }
}

impl Source for Backwards {
    fn get(&self, _name: &str) -> Option<ValueRef<'_>> {
        Some(ValueRef::Map(self))
    }
}

#[test]
fn p052_a_view_is_in_order_whatever_the_context_does() {
    for count in [0, 1, 2, 16, 17, 100] {
        let tree: BTreeMap<_, _> = (0..count)
            .map(|n| (format!("K{n}"), format!("v{n}")))
            .collect();
        let params = TwoMaps {
            first: Variable::unnamed().into(),
            second: ParamMap::new(),
        };
        let backwards = Backwards(tree.clone());
        let view = params.resolve(&backwards).unwrap();
        assert_eq!(view.first.len(), count);
        let none = BTreeMap::<String, String>::new();
        assert_eq!(stream(|state| view.hash_key(state)), two_maps(tree, none));
        assert!(view.matches(&view.to_resolved()));
    }
}

#[test]
fn p052_entries_win_over_the_whole() {
    let param = ParamMap::new()
        .entry("B", "own")
        .whole(Variable::new("env"));
    let held = BTreeMap::from([("B".to_owned(), "held"), ("A".to_owned(), "1")]);
    let map = param
        .get("env_vars", &Vars::new().with("env", held))
        .unwrap();
    assert_eq!(map.expose("B"), Some("own"));
    assert_eq!(map.names().collect::<Vec<_>>(), ["A", "B"]);
}
