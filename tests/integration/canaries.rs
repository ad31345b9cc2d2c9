//! No secret shows anywhere, and where one is planted it is found.

mod evidence;
mod forms;
mod later;
mod log;
mod told;

use evidence::collect;
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

    let evidence = collect(&canaries, false, &log).await;
    let mut found = Vec::new();
    for (channel, texts) in &evidence {
        assert!(!texts.is_empty(), "nothing to see in {channel}");
        for text in texts {
            for hit in canaries.hits(text) {
                found.push(format!("{channel}: {hit}: {text}"));
            }
        }
    }
    assert!(
        found.is_empty(),
        "{} leaks:\n{}",
        found.len(),
        found.join("\n")
    );

    // the same with a leak of each planted in each channel
    let evidence = collect(&canaries, true, &log).await;
    for (name, _) in canaries.all() {
        for (channel, texts) in &evidence {
            let seen = texts
                .iter()
                .flat_map(|text| canaries.hits(text))
                .any(|hit| hit.starts_with(&format!("{name}, ")));
            assert!(seen, "the {name} planted in {channel} was not found");
        }
    }
}
