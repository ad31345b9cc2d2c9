//! Commands.

use std::path::Path;
use std::time::Duration;

use context_vars::NoVars;
use daytona_api::routes::toolbox::EXECUTE_COMMAND;
use daytona_local::Fault;
use sandbox_core::{ExecRequest, Sandbox};

use super::{dropped_after, report, stepwise};
use crate::world::{at, heals, in_place, left};

/// Makes the fault of a world, if it has one.
type Make = fn() -> Option<Fault>;

/// A command that was dropped ran once or not at all, and the sandbox is as usable as before.
#[test]
fn exec() {
    stepwise(true, exec_is_dropped());
}

async fn exec_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let faults: [(&str, Make); 4] = [
        ("fast", || None),
        ("late", || {
            Some(Fault::on(&EXECUTE_COMMAND).delay(Duration::from_secs(2)))
        }),
        ("answer lost", || {
            Some(Fault::on(&EXECUTE_COMMAND).reset_after_commit())
        }),
        ("answer cut", || {
            Some(Fault::on(&EXECUTE_COMMAND).cut_body(20))
        }),
    ];
    for (name, fault) in faults {
        let mut points = 0;
        loop {
            let server = in_place(|builder| builder);
            let environment = at(&server).build().unwrap();
            let sandbox = environment.open(&NoVars).await.unwrap();
            if let Some(fault) = fault() {
                server.faults().inject(fault);
            }
            let log = folder.path().join(format!("{name}-{points}"));
            let line = format!("echo ran >> '{}'", log.display());
            let ended = dropped_after(points + 1, sandbox.exec(ExecRequest::shell(line))).await;
            // whatever is still under way comes to its end
            tokio::time::sleep(Duration::from_secs(10)).await;
            assert!(
                runs(&log) <= 1,
                "{name}, after {points} polls: it ran twice"
            );
            assert_eq!(environment.open(&NoVars).await.unwrap().id(), sandbox.id());
            assert_eq!(left(&server).len(), 1);
            heals(&server, &environment).await;
            if ended.is_some() {
                break;
            }
            points += 1;
        }
        report("exec", name, points);
    }
}

fn runs(log: &Path) -> usize {
    std::fs::read_to_string(log).map_or(0, |text| text.lines().count())
}
