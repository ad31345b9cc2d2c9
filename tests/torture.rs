//! Calls that are dropped after each of their polls, one after the other: whatever they had begun, nothing is left, no
//! create is doubled, and the next call works.

mod calls;
mod files;
mod lifecycle;
mod others;
mod running;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::interval;

/// How often a call is polled again although nothing woke it, so that it can be dropped between any two steps of the
/// tasks it waits for. Then it is left to wait, or time would stand still.
const EAGER: usize = 24;
/// How often that begins anew.
const AGAIN: Duration = Duration::from_secs(1);

/// Polls a call, and drops it after so many polls; its output if it had ended by then.
async fn dropped_after<F: Future>(polls: usize, call: F) -> Option<F::Output> {
    dropped_in(AGAIN, polls, call).await
}

/// The same, where much of the call is a wait for a time: it is polled eagerly after each such time only.
async fn dropped_in<F: Future>(again: Duration, polls: usize, call: F) -> Option<F::Output> {
    let mut call = pin!(call);
    let (mut count, mut eager) = (0, 0);
    let mut again = interval(again);
    poll_fn(|cx| {
        count += 1;
        if again.poll_tick(cx).is_ready() {
            // the next one is what wakes this
            let _ = again.poll_tick(cx);
            eager = 0;
        }
        match call.as_mut().poll(cx) {
            Poll::Ready(output) => return Poll::Ready(Some(output)),
            Poll::Pending if count >= polls => return Poll::Ready(None),
            Poll::Pending => {}
        }
        eager += 1;
        if eager < EAGER {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    })
    .await
}

/// A runtime that lets the call have a turn after every single step of any other task, its time paused or not.
fn stepwise<F: Future>(paused: bool, test: F) -> F::Output {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(paused).event_interval(1);
    builder.build().unwrap().block_on(test)
}

/// Says how many points there were at which a call was dropped; with fewer than two, nothing was tried.
fn report(call: &str, world: &str, points: usize) {
    println!("> torture: {call}, {world}: dropped at {points} points");
    assert!(points >= 2, "{call}, {world}: {points} points");
}
