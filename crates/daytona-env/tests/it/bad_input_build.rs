//! What `build` refuses, and in which words.
#![expect(clippy::expect_used, reason = "a test may panic")]

use std::time::Duration;

use context_vars::{ParamMap, Template, Variable};
use daytona_env::{DaytonaEnvironment, DaytonaEnvironmentBuilder, DaytonaResources, Image, Lease};

fn keyed() -> DaytonaEnvironmentBuilder {
    DaytonaEnvironment::builder().api_key("canary-key")
}

/// The text of the refusal, which is always about the input and never shows a secret.
fn refused(builder: DaytonaEnvironmentBuilder) -> String {
    let error = builder.build().expect_err("must be refused");
    assert!(error.is_invalid_input(), "{error:?}");
    let text = error.to_string();
    assert!(!format!("{error:?} {text}").contains("canary"), "{text}");
    text
}

#[test]
fn snapshot_and_image_together() {
    insta::assert_snapshot!(refused(keyed().snapshot("a").image("b")), @"Specify either `snapshot` or `image`, not both.");
    insta::assert_snapshot!(refused(keyed().snapshot("").image("")), @"Specify either `snapshot` or `image`, not both.");
}

#[test]
fn the_conflict_is_reported_before_the_timeout() {
    let both = keyed().snapshot("a").image("b").timeout(Duration::ZERO);
    insta::assert_snapshot!(refused(both), @"Specify either `snapshot` or `image`, not both.");
}

#[test]
fn one_of_the_two_as_a_variable_waits_for_open() {
    assert!(
        keyed()
            .snapshot(Variable::new("s"))
            .image("b")
            .build()
            .is_ok()
    );
}

#[test]
fn timeouts() {
    for short in [
        Duration::ZERO,
        Duration::from_millis(500),
        Duration::from_nanos(999_999_999),
    ] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(refused(keyed().timeout(short)), @"`timeout` must be >= 1 second.");
        }
    }
    assert!(keyed().timeout(Duration::from_secs(1)).build().is_ok());
    assert!(keyed().timeout(Duration::from_millis(1500)).build().is_ok());
    insta::assert_snapshot!(refused(keyed().timeout(Duration::MAX)), @"`timeout` must be at most 24 hours");
    insta::assert_snapshot!(
        refused(keyed().create_timeout(Duration::ZERO)),
        @"`create_timeout` must be from 1 second to 1 hour"
    );
    insta::assert_snapshot!(
        refused(keyed().renew_interval(Duration::from_secs(61))),
        @"`renew_interval` must be more than zero and at most 60 seconds"
    );
}

#[test]
fn resources() {
    let two = DaytonaResources::default().with_cpu(2);
    insta::assert_snapshot!(
        refused(keyed().resources(two)),
        @"`resources` need an `image`: a snapshot brings its own cpu, memory and disk, so leave `resources` out or give an `image`"
    );
    assert!(
        refused(keyed().snapshot("s").resources(two)).starts_with("`resources` need an `image`")
    );
    assert!(keyed().image("i").resources(two).build().is_ok());
    assert!(
        keyed()
            .resources(DaytonaResources::default())
            .build()
            .is_ok(),
        "none asked for is the same as not given"
    );
    insta::assert_snapshot!(
        refused(keyed().image("i").resources(two.with_disk(0))),
        @"`resources`: `disk` must be at least 1; leave it out for the server's default"
    );
}

#[test]
fn credentials() {
    insta::assert_snapshot!(
        refused(DaytonaEnvironment::builder()),
        @"no credential: give `api_key`, or `jwt` with its organization; the host's environment is never asked"
    );
    insta::assert_snapshot!(
        refused(DaytonaEnvironment::builder().api_key("")),
        @"`api_key` is empty; an empty credential is never replaced by one of the host's, so give the tenant's own"
    );
    assert!(
        refused(DaytonaEnvironment::builder().api_key(" \t\n")).starts_with("`api_key` is empty")
    );
    assert!(refused(DaytonaEnvironment::builder().jwt("", "org")).starts_with("`jwt` is empty"));
    assert!(
        refused(DaytonaEnvironment::builder().jwt("t", "")).starts_with("`organization` is empty")
    );
    insta::assert_snapshot!(
        refused(DaytonaEnvironment::builder().api_key("canary\r\nX: y")),
        @"`api_key` holds a blank, a control character or a character outside ASCII, which no Daytona credential does; check for a stray line break"
    );
    insta::assert_snapshot!(refused(keyed().jwt("t", "org")), @"Specify either `api_key` or `jwt`, not both.");
}

#[test]
fn environment_variables() {
    insta::assert_snapshot!(
        refused(keyed().env_var("A-B", "canary")),
        @r#"`env_vars`: "A-B" is not a name for an environment variable; use letters, digits and `_`, not starting with a digit"#
    );
    assert!(refused(keyed().env_var("1A", Variable::new("x"))).contains("\"1A\""));
    assert!(refused(keyed().env_vars(ParamMap::new().entry("", "canary"))).contains("\"\""));
    insta::assert_snapshot!(
        refused(keyed().env_var("A", "canary\0")),
        @r#"`env_vars`: the value of "A" holds a NUL byte; remove it"#
    );
}

