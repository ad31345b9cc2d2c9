//! Metrics, as a recorder gets them.

#![expect(clippy::unwrap_used, reason = "a helper of tests")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use context_vars::Vars;
use metrics::{
    Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use sandbox_core::ErrorKind;

use crate::fake::{Create, Destroy, Service, image, settle};

/// Counters by name and labels; what else is registered, by name.
#[derive(Default)]
struct Book {
    counters: Arc<Mutex<BTreeMap<String, u64>>>,
    others: Mutex<Vec<String>>,
}

struct Line(Arc<Mutex<BTreeMap<String, u64>>>, String);

impl CounterFn for Line {
    fn increment(&self, value: u64) {
        *self.0.lock().unwrap().entry(self.1.clone()).or_default() += value;
    }

    fn absolute(&self, _value: u64) {}
}

fn label(key: &Key) -> String {
    let labels: Vec<_> = key
        .labels()
        .map(|label| format!("{}={}", label.key(), label.value()))
        .collect();
    format!("{}{{{}}}", key.name(), labels.join(","))
}

impl Recorder for Book {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Arc::new(Line(Arc::clone(&self.counters), label(key))))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.others.lock().unwrap().push(label(key));
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.others.lock().unwrap().push(label(key));
        Histogram::noop()
    }
}

#[test]
fn events_are_counted_with_bounded_labels_and_no_secret() {
    let book = Book::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    metrics::with_local_recorder(&book, || {
        runtime.block_on(async {
            let service = Service::new().script([
                Create::Ok,
                Create::Lost,
                Create::Refused(ErrorKind::Quota),
            ]);
            let factory = service.factory();
            let canary = Vars::new()
                .with("key", "k-canary")
                .with("tenant", "t-canary");
            let sandbox = factory.open(&canary).await.unwrap();
            factory.open(&image("b")).await.unwrap();
            factory.open(&image("c")).await.unwrap_err();
            sandbox.liveness.mark_lost("404");
            factory.open(&canary).await.unwrap();
            settle().await;
            service.edit(|state| state.removals = [Destroy::Fail(ErrorKind::Conflict)].into());
            factory.close().await.unwrap();
        });
    });
    let counters = book.counters.lock().unwrap();
    let told: Vec<_> = counters
        .iter()
        .map(|(name, n)| format!("{name} {n}"))
        .collect();
    assert_eq!(
        told,
        [
            "sandbox_creates_total{outcome=adopted} 1",
            "sandbox_creates_total{outcome=created} 2",
            "sandbox_creates_total{outcome=failed} 1",
            "sandbox_losses_total{reason=gone} 1",
            "sandbox_removals_total{outcome=deleted} 3",
            "sandbox_removals_total{outcome=failed} 1",
        ]
    );
    let mut others = book.others.lock().unwrap().clone();
    others.sort();
    others.dedup();
    assert_eq!(
        others,
        [
            "sandbox_create_seconds{}",
            "sandbox_remove_seconds{}",
            "sandboxes{}"
        ]
    );
}
