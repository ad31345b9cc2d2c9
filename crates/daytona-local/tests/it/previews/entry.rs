//! Who is let in, and to what.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};

use daytona_local::Fault;

use super::{TOKEN, get, message, seen, serve, served, shown};
use crate::live::{Lab, soon};
use crate::support::{isolated, plain};

#[tokio::test]
async fn a_port_is_reached_with_what_the_service_takes() {
    for lab in soon(Lab::both()).await {
        let preview = served(&lab).await.1;
        assert_eq!(preview.sandbox_id, lab.id);
        assert_eq!(preview.token.len(), 32);
        let url = format!("{}/hello?a=1&b=%20", preview.url);
        let bearer = format!("Bearer {}", lab.server.token());
        let preview_bearer = format!("Bearer {}", preview.token);
        for headers in [
            [(TOKEN, preview.token.as_str())],
            [("authorization", &bearer)],
            [("authorization", &preview_bearer)],
        ] {
            let seen = seen(&get(&lab.server, &url, &headers).await);
            assert_eq!(seen["path"], "/hello?a=1&b=%20");
            let head = seen["head"].as_str().unwrap().to_lowercase();
            assert!(!head.contains("authorization"), "{head}");
            assert!(!head.contains("x-daytona"), "{head}");
        }
        let url = format!(
            "{}/hello?DAYTONA_SANDBOX_AUTH_KEY={}&a=1",
            preview.url, preview.token
        );
        assert_eq!(
            seen(&get(&lab.server, &url, &[]).await)["path"],
            "/hello?a=1"
        );
        // without a path, and without a slash
        let header = [(TOKEN, preview.token.as_str())];
        for (end, path) in [
            ("/", "/"),
            ("/?", "/?"),
            ("/?x", "/?x"),
            ("/y//%2Fz", "/y//%2Fz"),
        ] {
            let answer = get(&lab.server, &format!("{}{end}", preview.url), &header).await;
            assert_eq!(seen(&answer)["path"], path);
        }
        let answer = get(&lab.server, &preview.url, &header).await;
        assert_eq!(seen(&answer)["path"], "/");
        assert_eq!(answer.headers["x-kept"], "1");
        assert_eq!(answer.headers["set-cookie"], "mine=1");
        assert!(!answer.headers.contains_key("x-hop"));
        lab.server.shutdown().await;
    }
}

#[tokio::test]
async fn others_are_refused_and_learn_nothing() {
    let lab = soon(Lab::new(plain())).await;
    let sandboxes = lab.api.sandboxes();
    let (port, preview) = served(&lab).await;
    let other = sandboxes.create().send().await.unwrap();
    let others = sandboxes.preview_url(&other.id, port).await.unwrap();
    assert_ne!(others.token, preview.token);
    let unknown = preview
        .url
        .replace(&lab.id, "3f0c8b1e-0000-4000-8000-000000000000");
    let mut told = Vec::new();
    for (url, token) in [
        (&preview.url, ""),
        (&preview.url, "wrong"),
        (&preview.url, &others.token),
        (&unknown, &preview.token),
    ] {
        let answer = get(&lab.server, url, &[(TOKEN, token)]).await;
        assert_eq!(answer.status, 401, "{url}");
        told.push(message(&answer));
        let query = format!("{url}?DAYTONA_SANDBOX_AUTH_KEY={token}");
        assert_eq!(get(&lab.server, &query, &[]).await.status, 401, "{url}");
    }
    told.dedup();
    insta::assert_snapshot!(told.join("\n"));
    assert_eq!(get(&lab.server, &preview.url, &[]).await.status, 401);
    // who has the API key may know
    let bearer = format!("Bearer {}", lab.server.token());
    let bearer = [("authorization", bearer.as_str())];
    assert_eq!(get(&lab.server, &unknown, &bearer).await.status, 404);
    // by its id and by nothing else
    let named = sandboxes.create().name("by-name").send().await.unwrap();
    let url = sandboxes.preview_url("by-name", port).await.unwrap().url;
    assert!(url.ends_with(&named.id), "{url}");
    let url = preview.url.replace(&lab.id, "by-name");
    assert_eq!(get(&lab.server, &url, &bearer).await.status, 404);
    // not a preview at all
    for path in [
        "preview/",
        "preview/x",
        "preview/0-x",
        "preview/70000-x",
        "preview/+1-x",
    ] {
        let url = format!("http://{}/{path}", super::authority(&lab.server));
        assert_eq!(get(&lab.server, &url, &bearer).await.status, 404, "{path}");
    }
    lab.server.shutdown().await;
}

