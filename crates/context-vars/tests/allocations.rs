//! A look-up that hits allocates nothing. Its own program: the allocator is the whole process's.

use context_vars::{KeyView, OptParam, Param, ParamMap, Resolve, Scope, Secret, Variable, Vars};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

#[derive(Resolve)]
struct Params {
    api_key: Param<Secret>,
    organization: OptParam<String>,
    api_url: OptParam<String>,
    target: OptParam<String>,
    image: OptParam<String>,
    scope: Param<Scope>,
    env_vars: ParamMap,
}

#[test]
fn a_hit_allocates_nothing() {
    let mut vars = Vars::new();
    for name in [
        "api_key",
        "organization",
        "api_url",
        "target",
        "image",
        "scope",
    ] {
        vars.insert(name, format!("value of {name}"));
    }
    let mut env_vars = ParamMap::new();
    for n in 0..16 {
        if n % 2 == 0 {
            env_vars.insert(format!("K{n}"), "constant");
        } else {
            env_vars.insert(format!("K{n}"), Variable::new(format!("k{n}")));
            vars.insert(format!("k{n}"), Secret::new(format!("secret {n}")));
        }
    }
    let params = Params {
        api_key: Variable::unnamed().into(),
        organization: Variable::unnamed().into(),
        api_url: Variable::unnamed().into(),
        target: Variable::unnamed().into(),
        image: Variable::unnamed().into(),
        scope: Variable::unnamed().into(),
        env_vars,
    };
    let stored = params.resolve(&vars).unwrap().to_resolved();

    let _profiler = dhat::Profiler::builder().testing().build();
    let before = dhat::HeapStats::get().total_blocks;
    let control = std::hint::black_box(Box::new(1_u8));
    assert_eq!(
        dhat::HeapStats::get().total_blocks,
        before + 1,
        "the counter counts"
    );
    drop(control);
    let before = dhat::HeapStats::get().total_blocks;
    let view = params.resolve(&vars).unwrap();
    let mut hasher = std::hash::DefaultHasher::new();
    view.hash_key(&mut hasher);
    assert!(view.matches(&stored));
    drop(view);
    assert_eq!(dhat::HeapStats::get().total_blocks, before);
}
