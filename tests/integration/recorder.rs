//! Keeps every span and log line of a process.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// A layer; clones share what is kept.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Told>>>);

/// One span or line.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) is_span: bool,
    /// Of a span its name, of a line its message.
    pub(crate) name: String,
    pub(crate) target: String,
    pub(crate) level: String,
    /// The names of all fields that it may have, without the message.
    pub(crate) fields: Vec<&'static str>,
    pub(crate) values: BTreeMap<&'static str, String>,
    /// The name of the span around it.
    pub(crate) parent: Option<String>,
    /// The name of the span that it follows from.
    pub(crate) follows: Option<String>,
    is_taken: bool,
}

impl Told {
    fn new(metadata: &'static Metadata<'static>, parent: Option<String>) -> Self {
        let fields = metadata.fields().iter().map(|field| field.name());
        Self {
            is_span: metadata.is_span(),
            name: metadata.name().to_owned(),
            target: metadata.target().to_owned(),
            level: metadata.level().to_string().to_lowercase(),
            fields: fields.filter(|name| *name != "message").collect(),
            values: BTreeMap::new(),
            parent,
            follows: None,
            is_taken: false,
        }
    }

    pub(crate) fn value(&self, field: &str) -> &str {
        self.values.get(field).map_or("", String::as_str)
    }
}

impl Visit for Told {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let value = format!("{value:?}");
        if field.name() == "message" && !self.is_span {
            self.name = value;
        } else {
            self.values.insert(field.name(), value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.values.insert(field.name(), value.to_owned());
    }
}

/// Where a span is kept.
struct Place(usize);

impl Recorder {
    fn lock(&self) -> MutexGuard<'_, Vec<Told>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that there was since the last call, to be read: names, fields and values of spans and lines.
    pub(crate) fn take(&self) -> Vec<String> {
        let mut all = self.lock();
        // spans that are open write to their places
        let fresh = all.iter().filter(|told| !told.is_taken);
        let texts = fresh.map(|told| format!("{told:?}")).collect();
        for told in all.iter_mut() {
            told.is_taken = true;
        }
        texts
    }

    /// All that there was so far, in order.
    pub(crate) fn told(&self) -> Vec<Told> {
        self.lock().clone()
    }
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let parent = span.parent().map(|parent| parent.name().to_owned());
        let mut told = Told::new(attributes.metadata(), parent);
        attributes.record(&mut told);
        let mut all = self.lock();
        span.extensions_mut().insert(Place(all.len()));
        all.push(told);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let place = span.extensions().get::<Place>().unwrap().0;
        let mut all = self.lock();
        let told = all.get_mut(place).unwrap();
        values.record(told);
        told.is_taken = false;
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let place = span.extensions().get::<Place>().unwrap().0;
        let name = context.span(follows).map(|span| span.name().to_owned());
        self.lock().get_mut(place).unwrap().follows = name;
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let parent = context.event_span(event).map(|span| span.name().to_owned());
        let mut told = Told::new(event.metadata(), parent);
        event.record(&mut told);
        self.lock().push(told);
    }
}
