use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{Answer, Client, isolated, plain, start};

/// A sandbox that works with git.
struct Repo {
    client: Client,
    id: String,
}

impl Repo {
    async fn post(&self, route: &str, body: Value) -> Answer {
        self.client
            .call("POST", &format!("/toolbox/{}/git/{route}", self.id), body)
            .await
    }

    async fn get(&self, route: &str) -> Answer {
        self.client
            .get(&format!("/toolbox/{}/git/{route}", self.id))
            .await
    }

    /// A POST that must be answered so.
    #[track_caller]
    fn done(answer: &Answer, status: u16) {
        assert_eq!(answer.status, status, "{}", answer.text());
    }

    /// A refusal: status and code.
    async fn refused(&self, route: &str, body: Value, status: u16, code: &str) {
        let answer = self.post(route, body).await;
        assert_eq!(
            (answer.status, answer.json()["code"].as_str().unwrap()),
            (status, code),
            "{}",
            answer.text()
        );
    }

    async fn run(&self, command: &str) -> String {
        let (code, output) = self.client.run(&self.id, command).await;
        assert_eq!(code, 0, "{output}");
        output
    }

    async fn commit(&self, path: &str, file: &str, text: &str) -> String {
        self.run(&format!("printf '{text}' > '{path}/{file}'"))
            .await;
        Self::done(
            &self
                .post("add", json!({ "path": path, "files": [file] }))
                .await,
            200,
        );
        let body = json!({ "path": path, "message": format!("Add {file}"), "author": "Ann", "email": "ann@example" });
        let answer = self.post("commit", body).await;
        Self::done(&answer, 200);
        answer.json()["hash"].as_str().unwrap().to_owned()
    }
}

/// In both modes alike.
async fn both(check: impl AsyncFn(Repo)) {
    for builder in [plain(), isolated()] {
        let (server, client) = start(builder).await;
        let id = client.create(json!({})).await;
        check(Repo { client, id }).await;
        server.shutdown().await;
    }
}

#[tokio::test]
async fn a_repository_from_init_to_history() {
    both(async |repo| {
        Repo::done(&repo.post("init", json!({ "path": "r", "initial_branch": "trunk" })).await, 201);
        let empty = repo.get("status?path=r").await;
        assert_eq!((empty.status, empty.json()["message"].as_str()), (404, Some("not found: reference not found")));
        assert_eq!(repo.get("history?path=r").await.status, 404);
        assert_eq!(repo.get("branches?path=r").await.json(), json!({ "branches": [], "current": "trunk" }));

        let first = repo.commit("r", "a file", "one\\n").await;
        let second = repo.commit("r", "b", "two\\n").await;
        let history = repo.get("history?path=r").await.json();
        assert_eq!((&history[0]["hash"], &history[1]["hash"]), (&json!(second), &json!(first)));
        assert_eq!(history[1]["message"], "Add a file\n");
        assert_eq!((&history[0]["author"], &history[0]["email"]), (&json!("Ann"), &json!("ann@example")));

        repo.run("cd r && git mv b c && echo more >> 'a file' && echo new > d").await;
        let status = repo.get("status?path=r").await.json();
        let files = status["fileStatus"].as_array().unwrap();
        let named = |name: &str| files.iter().find(|file| file["name"] == name).unwrap();
        assert_eq!(named("a file")["worktree"], "Modified");
        assert_eq!((&named("c")["staging"], &named("c")["extra"]), (&json!("Renamed"), &json!("b")));
        assert_eq!((&named("d")["staging"], &named("d")["worktree"]), (&json!("Untracked"), &json!("Untracked")));
        assert_eq!((&status["currentBranch"], &status["branchPublished"]), (&json!("trunk"), &json!(false)));

        Repo::done(&repo.post("restore", json!({ "path": "r", "files": ["a file"] })).await, 200);
        assert_eq!(repo.run("cat 'r/a file'").await, "one\n");
        Repo::done(&repo.post("reset", json!({ "path": "r", "mode": "hard", "target": first })).await, 200);
        assert_eq!(repo.get("history?path=r").await.json().as_array().unwrap().len(), 1);
        repo.refused("commit", json!({ "path": "r", "message": "m", "author": "A", "email": "e" }), 400, "BAD_REQUEST").await;
        let body = json!({ "path": "r", "message": "m", "author": "A", "email": "e", "allow_empty": true });
        Repo::done(&repo.post("commit", body).await, 200);
    })
    .await;
}

