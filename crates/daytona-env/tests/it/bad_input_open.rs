//! What an open refuses once the variables are resolved.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use context_vars::{Value, Variable, Vars};
use daytona_env::{DaytonaEnvironment, DaytonaEnvironmentBuilder, DaytonaResources};
use sandbox_core::{Error, ErrorKind};

use crate::fake::{Fake, URL};

async fn refused(fake: &Fake, builder: DaytonaEnvironmentBuilder, context: Vars) -> Error {
    let environment = builder.build().unwrap();
    let error = environment
        .open(&context)
        .await
        .expect_err("must be refused");
    let mut text = format!("{error:?} {error}");
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        text.push_str(&format!(" {inner:?} {inner}"));
        source = inner.source();
    }
    assert!(!text.contains("canary"), "{text}");
    assert_eq!(fake.state().log.len(), 0, "nothing was sent");
    environment.close().await.unwrap();
    error
}

#[tokio::test(start_paused = true)]
async fn the_rules_of_build_hold_for_variables() {
    let fake = Fake::default();
    let two = DaytonaResources::default().with_cpu(2);
    let cases: Vec<(DaytonaEnvironmentBuilder, Vars, &str)> = vec![
        (
            fake.builder().snapshot(Variable::new("s")).image("i"),
            Vars::new().with("s", "x"),
            "Specify either `snapshot` or `image`, not both.",
        ),
        (
            fake.builder().image(Variable::new("i")).resources(two),
            Vars::new().with("i", None::<&str>),
            "`resources` need an `image`",
        ),
        (
            fake.builder().image(Variable::new("i")),
            Vars::new().with("i", "a\nRUN x"),
            "`image` must be one image reference",
        ),
        (
            fake.builder().image(Variable::new("i")),
            Vars::new().with("i", ""),
            "`image` is empty",
        ),
        (
            fake.builder().snapshot(Variable::new("s")),
            Vars::new().with("s", ""),
            "`snapshot` is empty",
        ),
        (
            fake.builder().api_key(Variable::new("k")),
            Vars::new().with("k", ""),
            "`api_key` is empty",
        ),
        (
            fake.builder().api_key(Variable::new("k")),
            Vars::new().with("k", "canary\n"),
            "`api_key` holds a blank",
        ),
        (
            fake.builder()
                .api_url(Variable::new("u"))
                .allow_origin("https://a.test"),
            Vars::new().with("u", "https://b.test/api"),
            "`api_url` resolved to the origin https://b.test:443",
        ),
        (
            fake.builder()
                .api_key(Variable::new("k"))
                .api_url(Variable::new("u")),
            Vars::new().with("k", "x").with("u", "ftp://b.test"),
            "`api_url` is not a usable URL",
        ),
        (
            fake.builder().env_vars(Variable::new("env")),
            Vars::new().with(
                "env",
                std::collections::BTreeMap::from([("A-B".to_owned(), "canary")]),
            ),
            "`env_vars`: \"A-B\" is not a name",
        ),
    ];
    for (builder, context, wanted) in cases {
        let error = refused(&fake, builder, context).await;
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error:?}");
        assert!(error.message().starts_with(wanted), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_resolves_to_null_leaves_the_image() {
    let fake = Fake::default();
    let environment = fake
        .builder()
        .snapshot(Variable::new("s"))
        .image("i")
        .build()
        .unwrap();
    environment
        .open(&Vars::new().with("s", None::<&str>))
        .await
        .unwrap();
    environment.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn every_unresolved_parameter_in_one_error() {
    let fake = Fake::default();
    let builder = DaytonaEnvironment::builder()
        .api_url(URL)
        .transport(std::sync::Arc::new(fake.clone()))
        .spawner(std::sync::Arc::new(crate::fake::Here))
        .api_key(Variable::new("key"))
        .image(Variable::new("image"))
        .env_var("TENANT", Variable::new("tenant"))
        .scope(Variable::new("tenant"));
    let error = refused(
        &fake,
        builder,
        Vars::new().with("image", Value::from(3_i64)),
    )
    .await;
    assert!(error.is_unresolved(), "{error:?}");
    let source = std::error::Error::source(&error).expect("the list");
    let text = source.to_string();
    for name in ["api_key", "image", "env_vars", "scope", "tenant", "key"] {
        assert!(text.contains(name), "{name} in {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_null_credential_is_never_replaced() {
    let fake = Fake::default();
    let builder = fake.builder().api_key(Variable::new("k"));
    let error = refused(&fake, builder, Vars::new().with("k", None::<&str>)).await;
    assert!(
        error.is_unresolved() || error.message().starts_with("no credential"),
        "{error:?}"
    );
}