#[test]
fn names_and_images() {
    insta::assert_snapshot!(
        refused(keyed().image("python:3.12\nRUN curl evil")),
        @r#"`image` must be one image reference such as "python:3.12": it holds a line break, another blank, a control character or a backslash, which would add to the Dockerfile made from it"#
    );
    insta::assert_snapshot!(
        refused(keyed().image(Image::base("debian:12").workdir("/a\nUSER root"))),
        @"`image`: a line break or control character in a step would add lines to the build"
    );
    insta::assert_snapshot!(
        refused(keyed().snapshot("s").image(Image::base("a").run_commands(["b"]))),
        @"Specify either `snapshot` or `image`, not both."
    );
    insta::assert_snapshot!(
        refused(keyed().image("")),
        @r#"`image` is empty; give a reference such as "python:3.12", or leave it out"#
    );
    insta::assert_snapshot!(
        refused(keyed().snapshot("")),
        @"`snapshot` is empty; leave it out to use the server's default"
    );
    insta::assert_snapshot!(
        refused(keyed().target("eu\n")),
        @"`target` holds a line break or another control character; remove it"
    );
}

#[test]
fn labels_and_workdir() {
    insta::assert_snapshot!(
        refused(keyed().label("daytona-env.managed", "0")),
        @r#"`labels`: the key "daytona-env.managed" starts with `daytona-env.`, which is reserved for the labels that find our sandboxes"#
    );
    assert!(refused(keyed().label("", "x")).starts_with("`labels`: the key"));
    insta::assert_snapshot!(refused(keyed().workdir("src")), @r#"`workdir` must be absolute, such as "/workspace", got "src""#);
    insta::assert_snapshot!(
        refused(keyed().workdir("/a\0")),
        @"`workdir` holds a NUL byte, a line break or another control character; remove it"
    );
    insta::assert_snapshot!(refused(keyed().workdir("/a/../b")), @r#"`workdir` must not contain `..`, got "/a/../b""#);
    assert_eq!(
        keyed().workdir("/srv/").build().unwrap().workdir(),
        Some("/srv")
    );
}

#[test]
fn leases() {
    insta::assert_snapshot!(
        refused(keyed().lease(Lease::ephemeral(Duration::from_secs(60)))),
        @"`lease`: `idle` must be a whole number of minutes from 3 to 60, got 60s"
    );
    insta::assert_snapshot!(
        refused(keyed().lease(Lease::ephemeral(Duration::ZERO))),
        @"`lease`: `idle` must be a whole number of minutes from 3 to 60, got 0ns"
    );
}

#[test]
fn urls() {
    insta::assert_snapshot!(
        refused(keyed().api_url("app.daytona.io/api")),
        @r#"`api_url` is not a usable URL: it must start with https:// or http://; give one such as "https://app.daytona.io/api""#
    );
    insta::assert_snapshot!(
        refused(keyed().api_url("")),
        @r#"`api_url` is not a usable URL: it is empty; give one such as "https://app.daytona.io/api""#
    );
    assert!(refused(keyed().api_url("https://u:canary@x/api")).contains("user name or password"));
}

#[test]
fn a_held_credential_does_not_go_where_a_variable_says() {
    let wanted = "`api_url` is a variable and the credential is not";
    assert!(refused(keyed().api_url(Variable::new("url"))).starts_with(wanted));
    assert!(
        refused(keyed().api_url(Template::parse("https://${host}/api").unwrap()))
            .starts_with(wanted)
    );
    let defaulted = DaytonaEnvironment::builder().api_key(Variable::new("key").default("canary"));
    assert!(refused(defaulted.api_url(Variable::new("url"))).starts_with(wanted));
    // both from the context, or an origin from the list
    assert!(
        DaytonaEnvironment::builder()
            .api_key(Variable::new("key"))
            .api_url(Variable::new("url"))
            .build()
            .is_ok()
    );
    assert!(
        keyed()
            .api_url(Variable::new("url"))
            .allow_origin("https://eu.daytona.test")
            .build()
            .is_ok()
    );
    insta::assert_snapshot!(
        refused(keyed().api_url("https://us.daytona.test/api").allow_origin("https://eu.daytona.test")),
        @"`api_url` resolved to the origin https://us.daytona.test:443, which is not on the list given to `allow_origin`; the credential was not sent"
    );
}

#[test]
fn scopes() {
    insta::assert_snapshot!(
        refused(keyed().require_scope()),
        @"`scope` is required here; give the tenant's, or `Scope::Shared` if sharing between tenants is meant"
    );
    assert!(
        keyed()
            .require_scope()
            .scope(context_vars::Scope::Shared)
            .build()
            .is_ok()
    );
    insta::assert_snapshot!(refused(keyed().scope("")), @"cannot resolve parameter `scope`: the value is empty");
}

#[test]
fn nothing_in_debug_is_secret() {
    let builder = keyed()
        .env_var("A", "canary-env")
        .scope("tenant")
        .jwt("canary-jwt", "org");
    assert!(!format!("{builder:?}").contains("canary"));
    let environment = keyed()
        .env_var("A", "canary-env")
        .scope("tenant")
        .build()
        .unwrap();
    let shown = format!("{environment:?}");
    assert!(
        !shown.contains("canary") && !shown.contains("tenant") && shown.contains("Named(..)"),
        "{shown}"
    );
}
