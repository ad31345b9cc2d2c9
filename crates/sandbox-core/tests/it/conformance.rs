//! The suite itself: what is right passes it, and each rule catches what breaks it.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use context_vars::Variable;
use sandbox_core::conformance::{self, Suite, TENANT, TOKEN};
use sandbox_core::{LocalEnvironment, LocalEnvironmentBuilder};

mod broken;
#[cfg(feature = "cache")]
mod caching;

fn builder() -> LocalEnvironmentBuilder {
    LocalEnvironment::builder()
        .scope(Variable::new(TENANT))
        .env_var("TOKEN", Variable::new(TOKEN))
}

fn local() -> LocalEnvironment {
    builder().build().unwrap()
}

fn local_with_all_of_the_host() -> LocalEnvironment {
    builder().inherit_env().build().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn local_sandboxes_keep_every_rule() {
    let report = conformance::run(local).await;
    report.assert_all();
    assert_eq!(report.outcomes().len(), conformance::rules().count());
}

#[tokio::test]
async fn a_name_that_is_no_rule_is_a_failure() {
    let report = Suite::new(local).only("no-such-rule").run().await;
    assert_eq!(report.failures().count(), 1);
    let report = Suite::new(local)
        .only("exit-codes")
        .skip("typo", "because")
        .run()
        .await;
    assert_eq!(report.failures().count(), 1);
}