#[tokio::test]
async fn branches() {
    both(async |repo| {
        Repo::done(&repo.post("init", json!({ "path": "r" })).await, 201);
        let first = repo.commit("r", "a", "1\\n").await;
        Repo::done(
            &repo
                .post("branches", json!({ "path": "r", "name": "topic" }))
                .await,
            201,
        );
        assert_eq!(
            repo.get("branches?path=r").await.json(),
            json!({ "branches": ["main", "topic"], "current": "topic" })
        );
        repo.refused(
            "branches",
            json!({ "path": "r", "name": "topic" }),
            409,
            "GIT_BRANCH_EXISTS",
        )
        .await;
        repo.refused(
            "branches",
            json!({ "path": "r", "name": "-f" }),
            400,
            "BAD_REQUEST",
        )
        .await;
        repo.commit("r", "a", "2\\n").await;
        repo.run("echo 3 > r/a").await;
        repo.refused(
            "checkout",
            json!({ "path": "r", "branch": "main" }),
            409,
            "GIT_DIRTY_WORKTREE",
        )
        .await;
        repo.run("cd r && git checkout -q a").await;
        Repo::done(
            &repo
                .post("checkout", json!({ "path": "r", "branch": "main" }))
                .await,
            200,
        );
        repo.refused(
            "checkout",
            json!({ "path": "r", "branch": "nowhere" }),
            404,
            "GIT_BRANCH_NOT_FOUND",
        )
        .await;
        let delete = |name: &str| {
            let request = repo.client.json(
                "DELETE",
                &format!("/toolbox/{}/git/branches", repo.id),
                &json!({ "path": "r", "name": name }),
            );
            repo.client.send(request)
        };
        assert_eq!(delete("main").await.status, 400);
        assert_eq!(delete("topic").await.status, 204);
        assert_eq!(delete("topic").await.status, 204, "deleted is deleted");
        Repo::done(
            &repo
                .post("checkout", json!({ "path": "r", "branch": first }))
                .await,
            200,
        );
        let status = repo.get("status?path=r").await.json();
        assert_eq!(status["detached"], true);
    })
    .await;
}

#[tokio::test]
async fn another_repository() {
    both(async |repo| {
        Repo::done(
            &repo
                .post("init", json!({ "path": "hub", "bare": true }))
                .await,
            201,
        );
        Repo::done(&repo.post("init", json!({ "path": "r" })).await, 201);
        let first = repo.commit("r", "a", "1\\n").await;
        let hub = repo.run("cd hub && pwd").await.trim().to_owned();
        Repo::done(
            &repo
                .post(
                    "remotes",
                    json!({ "path": "r", "name": "origin", "url": "../wrong" }),
                )
                .await,
            201,
        );
        repo.refused(
            "remotes",
            json!({ "path": "r", "name": "origin", "url": hub }),
            409,
            "CONFLICT",
        )
        .await;
        let body = json!({ "path": "r", "name": "origin", "url": hub, "overwrite": true });
        Repo::done(&repo.post("remotes", body).await, 201);
        assert_eq!(
            repo.get("remotes?path=r").await.json(),
            json!({ "remotes": [{ "name": "origin", "url": hub }] })
        );
        Repo::done(
            &repo
                .post("push", json!({ "path": "r", "set_upstream": true }))
                .await,
            200,
        );
        assert_eq!(
            repo.get("status?path=r").await.json()["upstream"],
            "origin/main"
        );

        Repo::done(
            &repo
                .post(
                    "clone",
                    json!({ "url": hub, "path": "copy", "branch": "main" }),
                )
                .await,
            200,
        );
        repo.refused(
            "clone",
            json!({ "url": hub, "path": "copy" }),
            409,
            "CONFLICT",
        )
        .await;
        repo.refused(
            "clone",
            json!({ "url": hub, "path": "c2", "branch": "no" }),
            404,
            "GIT_BRANCH_NOT_FOUND",
        )
        .await;
        repo.refused(
            "clone",
            json!({ "url": "/nowhere", "path": "c3" }),
            404,
            "GIT_REPO_NOT_FOUND",
        )
        .await;
        repo.commit("r", "a", "2\\n").await;
        Repo::done(&repo.post("push", json!({ "path": "r" })).await, 200);
        assert_eq!(
            repo.get("remotes?path=copy").await.json()["remotes"][0]["name"],
            "origin"
        );
        Repo::done(&repo.post("pull", json!({ "path": "copy" })).await, 200);
        assert_eq!(repo.run("cat copy/a").await, "2\n");
        Repo::done(&repo.post("pull", json!({ "path": "copy" })).await, 200);

        repo.commit("r", "a", "3\\n").await;
        repo.commit("copy", "b", "3\\n").await;
        Repo::done(&repo.post("push", json!({ "path": "r" })).await, 200);
        repo.refused("push", json!({ "path": "copy" }), 409, "GIT_PUSH_REJECTED")
            .await;
        repo.refused("pull", json!({ "path": "copy" }), 409, "GIT_PUSH_REJECTED")
            .await;
        let body = json!({ "url": hub, "path": "old", "commit_id": first });
        Repo::done(&repo.post("clone", body).await, 200);
        assert_eq!(repo.run("cat old/a").await, "1\n");
    })
    .await;
}

