//! What a provider owes the caching factory, over loopback to the embedded server.

use std::sync::Arc;

use context_vars::Variable;
use daytona_local::{Isolation, Server};
use sandbox_core::conformance::{Suite, TENANT, TOKEN, provider_rules};

use crate::DaytonaEnvironment;

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_rules_of_every_provider() {
    // `true` is all that runs there.
    let server = Server::builder().isolation(Isolation::None).start().await;
    let server = Arc::new(server.unwrap());
    let make = {
        let server = Arc::clone(&server);
        move || {
            let builder = DaytonaEnvironment::builder()
                .api_url(server.api_url())
                .api_key(server.token())
                .env_var("TOKEN", Variable::new(TOKEN))
                .scope(Variable::new(TENANT));
            builder.parts().unwrap()
        }
    };
    let rules = provider_rules().map(sandbox_core::conformance::Rule::name);
    let suite = rules.fold(Suite::over(make), Suite::only);
    let report = suite.run().await;
    report.assert_all();
    assert_eq!(report.outcomes().len(), provider_rules().count());
    let left = server
        .sandboxes()
        .into_iter()
        .filter(|row| row.desired_state != "destroyed");
    assert_eq!(left.count(), 0);
}