#[tokio::test]
async fn a_public_sandbox_is_open_but_for_its_toolbox() {
    let lab = soon(Lab::new(plain())).await;
    let sandboxes = lab.api.sandboxes();
    let url = served(&lab).await.1.url;
    let toolbox = sandboxes.preview_url(&lab.id, 2280).await.unwrap();
    assert_eq!(get(&lab.server, &url, &[]).await.status, 401);
    sandboxes.set_public(&lab.id, true).await.unwrap();
    seen(&get(&lab.server, &url, &[]).await);
    let version = format!("{}/version", toolbox.url);
    assert_eq!(get(&lab.server, &version, &[]).await.status, 401);
    let answer = get(&lab.server, &version, &[(TOKEN, &toolbox.token)]).await;
    assert_eq!(answer.status, 200);
    assert!(answer.json()["version"].is_string());
    sandboxes.set_public(&lab.id, false).await.unwrap();
    assert_eq!(get(&lab.server, &url, &[]).await.status, 401);
    // the token opens the toolbox where that is, and only its own sandbox's
    let home = format!(
        "http://{}/toolbox/{}/version",
        super::authority(&lab.server),
        lab.id
    );
    let with = [(TOKEN, toolbox.token.as_str())];
    assert_eq!(get(&lab.server, &home, &with).await.status, 200);
    assert_eq!(get(&lab.server, &home, &[]).await.status, 401);
    let other = sandboxes.create().send().await.unwrap();
    let others = home.replace(&lab.id, &other.id);
    assert_eq!(get(&lab.server, &others, &with).await.status, 401);
    lab.server.shutdown().await;
}

