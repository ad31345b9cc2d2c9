//! The metrics of the whole process: names, labels, units and descriptions, as a recorder is handed them.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::{Arc, Mutex, PoisonError};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

#[derive(Clone, Debug, Default)]
pub(crate) struct Meters(Arc<Mutex<Vec<String>>>);

/// Starts to listen; once per process.
pub(crate) fn listen() -> Meters {
    let meters = Meters::default();
    metrics::set_global_recorder(meters.clone()).unwrap();
    meters
}

impl Meters {
    /// What was recorded since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, text: String) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains(&text) {
            all.push(text);
        }
    }

    fn key(&self, key: &Key, metadata: &Metadata<'_>) {
        let labels: Vec<_> = key
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()))
            .collect();
        self.write(format!("{} {labels:?} {metadata:?}", key.name()));
        self.write(labels.join(" "));
    }

    fn describe(&self, name: &KeyName, unit: Option<Unit>, text: &SharedString) {
        self.write(format!("{} {unit:?} {text}", name.as_str()));
    }
}

impl Recorder for Meters {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe(&name, unit, &text);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe(&name, unit, &text);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe(&name, unit, &text);
    }

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        self.key(key, metadata);
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        self.key(key, metadata);
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        self.key(key, metadata);
        Histogram::noop()
    }
}
