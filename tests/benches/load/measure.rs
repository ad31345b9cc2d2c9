//! Medians, CPU time and the line that is printed.

use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

pub(crate) const HEAD: &str =
    "case                                              ours        floor       ratio    target";

/// User and system time of this process so far.
pub(crate) fn cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    [usage.user_time(), usage.system_time()]
        .into_iter()
        .map(|time| {
            Duration::from_secs(time.tv_sec().unsigned_abs())
                + Duration::from_micros(time.tv_usec().unsigned_abs())
        })
        .sum()
}

/// Wall time of one run.
pub(crate) fn wall(run: impl FnOnce()) -> Duration {
    let began = Instant::now();
    run();
    began.elapsed()
}

pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Medians of two things measured by turns.
pub(crate) fn by_turns(
    rounds: usize,
    mut ours: impl FnMut() -> Duration,
    mut floor: impl FnMut() -> Duration,
) -> (Duration, Duration) {
    let mut both = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        both.0.push(ours());
        both.1.push(floor());
    }
    (median(both.0), median(both.1))
}

/// One line. Without a target it is for information.
pub(crate) fn report(case: &str, (ours, floor): (Duration, Duration), target: Option<f64>) {
    let ratio = ours.as_secs_f64() / floor.as_secs_f64().max(1e-12);
    let verdict = target.map_or("-".to_owned(), |target| {
        let verdict = if ratio <= target { "PASS" } else { "MISS" };
        format!("<= {target:.2} x  {verdict}")
    });
    println!(
        "{case:<48}  {:<10}  {:<10}  {ratio:<7.2}  {verdict}",
        show(ours),
        show(floor)
    );
}

fn show(time: Duration) -> String {
    let nanos = time.as_nanos();
    match nanos {
        ..10_000 => format!("{nanos} ns"),
        10_000..10_000_000 => format!("{:.1} us", time.as_secs_f64() * 1e6),
        _ => format!("{:.1} ms", time.as_secs_f64() * 1e3),
    }
}
