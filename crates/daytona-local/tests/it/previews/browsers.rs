//! What only browsers do: names below `localhost`, cookies, pages.

use http::HeaderMap;

use super::{TOKEN, authority, get, seen, served};
use crate::live::{Lab, soon};
use crate::support::plain;

struct Page {
    lab: Lab,
    port: u16,
    token: String,
    /// The origin of the preview in a browser.
    origin: String,
}

async fn page() -> Page {
    let lab = soon(Lab::new(plain())).await;
    let (port, preview) = served(&lab).await;
    let authority = authority(&lab.server);
    let own = authority.split_once(':').unwrap().1;
    let origin = format!("http://{port}-{}.localhost:{own}", lab.id);
    Page {
        lab,
        port,
        token: preview.token,
        origin,
    }
}

fn location(headers: &HeaderMap) -> &str {
    headers["location"].to_str().unwrap()
}

#[tokio::test]
async fn a_browser_gets_an_origin_for_each_preview() {
    let Page {
        lab,
        port,
        token,
        origin,
    } = page().await;
    let navigate = [("sec-fetch-mode", "navigate")];
    let query = format!("?a=1&DAYTONA_SANDBOX_AUTH_KEY={token}");
    let url = format!(
        "http://{}/preview/{port}-{}/x{query}",
        authority(&lab.server),
        lab.id
    );
    let answer = get(&lab.server, &url, &navigate).await;
    assert_eq!(answer.status, 307);
    assert_eq!(location(&answer.headers), format!("{origin}/x{query}"));

    let answer = get(&lab.server, location(&answer.headers), &navigate).await;
    assert_eq!(seen(&answer)["path"], "/x?a=1");
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies[0], "mine=1");
    let cookie = cookies[1].to_str().unwrap();
    assert_eq!(
        cookie,
        format!(
            "daytona-sandbox-auth-{}={token}; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax",
            lab.id
        )
    );
    let cookie = cookie.split(';').next().unwrap();

    // the next ones bring the cookie, whose page must be the preview's own
    let next = format!("{origin}/next");
    let answer = get(&lab.server, &next, &[("cookie", cookie)]).await;
    assert_eq!(seen(&answer)["path"], "/next");
    let answer = get(
        &lab.server,
        &next,
        &[("cookie", cookie), ("origin", &origin)],
    )
    .await;
    seen(&answer);
    for foreign in ["http://evil.example", "null", "http://localhost:1"] {
        let answer = get(
            &lab.server,
            &next,
            &[("cookie", cookie), ("origin", foreign)],
        )
        .await;
        assert_eq!(answer.status, 401, "{foreign}");
    }
    // not where all sandboxes would share it, and not for another
    let shared = format!(
        "http://{}/preview/{port}-{}/",
        authority(&lab.server),
        lab.id
    );
    assert_eq!(
        get(&lab.server, &shared, &[("cookie", cookie)])
            .await
            .status,
        401
    );
    let other = lab.api.sandboxes().create().send().await.unwrap();
    let others = next.replace(&lab.id, &other.id);
    assert_eq!(
        get(&lab.server, &others, &[("cookie", cookie)])
            .await
            .status,
        401
    );
    // a wrong key sets none
    let wrong = format!("{origin}/?DAYTONA_SANDBOX_AUTH_KEY=wrong");
    let answer = get(&lab.server, &wrong, &[]).await;
    assert!(answer.status == 401 && !answer.headers.contains_key("set-cookie"));
    lab.server.shutdown().await;
}

#[tokio::test]
async fn only_the_servers_own_names_are_served() {
    let Page {
        lab,
        port,
        token,
        origin,
    } = page().await;
    let header = [(TOKEN, token.as_str())];
    seen(&get(&lab.server, &format!("{origin}/"), &header).await);
    seen(
        &get(
            &lab.server,
            &format!(
                "{}/",
                origin
                    .to_uppercase()
                    .replace("HTTP", "http")
                    .replace("LOCALHOST", "localhost")
            ),
            &header,
        )
        .await,
    );
    let own = origin.rsplit_once(':').unwrap().1;
    for host in [
        format!("{port}-{}.localhost.evil.example:{own}", lab.id),
        format!("{port}-{}.localhost:1", lab.id),
        format!("{port}-{}.localhost", lab.id),
        format!("{port}-{}.127.0.0.1:{own}", lab.id),
        format!("a.{port}-{}.localhost:{own}", lab.id),
        format!("{}.localhost:{own}", lab.id),
        "evil.example".to_owned(),
    ] {
        for path in ["/".to_owned(), format!("/preview/{port}-{}/", lab.id)] {
            let answer = get(&lab.server, &format!("http://{host}{path}"), &header).await;
            assert_eq!(answer.status, 403, "{host}");
        }
    }
    lab.server.shutdown().await;
}

#[tokio::test]
async fn a_redirection_stays_behind_the_proxy() {
    let Page {
        lab,
        port,
        token,
        origin,
    } = page().await;
    let base = format!("/preview/{port}-{}", lab.id);
    let shared = format!("http://{}{base}", authority(&lab.server));
    let signed = lab
        .api
        .sandboxes()
        .signed_preview_url(&lab.id, port, None)
        .await
        .unwrap();
    let signed_base = signed.url.split_once("/preview").unwrap().1;
    let signed_base = format!("/preview{signed_base}");
    let local = format!("http://127.0.0.1:{port}/b?c");
    let told = format!("{base}/b");
    for (from, place, to) in [
        (&shared, "/login?x", format!("{base}/login?x")),
        (&shared, &local, format!("{base}/b?c")),
        (&shared, &told, told.clone()),
        (&shared, "next", "next".to_owned()),
        (
            &shared,
            "//elsewhere.example/",
            "//elsewhere.example/".to_owned(),
        ),
        (
            &shared,
            "https://elsewhere.example/b",
            "https://elsewhere.example/b".to_owned(),
        ),
        (&signed.url, "/login", format!("{signed_base}/login")),
        (&signed.url, &told, format!("{signed_base}/b")),
        (&origin, "/login?x", format!("{origin}/login?x")),
        (&origin, &local, format!("{origin}/b?c")),
    ] {
        let headers = [(TOKEN, token.as_str()), ("x-place", place)];
        let answer = get(&lab.server, &format!("{from}/away"), &headers).await;
        assert_eq!(
            (answer.status, location(&answer.headers)),
            (302, to.as_str()),
            "{from} {place}"
        );
    }
    lab.server.shutdown().await;
}
