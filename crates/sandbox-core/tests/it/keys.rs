//! The key: openers share exactly if their resolved tuples are equal.
//!
//! 10,000 pairs of tuples by default; `SANDBOX_KEY_PAIRS=1000000` for more.

#![expect(clippy::print_stdout, reason = "says how many pairs were tried")]

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use context_vars::{OptParam, ParamMap, Resolve, Secret, Variable, Vars};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sandbox_core::{
    Attempt, CachingFactory, CreateError, Destroyed, Error, Found, Provider, Scope, Target,
};
use tokio::runtime::Handle;

use crate::fake::FakeSandbox;

#[derive(Debug, Resolve)]
struct Shape {
    key: OptParam<Secret>,
    organization: OptParam<String>,
    image: OptParam<String>,
    env: ParamMap,
    scope: OptParam<Scope>,
}

/// Makes what it is asked for.
#[derive(Debug)]
struct Maker;

#[async_trait]
impl Provider for Maker {
    type Params = Shape;
    type Sandbox = FakeSandbox;

    async fn create(
        &self,
        attempt: &Attempt,
        _params: &ShapeResolved,
    ) -> Result<FakeSandbox, CreateError> {
        Ok(FakeSandbox::new(attempt))
    }

    async fn find(
        &self,
        _attempt: &Attempt,
        _params: &ShapeResolved,
    ) -> Result<Found<FakeSandbox>, Error> {
        Ok(Found::Absent)
    }

    async fn destroy(&self, _target: &Target, _params: &ShapeResolved) -> Result<Destroyed, Error> {
        Ok(Destroyed::Gone)
    }
}

/// What a tuple resolves to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Tuple {
    key: Option<String>,
    organization: Option<String>,
    image: Option<String>,
    env: BTreeMap<String, String>,
    scope: Option<String>,
}

impl Tuple {
    fn context(&self) -> Vars {
        Vars::new()
            .with("key", self.key.clone())
            .with("organization", self.organization.clone())
            .with("image", self.image.clone())
            .with("env", self.env.clone())
            .with("scope", self.scope.clone())
    }
}

/// Short texts of few letters, separators among them, so that tuples that look alike are common.
fn text(least: usize) -> impl Strategy<Value = String> {
    let letter = prop_oneof![
        4 => prop::sample::select(vec!['a', 'b']),
        2 => prop::sample::select(vec!['=', ',', ':', '\u{1f}', '"', '\u{301}', 'é']),
    ];
    prop::collection::vec(letter, least..4).prop_map(|letters| letters.into_iter().collect())
}

fn tuple() -> impl Strategy<Value = Tuple> {
    (
        prop::option::of(text(0)),
        prop::option::of(text(0)),
        prop::option::of(text(0)),
        prop::collection::btree_map(text(1), text(0), 0..3),
        prop::option::of(text(1)),
    )
        .prop_map(|(key, organization, image, env, scope)| Tuple {
            key,
            organization,
            image,
            env,
            scope,
        })
}

/// The other one of a pair: the same, another, or one with a small change.
fn other(tuple: Tuple) -> impl Strategy<Value = (Tuple, Tuple)> {
    let field = (0..8_u8, prop::option::of(text(0)), self::tuple());
    field.prop_map(move |(change, text, another)| {
        let one = tuple.clone();
        let mut two = tuple.clone();
        match change {
            0 | 1 => {}
            2 => two = another,
            3 => two.key = text,
            4 => std::mem::swap(&mut two.organization, &mut two.image),
            5 => two.scope = another.scope,
            6 => {
                // The same letters, cut elsewhere.
                if let Some((name, value)) = two.env.pop_first() {
                    let all: String = name.chars().chain(value.chars()).collect();
                    let at = all.char_indices().nth(1).map_or(all.len(), |(at, _)| at);
                    let (name, value) = all.split_at(at);
                    two.env.insert(name.to_owned(), value.to_owned());
                }
            }
            _ => two.env = another.env,
        }
        (one, two)
    })
}

#[tokio::test]
async fn openers_share_exactly_if_their_tuples_are_equal() {
    let pairs: usize = std::env::var_os("SANDBOX_KEY_PAIRS")
        .and_then(|pairs| pairs.into_string().ok()?.parse().ok())
        .unwrap_or(10_000);
    let shape = Shape {
        key: Variable::new("key").into(),
        organization: Variable::new("organization").into(),
        image: Variable::new("image").into(),
        env: Variable::new("env").into(),
        scope: Variable::new("scope").into(),
    };
    let factory = CachingFactory::builder(Maker, shape)
        .spawner(Arc::new(Handle::current()))
        .build()
        .unwrap();
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = tuple().prop_flat_map(other);
    let (mut equal, mut different) = (0_usize, 0_usize);
    for n in 0..pairs {
        let (one, two) = strategy.new_tree(&mut runner).unwrap().current();
        let first = factory.open(&one.context()).await.unwrap();
        let second = factory.open(&two.context()).await.unwrap();
        assert_eq!(
            Arc::ptr_eq(&first, &second),
            one == two,
            "pair {n}: {one:?} and {two:?}"
        );
        match one == two {
            true => equal += 1,
            false => different += 1,
        }
        if n % 1000 == 999 {
            factory.close().await.unwrap();
        }
    }
    println!("{equal} equal pairs, {different} different ones");
    assert!(equal > pairs / 5 && different > pairs / 5);
    factory.close().await.unwrap();
}
