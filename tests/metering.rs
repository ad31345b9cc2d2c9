//! The table of metrics in docs/observability.md against what a recorder gets and against the source.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use context_vars::{NoVars, Variable, Vars};
use daytona_api::routes::control_plane::{
    CREATE_SANDBOX, DELETE_SANDBOX, GET_SANDBOX, START_SANDBOX, UPDATE_LAST_ACTIVITY,
};
use daytona_env::{DaytonaEnvironmentBuilder, Lease};
use daytona_local::{Fault, Server};
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use sandbox_core::{AtCapacity, ExecRequest, Sandbox};
use tokio::time::{sleep, timeout};

use crate::world::{NEVER, at, in_place};

const DOCS: &str = include_str!("../docs/observability.md");
const SOURCE: &str = include_str!("../crates/sandbox-core/src/cache/metering.rs");
const MINUTE: Duration = Duration::from_secs(60);

/// Kind, name and label of what was recorded, with its value; nothing of what is merely registered.
type Seen = Arc<Mutex<Vec<(Metric, f64)>>>;
/// Kind, name, and `label=value` or nothing.
type Metric = (&'static str, String, String);

#[derive(Clone, Default)]
struct Book(Seen);

struct Line(Seen, Metric);

impl Line {
    fn write(&self, value: f64) {
        self.0.lock().unwrap().push((self.1.clone(), value));
    }
}

impl CounterFn for Line {
    fn increment(&self, value: u64) {
        assert_eq!(value, 1, "each event counts once");
        self.write(1.0);
    }

    fn absolute(&self, _: u64) {
        panic!("a counter is never set");
    }
}

impl GaugeFn for Line {
    fn increment(&self, _: f64) {
        panic!("a gauge is set");
    }

    fn decrement(&self, _: f64) {
        panic!("a gauge is set");
    }

    fn set(&self, value: f64) {
        self.write(value);
    }
}

impl HistogramFn for Line {
    fn record(&self, value: f64) {
        self.write(value);
    }
}

impl Book {
    fn line(&self, kind: &'static str, key: &Key) -> Arc<Line> {
        let labels: Vec<_> = key
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()))
            .collect();
        let metric = (kind, key.name().to_owned(), labels.join(" "));
        Arc::new(Line(Arc::clone(&self.0), metric))
    }
}

impl Recorder for Book {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.line("counter", key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.line("gauge", key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.line("histogram", key))
    }
}

/// What the page says there is.
fn documented(docs: &str) -> BTreeSet<Metric> {
    let (_, section) = docs.split_once("\n## Metrics\n").unwrap();
    let mut all = BTreeSet::new();
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, kind, labels] = cells[..] else {
            panic!("{row}");
        };
        let kind = ["counter", "gauge", "histogram"]
            .into_iter()
            .find(|known| kind.starts_with(known))
            .unwrap_or_else(|| panic!("{row}"));
        let mut words = labels.split('`').skip(1).step_by(2);
        let name = name.trim_matches('`');
        let label = words.next().unwrap_or_default();
        let values: Vec<_> = words.map(|value| format!("{label}={value}")).collect();
        let values = if values.is_empty() {
            vec![String::new()]
        } else {
            values
        };
        all.extend(
            values
                .into_iter()
                .map(|value| (kind, name.to_owned(), value)),
        );
    }
    all
}

