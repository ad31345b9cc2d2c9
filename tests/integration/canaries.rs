//! No secret shows anywhere, and where one is planted it is found.

mod evidence;
#[path = "../../crates/daytona-env-cli/tests/it/canaries/forms.rs"]
mod forms;
mod later;
mod log;
mod meters;
mod secrets;
mod told;

use std::collections::BTreeSet;

use evidence::{collect, leak};
use secrets::Canaries;

use crate::support::alone;

/// Runs `child` alone in a process of its own: it listens to the log of the whole process.
#[test]
fn no_secret_shows_and_every_planted_one_does() {
    alone("canaries::child");
}

#[tokio::test]
#[ignore = "run by no_secret_shows_and_every_planted_one_does, alone in its process"]
async fn child() {
    let log = log::listen();
    let meters = meters::listen();
    let canaries = Canaries::new();
    let search = canaries.search();

    let mut evidence = collect(&canaries, &log).await;
    let told = meters.take();
    let names: Vec<_> = told
        .iter()
        .filter(|text| text.starts_with("sandbox"))
        .collect();
    assert!(names.len() > 6, "most of the metrics: {names:#?}");
    evidence.insert("metrics", told);
    let mut found = Vec::new();
    for (channel, texts) in &evidence {
        assert!(!texts.is_empty(), "nothing to see in {channel}");
        for text in texts {
            for (name, form) in search.hits(text) {
                found.push(format!("{channel}: {name}, {form}: {text}"));
            }
        }
    }
    assert!(
        found.is_empty(),
        "{} leaks:\n{}",
        found.len(),
        found.join("\n")
    );

    // and with a leak of each planted in each channel
    leak(&canaries, &log, &mut evidence).await;
    evidence.insert("metrics", meters.take());
    for (channel, texts) in &evidence {
        let hits = texts.iter().flat_map(|text| search.hits(text));
        let seen: BTreeSet<_> = hits.map(|(name, _)| name).collect();
        for (name, _) in canaries.all() {
            assert!(
                seen.contains(name),
                "the {name} planted in {channel} was not found"
            );
        }
    }
}