#[tokio::test]
async fn settings_and_credentials() {
    both(async |repo| {
        Repo::done(
            &repo
                .post(
                    "config/user",
                    json!({ "name": "Bob", "email": "bob@example" }),
                )
                .await,
            200,
        );
        assert_eq!(
            repo.get("config?key=user.name").await.json(),
            json!({ "value": "Bob" })
        );
        assert_eq!(
            repo.get("config?key=no.such").await.json(),
            json!({ "value": null })
        );
        Repo::done(&repo.post("init", json!({ "path": "r" })).await, 201);
        let body = json!({ "key": "core.editor", "value": "ed", "scope": "local", "path": "r" });
        Repo::done(&repo.post("config", body).await, 200);
        assert_eq!(
            repo.get("config?key=core.editor&scope=local&path=r")
                .await
                .json(),
            json!({ "value": "ed" })
        );
        assert_eq!(
            repo.get("config?key=core.editor").await.json(),
            json!({ "value": null })
        );
        repo.refused(
            "config",
            json!({ "key": "a.b", "value": "c", "scope": "local" }),
            400,
            "BAD_REQUEST",
        )
        .await;
        let body = json!({ "username": "ann", "password": "p'w d", "host": "git.example" });
        Repo::done(&repo.post("credentials", body).await, 200);
        let fill = "printf 'protocol=https\\nhost=git.example\\n\\n' | git credential fill";
        assert!(repo.run(fill).await.contains("password=p'w d\n"));
    })
    .await;
}

#[tokio::test]
async fn what_is_no_repository() {
    both(async |repo| {
        repo.run("mkdir plain").await;
        for path in ["plain", "nowhere"] {
            let answer = repo.get(&format!("status?path={path}")).await;
            assert_eq!(
                (answer.status, answer.json()["code"].as_str()),
                (404, Some("GIT_REPO_NOT_FOUND"))
            );
            repo.refused("push", json!({ "path": path }), 404, "GIT_REPO_NOT_FOUND")
                .await;
        }
        assert_eq!(
            repo.get("status").await.json()["message"],
            "bad request: path is required"
        );
        repo.refused(
            "add",
            json!({ "path": "plain", "files": [] }),
            400,
            "BAD_REQUEST",
        )
        .await;
        repo.refused(
            "add",
            json!({ "path": "plain", "files": "a" }),
            400,
            "BAD_REQUEST",
        )
        .await;
        repo.refused("clone", json!({ "path": "x" }), 400, "BAD_REQUEST")
            .await;
        repo.refused("clone", json!([]), 400, "BAD_REQUEST").await;
    })
    .await;
}

/// A remote that knows nobody: what it was sent, once it was sent something.
async fn stranger() -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/repo.git", listener.local_addr().unwrap());
    let task = tokio::runtime::Handle::current().spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut heard = Vec::new();
            while !heard.windows(4).any(|end| end == b"\r\n\r\n") {
                let mut more = [0; 1024];
                let count = stream.read(&mut more).await.unwrap();
                heard.extend_from_slice(&more[..count]);
                if count == 0 {
                    break;
                }
            }
            let answer = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"r\"\r\nContent-Length: 0\r\n\
                          Connection: close\r\n\r\n";
            stream.write_all(answer.as_bytes()).await.unwrap();
            let heard = String::from_utf8(heard).unwrap();
            if heard.to_lowercase().contains("authorization:") {
                return heard;
            }
        }
    });
    (url, task)
}

#[tokio::test]
async fn credentials_reach_the_remote_and_nothing_else() {
    let (server, client) = start(plain()).await;
    let id = client.create(json!({})).await;
    let repo = Repo { client, id };
    let (url, heard) = stranger().await;
    repo.refused(
        "clone",
        json!({ "url": url, "path": "x" }),
        401,
        "GIT_AUTH_FAILED",
    )
    .await;
    let body = json!({ "url": url, "path": "x", "username": "ann", "password": "pass-canary" });
    let answer = repo.post("clone", body).await;
    assert_eq!(
        (answer.status, answer.json()["code"].as_str()),
        (401, Some("GIT_AUTH_FAILED"))
    );
    assert!(!answer.text().contains("canary"));
    // ann:pass-canary
    assert!(heard.await.unwrap().contains("YW5uOnBhc3MtY2FuYXJ5"));
    let (code, found) = repo
        .client
        .run(&repo.id, "grep -r canary . ; env | grep canary")
        .await;
    assert_eq!((code, found.as_str()), (1, ""));
    server.shutdown().await;
}
