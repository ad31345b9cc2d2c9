//! Heap allocations of an open that finds its sandbox, and bytes per cached handle, counted by dhat.
//!
//! `cargo bench -p workspace-tests --bench memory [-- --quick]`
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints what it counts, and may panic"
)]

#[path = "load/subject.rs"]
mod subject;

use std::fs;
use std::hint::black_box;

use sandbox_core::SandboxFactory;

#[global_allocator]
static HEAP: dhat::Alloc = dhat::Alloc;

fn verdict(good: bool) -> &'static str {
    if good { "PASS" } else { "MISS" }
}

fn main() {
    let keys: u32 = if std::env::args().any(|a| a == "--quick") {
        500
    } else {
        5000
    };
    let profiler = dhat::Profiler::builder().testing().build();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let descriptors = || fs::read_dir("/proc/self/fd").unwrap().count();
    let factory = subject::factory();
    // starts the background runtime
    runtime
        .block_on(factory.open(&subject::context("first")))
        .unwrap();

    let cached = subject::context("first");
    let allocations = |open: &dyn Fn()| {
        let before = dhat::HeapStats::get().total_blocks;
        (0..1000).for_each(|_| open());
        (dhat::HeapStats::get().total_blocks - before) as f64 / 1000.0
    };
    let typed = allocations(&|| {
        runtime.block_on(async { drop(black_box(factory.open(&cached).await.unwrap())) });
    });
    let dynamic: &dyn SandboxFactory = &factory;
    let boxed = allocations(&|| {
        runtime.block_on(async { drop(black_box(dynamic.open(&cached).await.unwrap())) });
    });
    println!(
        "a. allocations of a cached open, typed: {typed} (target 0) {}",
        verdict(typed == 0.0)
    );
    println!(
        "a. allocations of a cached open, dyn: {boxed} (target 1) {}",
        verdict(boxed <= 1.0)
    );

    let (bytes, open) = (dhat::HeapStats::get().curr_bytes, descriptors());
    for n in 0..keys {
        let context = subject::context(&format!("tenant-{n:06}"));
        runtime.block_on(factory.open(&context)).unwrap();
    }
    let each = (dhat::HeapStats::get().curr_bytes - bytes) / keys as usize;
    println!(
        "h. bytes per cached handle: {each} (target <= 2048) {}",
        verdict(each <= 2048)
    );
    let opened = descriptors() - open;
    println!(
        "h. descriptors per {keys} handles: {opened} (target 0) {}",
        verdict(opened == 0)
    );
    runtime.block_on(factory.close()).unwrap();
    drop(profiler);
}
