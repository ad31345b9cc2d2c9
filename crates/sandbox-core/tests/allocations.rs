//! What an open costs in memory. Its own program: the allocator is the whole process's.

#[path = "it/fake.rs"]
#[expect(dead_code, reason = "only some of the fake service is needed here")]
mod fake;

use std::hint::black_box;

use context_vars::Vars;
use sandbox_core::SandboxFactory;

use fake::Service;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

fn blocks() -> u64 {
    dhat::HeapStats::get().total_blocks
}

#[tokio::test]
async fn a_typed_hit_allocates_nothing_and_an_erased_one_once() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let service = Service::new();
    let factory = service.factory();
    let context = Vars::new().with("key", "k-1").with("image", "python:3.12");
    factory.open(&context).await.unwrap();

    let before = blocks();
    let control = black_box(Box::new(1_u8));
    assert_eq!(blocks(), before + 1, "the counter counts");
    drop(control);

    let before = blocks();
    for _ in 0..100 {
        black_box(factory.open(&context).await.unwrap());
    }
    assert_eq!(blocks() - before, 0);

    let erased: &dyn SandboxFactory = &factory;
    let before = blocks();
    for _ in 0..100 {
        black_box(erased.open(&context).await.unwrap());
    }
    assert_eq!(blocks() - before, 100);

    // What a cached sandbox keeps, the fake's own part included: its key, its entry, its slot.
    let bytes = || dhat::HeapStats::get().curr_bytes;
    let open = async |from: usize| {
        for n in from..from + 1000 {
            let image = format!("registry.example.com/team/image-{n}:latest");
            factory.open(&fake::image(image)).await.unwrap();
        }
    };
    // The service's own rows and the table's growth are kept out by forgetting and measuring late.
    open(0).await;
    let before = bytes();
    open(1000).await;
    let each = (bytes() - before) / 1000;
    assert!(each <= 2048, "{each} bytes for each sandbox");
    factory.close().await.unwrap();
}
