//! Secrets, through the client of this project. The canary is a value: nothing may ever show it.

use std::collections::BTreeMap;

use daytona_api::api::SecretText;
use daytona_api::models::CreateSandbox;
use daytona_api::routes::control_plane as routes;
use daytona_api::{Config, Daytona};
use daytona_local::{Fault, Isolation, Server, ServerBuilder};
use futures_util::TryStreamExt;
use serde_json::json;

use crate::support::Client;

const CANARY: &str = "canary-5d1f0c";

async fn start(options: ServerBuilder) -> (Server, Daytona) {
    let server = options.isolation(Isolation::None).start().await.unwrap();
    let config = Config::new(server.token()).api_url(server.api_url());
    (server, Daytona::new(config).unwrap())
}

fn value() -> SecretText {
    CANARY.into()
}

fn wants(variable: &str, secret: &str) -> impl FnOnce(&mut CreateSandbox) {
    let entry = BTreeMap::from([(variable.to_owned(), secret.to_owned())]);
    move |new| new.secrets = Some(vec![entry])
}

#[tokio::test]
async fn a_sandbox_gets_a_placeholder_and_nothing_gives_the_value() {
    let (server, api) = start(Server::builder()).await;
    let secrets = api.secrets();
    let secret = secrets
        .create("github", &value(), |new| {
            new.hosts = Some(vec!["api.github.com".into(), "*.example.com".into()]);
            new.description = Some("of a robot".into());
        })
        .await
        .unwrap();
    assert!(secret.placeholder.starts_with("dtn_secret_") && secret.placeholder.len() > 30);
    assert_eq!(secret.hosts, ["api.github.com", "*.example.com"]);

    let create = api
        .sandboxes()
        .create()
        .with(wants("GITHUB_TOKEN", "github"));
    let sandbox = create.env("PLAIN", "x").send().await.unwrap();
    assert_eq!(
        sandbox.env.len(),
        1,
        "the own environment only: {:?}",
        sandbox.env.keys()
    );
    let toolbox = api.toolbox(&sandbox).unwrap();
    let printed = async || {
        let done = toolbox.process().execute("echo $GITHUB_TOKEN; env");
        done.send().await.unwrap().result
    };
    let output = printed().await;
    assert!(
        output.starts_with(&format!("{}\n", secret.placeholder)),
        "{output}"
    );

    // every answer there is about it
    let changed = secrets
        .update(&secret.id, |secret| secret.value = Some(CANARY.into()))
        .await
        .unwrap();
    assert_eq!(
        (&changed.placeholder, &changed.hosts),
        (&secret.placeholder, &secret.hosts)
    );
    let client = Client::of(&server);
    let mut seen = vec![
        output,
        printed().await,
        format!("{server:?} {:?}", server.requests()),
    ];
    for path in [
        "/api/secret".to_owned(),
        "/api/secret/paginated".to_owned(),
        format!("/api/secret/{}", secret.id),
        format!("/api/sandbox/{}", sandbox.id),
        "/api/sandbox".to_owned(),
    ] {
        let answer = client.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        seen.push(answer.text());
    }
    // what the service's runners ask for is not for the holder of an API key
    let resolved = client
        .get(&format!("/api/sandbox/{}/secrets", sandbox.id))
        .await;
    assert_eq!(resolved.status, 403);
    seen.push(resolved.text());
    let refused = client
        .call(
            "POST",
            "/api/secret",
            json!({ "name": "a b", "value": CANARY, "hosts": 1 }),
        )
        .await;
    assert_eq!(refused.status, 400);
    seen.push(refused.text());
    for text in seen {
        assert!(!text.contains(CANARY), "{text}");
    }

    // replaced, detached, deleted
    let other = secrets.create("other", &value(), |_| {}).await.unwrap();
    let sandboxes = api.sandboxes();
    sandboxes
        .update_secrets(&sandbox.id, [("A", "other"), ("B", "github")])
        .await
        .unwrap();
    let output = printed().await;
    assert!(output.starts_with('\n'), "{output}");
    assert!(
        output.contains(&format!("A={}\n", other.placeholder)),
        "{output}"
    );
    assert!(
        output.contains(&format!("B={}\n", secret.placeholder)),
        "{output}"
    );
    secrets.delete(&other.id).await.unwrap();
    assert!(!printed().await.contains(&other.placeholder));
    let none: [(&str, &str); 0] = [];
    sandboxes.update_secrets(&sandbox.id, none).await.unwrap();
    assert!(!printed().await.contains("dtn_secret_"));
    server.shutdown().await;
}

