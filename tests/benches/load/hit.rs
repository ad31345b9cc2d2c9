//! a: an open that finds its sandbox in the cache.

use std::hash::{BuildHasher, Hash, Hasher};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use context_vars::{Source, ValueRef, Vars};
use dashmap::DashMap;
use foldhash::quality::RandomState;
use sandbox_core::SandboxFactory;

use crate::measure::{by_turns, report, wall};
use crate::subject::{ENV, context, factory};

const TENANTS: usize = 1000;
const NAMES: [&str; 6] = ["key", "organization", "target", "image", "tenant", "tenant"];

/// What a program would write that has these six variables and ten settings: look them up, hash them, find the entry,
/// compare all of it.
struct Floor {
    hasher: RandomState,
    map: DashMap<u64, (Vec<String>, Arc<u32>)>,
    constants: Vec<String>,
}

fn resolve(context: &Vars) -> [&str; 6] {
    NAMES.map(|name| match context.get(name) {
        Some(ValueRef::Str(text)) => text,
        _ => "",
    })
}

impl Floor {
    fn hash(&self, values: &[&str; 6]) -> u64 {
        let mut state = self.hasher.build_hasher();
        values.hash(&mut state);
        for constant in &self.constants {
            constant.hash(&mut state);
        }
        state.finish()
    }

    fn add(&self, context: &Vars) {
        let values = resolve(context);
        let hash = self.hash(&values);
        let constants = self.constants.iter().map(String::as_str);
        let all = values.into_iter().chain(constants).map(str::to_owned);
        self.map.insert(hash, (all.collect(), Arc::new(1)));
    }

    fn open(&self, context: &Vars) -> Option<Arc<u32>> {
        let values = resolve(context);
        let entry = self.map.get(&self.hash(&values))?;
        let constants = self.constants.iter().map(String::as_str);
        let same = entry
            .0
            .iter()
            .map(String::as_str)
            .eq(values.into_iter().chain(constants));
        same.then(|| Arc::clone(&entry.1))
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
    let floor = Floor {
        hasher: RandomState::default(),
        map: DashMap::new(),
        constants: ENV
            .iter()
            .flat_map(|(name, value)| [(*name).to_owned(), (*value).to_owned()])
            .collect(),
    };
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