#[tokio::test]
async fn a_port_that_is_not_the_sandboxes_is_never_reached() {
    for lab in soon(Lab::both()).await {
        let sandboxes = lab.api.sandboxes();
        let other = sandboxes.create().send().await.unwrap();
        let others = serve(&lab.api.toolbox(&other).unwrap()).await;
        serve(&lab.toolbox).await;
        let hosts = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        hosts.set_nonblocking(true).unwrap();
        let hosts_port = hosts.local_addr().unwrap().port();
        let own = super::authority(&lab.server);
        let own: u16 = own.split_once(':').unwrap().1.parse().unwrap();
        for port in [others, hosts_port, own, 1] {
            let preview = sandboxes.preview_url(&lab.id, port).await.unwrap();
            let answer = get(&lab.server, &preview.url, &[(TOKEN, &preview.token)]).await;
            assert_eq!(answer.status, 502);
            assert_eq!(
                message(&answer),
                format!("bad gateway: nothing in the sandbox listens on port {port}")
            );
        }
        assert_eq!(hosts.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        lab.server.shutdown().await;
    }
}

#[tokio::test]
async fn a_stopped_sandbox_is_answered_and_a_start_makes_a_new_token() {
    for lab in soon(Lab::both()).await {
        let sandboxes = lab.api.sandboxes();
        let (port, first) = served(&lab).await;
        let signed = sandboxes
            .signed_preview_url(&lab.id, port, Some(600))
            .await
            .unwrap();
        seen(&get(&lab.server, &first.url, &[(TOKEN, &first.token)]).await);
        sandboxes.stop(&lab.id, false).await.unwrap();
        lab.server.settled().await;
        let answer = get(&lab.server, &first.url, &[(TOKEN, &first.token)]).await;
        assert_eq!(answer.status, 400);
        assert!(message(&answer).contains("Is the Sandbox started?"));
        sandboxes.start(&lab.id).await.unwrap();
        let answer = get(&lab.server, &first.url, &[(TOKEN, &first.token)]).await;
        assert_eq!(answer.status, 401);
        let second = sandboxes.preview_url(&lab.id, port).await.unwrap();
        assert_ne!(first.token, second.token);
        let answer = get(&lab.server, &first.url, &[(TOKEN, &second.token)]).await;
        assert_eq!(answer.status, 502, "its program ended with the stop");
        // what is signed survives
        assert_eq!(get(&lab.server, &signed.url, &[]).await.status, 502);
        sandboxes.delete(&lab.id).await.unwrap();
        lab.server.settled().await;
        assert_eq!(get(&lab.server, &signed.url, &[]).await.status, 401);
        lab.server.shutdown().await;
    }
}

#[tokio::test]
async fn no_program_and_no_log_learns_what_opened_it() {
    let lab = soon(Lab::new(plain())).await;
    let sandboxes = lab.api.sandboxes();
    let (port, preview) = served(&lab).await;
    let signed = sandboxes
        .signed_preview_url(&lab.id, port, None)
        .await
        .unwrap();
    let (token, key) = (&preview.token, lab.server.token());
    let own = super::authority(&lab.server);
    let own = own.split_once(':').unwrap().1;
    let host = |whose: &str| format!("http://{port}-{whose}.localhost:{own}");
    let bearer = format!("Bearer {key}");
    let cookie = format!("a=1; daytona-sandbox-auth-{}={token}; b=2", lab.id);
    let referer = format!("{}/x?DAYTONA_SANDBOX_AUTH_KEY={token}", preview.url);
    let odd = format!("{key}{token}");
    let all = [
        (TOKEN, token.as_str()),
        ("authorization", &bearer),
        ("cookie", &cookie),
        ("referer", &referer),
        ("x-odd", &odd),
    ];
    let mut urls = vec![host(&lab.id), host(&signed.token)];
    urls.extend([preview.url.clone(), signed.url.clone()]);
    for url in urls {
        let origin = url.split("/preview").next().unwrap().to_owned();
        let referer = format!("{url}/from?here");
        // as the text of a page may have it
        let end = if url.contains(&signed.token) {
            &signed.token
        } else {
            "x"
        };
        let url = format!("{url}/{end}?DAYTONA_SANDBOX_AUTH_KEY={token}&t={token}&k={key}");
        for headers in [
            all.as_slice(),
            &[("origin", &origin), ("referer", &referer)],
        ] {
            let seen = seen(&get(&lab.server, &url, headers).await).to_string();
            for secret in [token, key, &signed.token] {
                assert!(!seen.contains(secret), "{url}: {seen}");
            }
        }
    }
    let kept = seen(&get(&lab.server, &preview.url, &all).await);
    let head = kept["head"].as_str().unwrap();
    assert!(head.contains("a=1; b=2"), "{head}");
    // a key of the program's own is its own
    let mine = [(TOKEN, token.as_str()), ("authorization", "Bearer mine")];
    let kept = seen(&get(&lab.server, &preview.url, &mine).await);
    assert!(kept["head"].as_str().unwrap().contains("Bearer mine"));
    let shown = shown(&lab);
    for secret in [token, key, &signed.token] {
        assert!(!shown.contains(secret), "{shown}");
    }
    lab.server.shutdown().await;
}

#[tokio::test]
async fn a_sandbox_without_the_network_has_previews() {
    let lab = soon(Lab::new(isolated().network(false))).await;
    let preview = served(&lab).await.1;
    let header = [(TOKEN, preview.token.as_str())];
    for _ in 0..2 {
        let answer = get(&lab.server, &format!("{}/in", preview.url), &header).await;
        assert_eq!(seen(&answer)["path"], "/in");
    }
    // what carried them ends too
    let marker = format!("DAYTONA_SANDBOX_ID={}", lab.id);
    crate::support::until("no carrier is left", || {
        crate::support::marked(&marker).iter().all(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            !String::from_utf8_lossy(&line).contains("/dev/tcp/")
        })
    })
    .await;
    lab.server.shutdown().await;
}

#[tokio::test]
async fn faults_strike_previews_too() {
    let lab = soon(Lab::new(plain())).await;
    let (port, preview) = served(&lab).await;
    let header = [(TOKEN, preview.token.as_str())];
    let fault = Fault::any().path("/preview/*").answer(503, "out of order");
    let fault = lab.server.faults().inject(fault);
    let answer = get(&lab.server, &preview.url, &header).await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (503, "out of order")
    );
    assert_eq!(fault.hits(), 1);
    seen(&get(&lab.server, &preview.url, &header).await);
    let last = lab.server.requests().pop().unwrap();
    assert_eq!(last.path, format!("/preview/{port}-{}/", lab.id));
    assert_eq!((last.route, last.status), (None, Some(200)));
    lab.server.shutdown().await;
}
