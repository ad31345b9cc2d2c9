//! No secret shows anywhere, and where one is planted it is found.

mod evidence;
mod forms;
mod later;
mod log;
mod told;

use std::collections::BTreeSet;

use evidence::{collect, leak};
use forms::Canaries;

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
    let canaries = Canaries::new();

    let mut evidence = collect(&canaries, &log).await;
    let mut found = Vec::new();
    for (channel, texts) in &evidence {
        assert!(!texts.is_empty(), "nothing to see in {channel}");
        for text in texts {
            for (name, form) in canaries.hits(text) {
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
    for (channel, texts) in &evidence {
        let hits = texts.iter().flat_map(|text| canaries.hits(text));
        let seen: BTreeSet<_> = hits.map(|(name, _)| name).collect();
        for (name, _) in canaries.all() {
            assert!(
                seen.contains(name),
                "the {name} planted in {channel} was not found"
            );
        }
    }
}
