//! The tables of docs/observability.md against what a run with faults writes, and against the source.

#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

mod job;
mod table;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::recorder::{Recorder, Told};
use crate::support::alone;
use table::Tables;

const DOCS: &str = include_str!("../../docs/observability.md");

/// Runs `child` alone in a process of its own: it listens to the whole process.
#[test]
fn a_run_writes_what_the_tables_say() {
    alone("spans::child");
}

#[tokio::test]
#[ignore = "run by a_run_writes_what_the_tables_say, alone in its process"]
async fn child() {
    let recorder = Recorder::default();
    tracing_subscriber::registry()
        .with(recorder.clone())
        .with(LevelFilter::TRACE)
        .init();
    job::run().await;
    let told = ours(recorder.told());

    assert_eq!(Tables::parse(DOCS).wrong(&told), Vec::<String>::new());
    hangs_together(&told);

    // the comparison can fail, both ways
    let more = "| `sandbox.nap` | info | `sandbox_core` | `dream` |";
    let row = "| `sandbox.close` | info | `sandbox_core` |";
    for (from, to, wanted) in [
        (
            "| `sandbox.close`",
            format!("{more}\n| `sandbox.close`"),
            "sandbox.nap is documented and never seen",
        ),
        (
            "`left`, `outcome`, `took_ms`",
            "`outcome`, `took_ms`".into(),
            "sandbox.close has the field left",
        ),
        (
            row,
            row.replace("close", "shut"),
            "sandbox.close is not documented",
        ),
        (row, row.replace("info", "warn"), "sandbox.close is info"),
        (
            "| `sandbox being removed` |",
            "| `sandbox being mislaid` |".into(),
            "sandbox being removed is not documented",
        ),
        ("| `route` |", "| `rout` |".into(), "route is not explained"),
    ] {
        assert!(DOCS.contains(from), "{from}");
        let wrong = Tables::parse(&DOCS.replacen(from, &to, 1)).wrong(&told);
        assert!(
            wrong.iter().any(|wrong| wrong.contains(wanted)),
            "{wanted}: {wrong:?}"
        );
    }
    let mute = told.iter().cloned().map(|mut told| {
        told.values.remove("signal");
        told
    });
    let wrong = Tables::parse(DOCS).wrong(&mute.collect::<Vec<_>>());
    assert!(
        wrong
            .iter()
            .any(|wrong| wrong.contains("signal never has a value")),
        "{wrong:?}"
    );
}

fn ours(mut told: Vec<Told>) -> Vec<Told> {
    told.retain(|told| {
        let name = told.target.split("::").next().unwrap_or_default();
        ["daytona_api", "daytona_env", "sandbox_core"].contains(&name)
    });
    told
}

fn spans<'t>(told: &'t [Told], name: &'static str) -> impl Iterator<Item = &'t Told> {
    told.iter()
        .filter(move |told| told.name == name && told.is_span)
}

/// Who is within whom.
fn hangs_together(told: &[Told]) {
    let all = |name| spans(told, name);
    for (name, parent) in [
        ("sandbox.create", Some("sandbox.open")),
        ("sandbox.revalidate", Some("sandbox.open")),
        ("sandbox.renew", None),
        ("sandbox.delete", None),
        ("daytona.attempt", Some("daytona.request")),
    ] {
        for told in all(name) {
            assert_eq!(told.parent.as_deref(), parent, "{told:?}");
        }
    }
    let within =
        |parent: &str| all("daytona.request").any(|told| told.parent.as_deref() == Some(parent));
    for parent in [
        "sandbox.create",
        "sandbox.revalidate",
        "sandbox.renew",
        "sandbox.delete",
        "sandbox.exec",
    ] {
        assert!(within(parent), "no request within {parent}");
    }
    assert!(all("sandbox.delete").any(|told| told.follows.as_deref() == Some("sandbox.close")));
    let outcomes: Vec<_> = all("sandbox.open")
        .map(|told| told.value("outcome"))
        .collect();
    for outcome in ["created", "joined", "hit", "revalidated", "failed"] {
        assert!(
            outcomes.contains(&outcome),
            "no open is {outcome}: {outcomes:?}"
        );
    }
    for told in all("sandbox.open").filter(|told| told.value("outcome") != "failed") {
        assert!(
            !told.value("key").is_empty() && !told.value("id").is_empty(),
            "{told:?}"
        );
    }
    let retried = all("daytona.request")
        .find(|told| told.value("attempts") == "2")
        .unwrap();
    assert_eq!(
        (retried.value("status"), retried.value("route")),
        ("200", "/sandbox/{sandboxIdOrName}")
    );
    assert!(
        told.iter()
            .all(|told| told.name != "retrying" || told.value("reason") == "status")
    );
    for told in told {
        for (field, value) in &told.values {
            assert!(
                !value.contains("http://") && !value.contains(job::CANARY),
                "{field}: {told:?}"
            );
        }
    }
}

#[test]
fn every_line_in_the_source_is_documented_and_no_other() {
    let tables = Tables::parse(DOCS);
    assert_eq!(tables.lines_in_docs(), table::lines_in_source());
}
