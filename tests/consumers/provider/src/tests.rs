use context_vars::{Variable, Vars};
use sandbox_core::CachingFactory;
use sandbox_core::conformance::{Suite, TENANT, TOKEN};

use super::*;

/// The other rules run small scripts, and there is no `sh` on a shelf.
const NEED_NO_SHELL: &[&str] = &[
    "provider-tells-absence",
    "provider-makes-one-of-a-name",
    "one-sandbox-per-context",
    "contexts-apart",
    "unresolved-is-typed",
    "handles-own-nothing",
    "close-ends-handles",
    "close-starts-anew",
    "close-again",
    "single-flight",
    "keys-at-once",
    "files-at-once",
    "closes-at-once",
    "stdin-given",
    "stdin-closed",
    "file-bytes-exact",
    "put-replaces",
    "put-makes-parents",
    "missing-is-not-found",
    "file-is-no-directory",
    "list-tells-entries",
    "remove-takes-all",
    "paths-are-confined",
    "workdir-stays",
    "errors-show-no-secret",
];

fn params() -> ShelfParams {
    ShelfParams {
        scope: Variable::new("tenant").into(),
        env_vars: [("TENANT", Variable::new("tenant"))].into(),
    }
}

#[tokio::test]
async fn each_tenant_has_one_shelf_and_none_is_left() {
    let library = Library::default();
    let factory = CachingFactory::new(library.clone(), params());
    let (acme, blue) = (
        Vars::new().with("tenant", "acme"),
        Vars::new().with("tenant", "blue"),
    );
    let shelf = factory.open(&acme).await.unwrap();
    shelf.put("a/b", "book".into()).await.unwrap();
    assert_eq!(
        factory.open(&acme).await.unwrap().get("a/b").await.unwrap(),
        "book"
    );
    let other = factory.open(&blue).await.unwrap();
    assert!(other.get("a/b").await.unwrap_err().is_not_found());
    assert_eq!(library.names().len(), 2);

    let outcome = shelf
        .exec(ExecRequest::argv(["printenv", "TENANT"]))
        .await
        .unwrap();
    assert_eq!(outcome.stdout().text_lossy(), "acme\n");

    library.burn(shelf.info().name());
    assert!(shelf.get("a/b").await.unwrap_err().is_lost());
    let again = factory.open(&acme).await.unwrap();
    assert_eq!(again.info().generation(), 2);
    assert!(again.info().state_lost());

    factory.close().await.unwrap();
    assert!(library.names().is_empty());
}

#[tokio::test]
async fn it_keeps_the_rules_that_need_no_shell() {
    let make = || {
        let params = ShelfParams {
            scope: Variable::new(TENANT).into(),
            env_vars: [("TOKEN", Variable::new(TOKEN))].into(),
        };
        (Library::default(), params)
    };
    let suite = NEED_NO_SHELL
        .iter()
        .fold(Suite::over(make), |suite, rule| suite.only(*rule));
    suite.run().await.assert_all();
}
