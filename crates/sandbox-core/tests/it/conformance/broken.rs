//! A factory for each rule that breaks it, and nothing on purpose besides: named by the rule.

use std::collections::BTreeMap;
use std::sync::Mutex;

use sandbox_core::conformance::{Outcome, Suite, rules};

mod factory;
mod files;
#[cfg(feature = "cache")]
mod provider;
mod sandbox;

use factory::Broken;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_rule_is_broken_by_its_factory() {
    let mut names: Vec<&'static str> = rules().map(|rule| rule.name()).collect();
    let mut wrong = BTreeMap::new();
    while !names.is_empty() {
        let batch = names.split_off(names.len().saturating_sub(8));
        let mut running = tokio::task::JoinSet::new();
        for name in batch {
            let suite = Suite::new(move || Broken::new(name)).only(name);
            running.spawn(async move { (name, suite.run().await) });
        }
        for (name, report) in running.join_all().await {
            let [(rule, outcome)] = report.outcomes() else {
                unreachable!("{name}: {report}");
            };
            assert_eq!(rule.name(), name);
            if !matches!(outcome, Outcome::Broken(_)) {
                wrong.insert(name, outcome.clone());
            }
        }
    }
    assert!(wrong.is_empty(), "not caught: {wrong:#?}");
}

/// The wrapping itself breaks nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrapper_without_a_fault_keeps_every_rule() {
    Suite::new(|| Broken::new("nothing"))
        .run()
        .await
        .assert_all();
}

#[tokio::test]
async fn a_call_that_hangs_or_panics_is_a_broken_rule() {
    let hangs = Suite::new(|| Broken::new("hangs"))
        .only("exit-codes")
        .rule_timeout(std::time::Duration::from_millis(200));
    let report = hangs.run().await;
    let (rule, how) = report.failures().next().unwrap();
    assert_eq!(rule.name(), "exit-codes");
    assert!(how.contains("hangs"), "{how}");
    let shown = report.to_string();
    assert!(
        shown.contains(rule.hint()) && shown.contains(rule.promise()),
        "{shown}"
    );

    let report = Suite::new(|| Broken::new("panics"))
        .only("exit-codes")
        .run()
        .await;
    let (_, how) = report.failures().next().unwrap();
    assert_eq!(how, "a call panicked");

    // A factory that leaves something behind breaks any rule.
    let report = Suite::new(|| Broken::new("leaves"))
        .only("exit-codes")
        .run()
        .await;
    let (_, how) = report.failures().next().unwrap();
    assert!(how.contains("close failed: a sandbox may be left"), "{how}");
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