/// The names in the source.
fn in_source() -> BTreeSet<String> {
    let calls = ["counter!(\"", "gauge!(\"", "histogram!(\"", "seconds(\""];
    let found = calls.iter().flat_map(|call| SOURCE.split(call).skip(1));
    found
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

/// A life of an environment, on a server of its own.
async fn life(
    change: impl FnOnce(DaytonaEnvironmentBuilder) -> DaytonaEnvironmentBuilder,
    before: impl FnOnce(&Server),
    with: impl AsyncFnOnce(&Server, &daytona_env::DaytonaEnvironment),
) {
    let server = in_place(|builder| builder);
    let builder = at(&server).scope(Variable::new("tenant"));
    let environment = change(builder).build().unwrap();
    before(&server);
    with(&server, &environment).await;
    drop(timeout(NEVER, environment.close()).await);
    // what a close could not do at once
    sleep(80 * MINUTE).await;
}

fn tenant(name: &str) -> Vars {
    Vars::new().with("tenant", name)
}

/// Everything that is counted, once at least.
async fn all() {
    let same = |builder: DaytonaEnvironmentBuilder| builder;
    let nothing = |_: &Server| ();
    let strikes = |fault: Fault| move |server: &Server| drop(server.faults().inject(fault));
    life(same, nothing, async |server, environment| {
        let sandbox = environment.open(&tenant("a")).await.unwrap();
        assert!(server.vanish(sandbox.id()).await);
        drop(sandbox.exec(ExecRequest::argv(["true"])).await);
        environment.open(&tenant("a")).await.unwrap();
    })
    .await;
    for fault in [
        Fault::on(&CREATE_SANDBOX).reset_after_commit(),
        Fault::on(&CREATE_SANDBOX).answer(400, r#"{"message":"Total CPU limit exceeded."}"#),
        Fault::on(&DELETE_SANDBOX).answer(409, "{}"),
        Fault::on(&DELETE_SANDBOX).answer(403, "{}"),
        Fault::on(&DELETE_SANDBOX).answer(500, "{}").always(),
        Fault::on(&UPDATE_LAST_ACTIVITY).answer(500, "{}").always(),
    ] {
        life(same, strikes(fault), async |_, environment| {
            drop(environment.open(&tenant("a")).await);
            sleep(Duration::from_secs(280)).await;
        })
        .await;
    }
    let unclear = |server: &Server| {
        let lost = Fault::on(&CREATE_SANDBOX).reset_before_commit().always();
        server.faults().inject(lost);
        let unknown = Fault::on(&GET_SANDBOX).answer(500, "{}").always();
        server.faults().inject(unknown);
    };
    life(
        |builder| builder.create_timeout(Duration::from_secs(5)),
        unclear,
        async |_, environment| {
            environment.open(&tenant("a")).await.unwrap_err();
        },
    )
    .await;
    for fault in [
        None,
        Some(Fault::on(&START_SANDBOX).answer(400, "{}").always()),
    ] {
        let kept = |builder: DaytonaEnvironmentBuilder| builder.lease(Lease::persist(15 * MINUTE));
        life(kept, nothing, async |server, environment| {
            let sandbox = environment.open(&tenant("a")).await.unwrap();
            assert!(server.force_stop(sandbox.id()).await);
            drop(sandbox.exec(ExecRequest::argv(["true"])).await);
            fault.map(|fault| server.faults().inject(fault));
            drop(environment.open(&tenant("a")).await);
        })
        .await;
    }
    let full = |builder: DaytonaEnvironmentBuilder| {
        builder.max_sandboxes(1).at_capacity(AtCapacity::EvictIdle)
    };
    life(full, nothing, async |_, environment| {
        drop(environment.open(&tenant("a")).await.unwrap());
        environment.open(&tenant("b")).await.unwrap();
    })
    .await;
    let timed: [fn(DaytonaEnvironmentBuilder) -> DaytonaEnvironmentBuilder; 2] = [
        |builder| builder.idle_ttl(10 * MINUTE),
        |builder| builder.max_lifetime(20 * MINUTE),
    ];
    for timed in timed {
        life(timed, nothing, async |_, environment| {
            drop(environment.open(&tenant("a")).await.unwrap());
            sleep(30 * MINUTE).await;
        })
        .await;
    }
    let shared = |builder: DaytonaEnvironmentBuilder| {
        builder.share("workers", "a-fleet-key-of-tests-0123456789")
    };
    life(shared, nothing, async |_, environment| {
        environment.open(&tenant("a")).await.unwrap();
    })
    .await;
}

fn recorded(runs: impl AsyncFnOnce()) -> Vec<(Metric, f64)> {
    let book = Book::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    metrics::with_local_recorder(&book, || runtime.block_on(runs()));
    drop(runtime);
    std::mem::take(&mut *book.0.lock().unwrap())
}

/// Each is recorded, and nothing else is.
#[test]
fn every_metric_is_documented_and_recorded() {
    let seen = recorded(all);
    let metrics: BTreeSet<Metric> = seen.iter().map(|(metric, _)| metric.clone()).collect();
    assert_eq!(metrics, documented(DOCS));
    let names: BTreeSet<String> = metrics.into_iter().map(|(_, name, _)| name).collect();
    assert_eq!(names, in_source());

    // the comparison can fail, both ways
    for (from, to) in [
        ("`given_up`, `released`", "`given_up`"),
        (
            "| `sandbox_wakes_total` | counter",
            "| `sandbox_wakes_total` | gauge",
        ),
        ("| `sandbox_remove_seconds`", "| `sandbox_removal_seconds`"),
        ("`idle`, `lifetime`", "`idle`, `lifetime`, `bored`"),
    ] {
        assert!(DOCS.contains(from), "{from}");
        assert_ne!(documented(&DOCS.replace(from, to)), documented(DOCS));
    }
}

/// Their values, in a life in which nothing goes wrong.
#[test]
fn what_is_recorded_is_what_happened() {
    let seen = recorded(async || {
        let server = in_place(|builder| builder.create_delay(Duration::from_secs(4)));
        let environment = at(&server).build().unwrap();
        environment.open(&NoVars).await.unwrap();
        environment.open(&NoVars).await.unwrap();
        environment.close().await.unwrap();
    });
    let values = |name: &str| -> Vec<f64> {
        let of = seen.iter().filter(|((_, known, _), _)| known == name);
        of.map(|(_, value)| *value).collect()
    };
    assert_eq!(values("sandbox_creates_total"), [1.0]);
    assert_eq!(values("sandbox_removals_total"), [1.0]);
    let took = values("sandbox_create_seconds");
    assert!(
        matches!(took[..], [seconds] if (4.0..5.0).contains(&seconds)),
        "{took:?}"
    );
    let live = values("sandboxes");
    assert!(live.contains(&1.0) && live.last() == Some(&0.0), "{live:?}");
}
