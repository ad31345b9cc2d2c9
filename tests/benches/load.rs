//! Load drivers: how long, and how much CPU, next to the same by hand in the same run.
//!
//! `cargo bench -p workspace-tests --bench load [-- --quick] [--mib N] [a b c d e f g i]`. Prints a line per case; see
//! docs/benchmarks.md. The server runs in a process of its own, so that CPU is the client's alone.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints what it measures by the wall clock, and may panic"
)]

#[path = "load/context.rs"]
mod context;
#[path = "load/execs.rs"]
mod execs;
#[path = "load/first.rs"]
mod first;
#[path = "load/floor.rs"]
mod floor;
#[path = "load/hit.rs"]
mod hit;
#[path = "load/many.rs"]
mod many;
#[path = "load/measure.rs"]
mod measure;
#[path = "load/noticed.rs"]
mod noticed;
#[path = "load/process.rs"]
mod process;
#[path = "load/subject.rs"]
mod subject;
#[path = "load/transfer.rs"]
mod transfer;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // this program again, in another part
    match arguments.first().map(String::as_str) {
        Some("serve") => return process::serve(&arguments),
        Some("first") => return first::child(&arguments),
        Some("context") => return context::child(&arguments),
        Some("transfer") => return transfer::child(&arguments),
        _ => {}
    }
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let is_case = |a: &&String| a.len() == 1 && a.starts_with(char::is_alphabetic);
    let cases: Vec<&String> = arguments.iter().filter(is_case).collect();
    let wanted = |case: &str| cases.is_empty() || cases.iter().any(|a| *a == case);
    println!("{}", measure::HEAD);
    if wanted("a") {
        hit::run(quick);
    }
    if wanted("b") {
        many::one_key(quick);
    }
    if wanted("c") {
        many::many_keys(quick);
    }
    if wanted("d") {
        execs::run(quick);
    }
    let mib = arguments.iter().skip_while(|a| *a != "--mib").nth(1);
    let mib = |default| mib.map_or(default, |mib| mib.parse().unwrap());
    if wanted("e") {
        transfer::run(quick, mib(64));
    }
    if wanted("f") {
        first::run(quick);
    }
    if wanted("g") {
        noticed::run(quick);
    }
    if wanted("i") {
        context::run(quick, mib(1024));
    }
}
