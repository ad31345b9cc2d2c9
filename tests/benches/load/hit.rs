//! a: an open that finds its sandbox in the cache.

use std::hash::{BuildHasher, Hash, Hasher};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use context_vars::{KeyView, Resolve, ResolvedKey, SecretMap, SecretView, Source, ValueRef, Vars};
use dashmap::DashMap;
use foldhash::quality::RandomState;
use sandbox_core::SandboxFactory;

use crate::measure::{by_turns, report, wall};
use crate::subject::{API_URL, ENV, ParamsResolved, context, factory, params};

const TENANTS: usize = 1000;

/// What a program would write that has these six variables and ten settings and keeps to the types of ours: the same
/// source and secrets, the same hasher, the same stored tuple, secrets compared in constant time. It knows its
/// parameters while it is compiled, so it has no `Param`, no list of problems and no view of a map; and it has no
/// epochs, generations or lost sandboxes.
struct Floor {
    hasher: RandomState,
    map: DashMap<u64, (ParamsResolved, Arc<u32>)>,
    constants: SecretMap,
}

/// The variables of one context. Daytona's URL, an unset snapshot and nine settings are the same in each.
struct Values<'a> {
    key: SecretView<'a>,
    organization: &'a str,
    target: &'a str,
    image: &'a str,
    setting: SecretView<'a>,
    scope: &'a str,
}

fn text<'a>(context: &'a dyn Source, name: &str) -> Option<&'a str> {
    match context.get(name)? {
        ValueRef::Str(text) => Some(text),
        _ => None,
    }
}

fn secret<'a>(context: &'a dyn Source, name: &str) -> Option<SecretView<'a>> {
    match context.get(name)? {
        ValueRef::Str(text) => Some(SecretView::borrowed(text)),
        ValueRef::Secret(secret) => Some(SecretView::borrowed(secret.expose())),
        _ => None,
    }
}

fn resolve(context: &dyn Source) -> Option<Values<'_>> {
    Some(Values {
        key: secret(context, "key")?,
        organization: text(context, "organization")?,
        target: text(context, "target")?,
        image: text(context, "image")?,
        setting: secret(context, SETTING)?,
        scope: text(context, "tenant").filter(|scope| !scope.is_empty())?,
    })
}

const SETTING: &str = "tenant";
const SETTING_NAME: &str = "TENANT";

impl Floor {
    fn new() -> Self {
        Self {
            hasher: RandomState::default(),
            map: DashMap::new(),
            constants: ENV.into_iter().collect(),
        }
    }

    fn hash(&self, values: &Values<'_>) -> u64 {
        let mut state = self.hasher.build_hasher();
        values.key.hash_key(&mut state);
        values.organization.hash(&mut state);
        API_URL.hash(&mut state);
        values.target.hash(&mut state);
        values.image.hash(&mut state);
        for (name, value) in self.constants.iter() {
            name.hash(&mut state);
            value.hash_key(&mut state);
        }
        values.setting.hash_key(&mut state);
        values.scope.hash(&mut state);
        state.finish()
    }

    fn is(&self, values: &Values<'_>, stored: &ParamsResolved) -> bool {
        stored
            .api_key
            .as_ref()
            .is_some_and(|key| values.key.matches(key))
            && stored.organization.as_deref() == Some(values.organization)
            && stored.api_url == API_URL
            && stored.target.as_deref() == Some(values.target)
            && stored.snapshot.is_none()
            && stored.image.as_deref() == Some(values.image)
            && self.has_settings(&values.setting, &stored.env_vars)
            && stored.scope.name() == Some(values.scope)
    }

    /// Both in the order of their names.
    fn has_settings(&self, setting: &SecretView<'_>, stored: &SecretMap) -> bool {
        if stored.len() != self.constants.len() + 1 {
            return false;
        }
        let mut constants = self.constants.iter();
        stored.iter().all(|(name, stored)| {
            if name == SETTING_NAME {
                return setting.matches(stored);
            }
            constants
                .next()
                .is_some_and(|(own, value)| own == name && value == stored)
        })
    }

    fn add(&self, context: &Vars) {
        let hash = self.hash(&resolve(context).unwrap());
        let stored = params().resolve(context).unwrap().to_resolved();
        self.map.insert(hash, (stored, Arc::new(1)));
    }

    #[inline(never)]
    fn open(&self, context: &dyn Source) -> Option<Arc<u32>> {
        let values = resolve(context)?;
        let entry = self.map.get(&self.hash(&values))?;
        self.is(&values, &entry.0).then(|| Arc::clone(&entry.1))
    }
}

/// Polls once: a hit is ready at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("it is cached"),
    }
}

pub(crate) fn run(quick: bool) {
    let factory = factory();
    let floor = Floor::new();
    let contexts: Vec<Vars> = (0..TENANTS)
        .map(|n| context(&format!("tenant-{n}")))
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for context in &contexts {
        runtime.block_on(factory.open(context)).unwrap();
        floor.add(context);
    }
    let (rounds, calls) = if quick { (5, 20_000) } else { (41, 100_000) };
    let each = |call: &dyn Fn(&Vars)| {
        let time = wall(|| contexts.iter().cycle().take(calls).for_each(call));
        time / u32::try_from(calls).unwrap()
    };
    let hand = || each(&|context| drop(std::hint::black_box(floor.open(context).unwrap())));
    let typed = || each(&|context| drop(std::hint::black_box(now(factory.open(context)).unwrap())));
    let dynamic: &dyn SandboxFactory = &factory;
    let boxed = || each(&|context| drop(std::hint::black_box(now(dynamic.open(context)).unwrap())));
    report(
        "a. open, cached among 1,000 keys",
        by_turns(rounds, typed, hand),
        Some(1.2),
    );
    report(
        "a. the same through dyn SandboxFactory",
        by_turns(rounds, boxed, hand),
        None,
    );
    runtime.block_on(factory.close()).unwrap();
}