#[tokio::test]
async fn names_hosts_and_numbers_are_checked() {
    let (server, api) = start(Server::builder()).await;
    let secrets = api.secrets();
    let mut told = Vec::new();
    for name in ["", "a b", "ä", "a.b"] {
        told.push(
            secrets
                .create(name, &value(), |_| {})
                .await
                .unwrap_err()
                .to_string(),
        );
    }
    told.push(
        secrets
            .create("empty", &"".into(), |_| {})
            .await
            .unwrap_err()
            .to_string(),
    );
    for host in ["https://x.org", "x.org/path", "", "*", "a..b", "*.*.org"] {
        let set = |new: &mut daytona_api::models::CreateSecret| new.hosts = Some(vec![host.into()]);
        let error = secrets.create("name", &value(), set).await.unwrap_err();
        told.push(format!("{host}: {error}"));
    }
    let set = |new: &mut daytona_api::models::CreateSecret| {
        new.hosts = Some(vec!["*".into(), "a..b".into()]);
    };
    let error = secrets.create("name", &value(), set).await.unwrap_err();
    told.push(format!("both, told once: {error}"));
    let described = async |name: &str, length: usize| {
        let text = Some("ä".repeat(length));
        let value = value();
        let made = secrets.create(name, &value, |new| new.description = text);
        made.await.map_err(|error| error.status())
    };
    let long = described("long", 255).await.unwrap();
    assert_eq!(described("longer", 256).await, Err(Some(400)));
    secrets.delete(&long.id).await.unwrap();
    let secret = secrets.create("taken", &value(), |_| {}).await.unwrap();
    let taken = secrets.create("taken", &value(), |_| {}).await.unwrap_err();
    assert_eq!(taken.status(), Some(409));
    told.push(taken.to_string());
    for (variable, name) in [
        ("A", "none"),
        ("1A", "taken"),
        ("A-B", "taken"),
        ("", "taken"),
    ] {
        let create = api.sandboxes().create().with(wants(variable, name));
        let error = create.send().await.unwrap_err();
        assert_eq!(error.status(), Some(400));
        told.push(error.to_string());
    }
    let twice = [("A", "taken"), ("A", "taken")];
    let sandbox = api.sandboxes().create().send().await.unwrap();
    let error = api
        .sandboxes()
        .update_secrets(&sandbox.id, twice)
        .await
        .unwrap_err();
    told.push(error.to_string());
    insta::assert_snapshot!(told.join("\n"));

    for number in 1..100 {
        secrets
            .create(&format!("s{number}"), &value(), |_| {})
            .await
            .unwrap();
    }
    let full = secrets
        .create("one-more", &value(), |_| {})
        .await
        .unwrap_err();
    assert!(full.to_string().contains("Maximum allowed: 100"), "{full}");
    let many: Vec<_> = (1..52)
        .map(|n| (format!("V{n}"), format!("s{n}")))
        .collect();
    let error = api
        .sandboxes()
        .update_secrets(&sandbox.id, many)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("at most 50 secrets"), "{error}");
    secrets.delete(&secret.id).await.unwrap();
    assert!(secrets.get(&secret.id).await.unwrap_err().is_not_found());
    assert!(secrets.delete(&secret.id).await.unwrap_err().is_not_found());
    server.shutdown().await;
}

#[tokio::test]
async fn they_are_listed_page_by_page_and_faults_reach_them() {
    let (server, api) = start(Server::builder().manual_clock()).await;
    for name in ["b", "a", "c", "ab"] {
        api.secrets().create(name, &value(), |_| {}).await.unwrap();
        server.advance(std::time::Duration::from_secs(1)).unwrap();
    }
    let cut = server
        .faults()
        .inject(Fault::on(&routes::LIST_SECRETS_PAGINATED).answer(503, "{}"));
    let all: Vec<_> = api.secrets().list(Some("B")).try_collect().await.unwrap();
    let names: Vec<_> = all.iter().map(|secret| secret.name.as_str()).collect();
    assert_eq!((names, cut.hits()), (vec!["ab", "b"], 1));
    let client = Client::of(&server);
    let mut path = "/api/secret/paginated?limit=3&sort=name&order=asc".to_owned();
    let first = client.get(&path).await.json();
    assert_eq!(
        (&first["total"], first["items"].as_array().unwrap().len()),
        (&json!(4), 3)
    );
    path.push_str("&cursor=");
    let second = client
        .get(&format!("{path}{}", first["nextCursor"].as_str().unwrap()))
        .await
        .json();
    assert_eq!(
        (&second["items"][0]["name"], &second["nextCursor"]),
        (&json!("c"), &json!(null))
    );
    assert_eq!(client.get(&format!("{path}x")).await.status, 400);
    server.shutdown().await;
}
