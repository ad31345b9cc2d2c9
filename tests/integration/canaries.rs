//! No secret shows anywhere, and where one is planted it is found.

mod evidence;
#[path = "../../crates/daytona-env-cli/tests/it/canaries/forms.rs"]
mod forms;
mod later;
mod log;
mod meters;
mod secrets;
mod told;

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
    search.finds_nothing(&evidence);

    // and with a leak of each planted in each channel
    leak(&canaries, &log, &mut evidence).await;
    evidence.insert("metrics", meters.take());
    search.finds_all(&evidence);
}
