use bytes::Bytes;
use serde_json::{Value, json};

use crate::support::{Answer, Client, isolated, plain, start};

struct Box_ {
    client: Client,
    id: String,
    home: String,
}

impl Box_ {
    async fn upload(&self, path: &str, content: impl Into<Bytes>) -> Answer {
        let request = self
            .client
            .request("POST", &self.path(&format!("upload-v2?path={path}")));
        let content: Bytes = content.into();
        self.client
            .send(request.body(content.into()).unwrap())
            .await
    }

    fn path(&self, rest: &str) -> String {
        format!("/toolbox/{}/files/{rest}", self.id)
    }

    async fn get(&self, rest: &str) -> Answer {
        self.client.get(&self.path(rest)).await
    }

    async fn post(&self, rest: &str) -> Answer {
        self.client.post(&self.path(rest)).await
    }

    async fn delete(&self, query: &str) -> Answer {
        let path = format!("/toolbox/{}/files?{query}", self.id);
        self.client.call("DELETE", &path, Value::Null).await
    }

    async fn list(&self, query: &str) -> Answer {
        self.client
            .get(&format!("/toolbox/{}/files?{query}", self.id))
            .await
    }

    async fn form(&self, rest: &str, parts: &[(&str, &str)]) -> Answer {
        let mut body = String::new();
        for (name, content) in parts {
            let file = if name.ends_with("file") {
                "; filename=\"f\""
            } else {
                ""
            };
            body.push_str(&format!(
                "--XX\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{content}\r\n"
            ));
        }
        body.push_str("--XX--\r\n");
        let request = self.client.request("POST", &self.path(rest));
        let request = request.header("content-type", "multipart/form-data; boundary=XX");
        self.client
            .send(request.body(Bytes::from(body).into()).unwrap())
            .await
    }
}

/// Both modes answer the same.
async fn both(check: impl AsyncFn(Box_)) {
    for builder in [plain(), isolated()] {
        let (server, client) = start(builder).await;
        let id = client.create(json!({})).await;
        let home = client.get(&format!("/toolbox/{id}/work-dir")).await.json();
        let home = home["dir"].as_str().unwrap().to_owned();
        check(Box_ { client, id, home }).await;
        server.shutdown().await;
    }
}

#[tokio::test]
async fn a_file_goes_up_and_comes_down() {
    both(async |b| {
        let up = b.upload("a/b/c.bin", vec![0_u8, 255, 10, 13]).await;
        assert_eq!(
            (up.status, up.json()),
            (
                200,
                json!({ "name": "c.bin", "path": "a/b/c.bin", "type": "file" })
            )
        );
        let absolute = format!("download?path={}/a/b/c.bin", b.home);
        for query in ["download?path=a/b/c.bin", &absolute] {
            let down = b.get(query).await;
            assert_eq!(
                (down.status, &down.body[..]),
                (200, &[0_u8, 255, 10, 13][..])
            );
            assert_eq!(down.headers["content-length"], "4");
            assert_eq!(down.headers["content-type"], "application/octet-stream");
            let disposition = down.headers["content-disposition"].to_str().unwrap();
            assert_eq!(
                disposition,
                "attachment; filename=\"c.bin\"; filename*=utf-8''c%2Ebin"
            );
        }
        assert_eq!(b.upload("a/b/c.bin", "short").await.status, 200);
        assert_eq!(b.get("download?path=a/b/c.bin").await.text(), "short");
        assert_eq!(
            b.form("upload?path=old.txt", &[("file", "old way")])
                .await
                .status,
            200
        );
        assert_eq!(
            b.form("upload-v2?path=form.txt", &[("file", "form")])
                .await
                .status,
            200
        );
        assert_eq!(
            b.client.run(&b.id, "cat old.txt form.txt").await.1,
            "old wayform"
        );
        assert_eq!(
            b.form("upload-v2?path=no.txt", &[("other", "x")])
                .await
                .status,
            400
        );
        assert_eq!(b.get("download?path=a").await.status, 400, "a folder");
        assert_eq!(b.get("download?path=none").await.status, 404);
        assert_eq!(b.get("download").await.status, 400);
    })
    .await;
}

#[tokio::test]
async fn ranges_are_served() {
    both(async |b| {
        b.upload("r", "0123456789").await;
        let ask = async |range: &str| {
            let request = b
                .client
                .request("GET", &b.path("download?path=r"))
                .header("range", range);
            b.client
                .send(request.body(Bytes::new().into()).unwrap())
                .await
        };
        let some = ask("bytes=2-4").await;
        assert_eq!((some.status, some.text()), (206, "234".to_owned()));
        assert_eq!(some.headers["content-range"], "bytes 2-4/10");
        assert_eq!(ask("bytes=7-").await.text(), "789");
        assert_eq!(ask("bytes=-2").await.text(), "89");
        let past = ask("bytes=10-").await;
        assert_eq!(
            (past.status, &past.headers["content-range"]),
            (416, &"bytes */10".parse().unwrap())
        );
    })
    .await;
}

#[tokio::test]
async fn what_there_is_is_told() {
    both(async |b| {
        b.upload("d/x.txt", "hello").await;
        b.upload("d/sub/y", "").await;
        b.client.run(&b.id, "ln -s nowhere d/dangling; chmod 640 d/x.txt; touch -d '2026-01-02T03:04:05.5Z' d/x.txt").await;
        let list = b.list("path=d").await.json();
        let names: Vec<&str> = list.as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["sub", "x.txt"]);
        assert_eq!((&list[0]["isDir"], &list[0]["path"]), (&json!(true), &json!("d/sub")));
        let mut info = b.get("info?path=d/x.txt").await.json();
        info["owner"].take();
        info["group"].take();
        insta::allow_duplicates! {
        insta::assert_json_snapshot!(info, @r#"
        {
          "group": null,
          "isDir": false,
          "modTime": "2026-01-02 03:04:05.5 +0000 UTC",
          "mode": "-rw-r-----",
          "modifiedAt": "2026-01-02T03:04:05.5Z",
          "name": "x.txt",
          "owner": null,
          "path": "d/x.txt",
          "permissions": "0640",
          "size": 5
        }
        "#);
        }
        let deep = b.list("path=d&depth=2").await.json();
        assert_eq!(deep.as_array().unwrap().len(), 3);
        assert_eq!(b.list("path=none").await.status, 404);
        assert_eq!(b.list("path=d&depth=0").await.status, 400);
        assert_eq!(b.get("info?path=none").await.status, 404);
        assert_eq!(b.get("info").await.status, 400);
    })
    .await;
}

#[tokio::test]
async fn folders_moves_permissions_and_deletion() {
    both(async |b| {
        assert_eq!(b.post("folder?path=p/q&mode=0700").await.status, 201);
        assert_eq!(
            b.post("folder?path=p/q&mode=0755").await.status,
            201,
            "there already"
        );
        assert_eq!(b.get("info?path=p/q").await.json()["permissions"], "0700");
        b.upload("f", "x").await;
        assert_eq!(b.post("folder?path=f").await.status, 400, "a file");
        assert_eq!(b.post("folder?path=g&mode=9").await.status, 400);
        assert_eq!(b.post("move?source=f&destination=p/g").await.status, 200);
        b.upload("f", "y").await;
        assert_eq!(b.post("move?source=f&destination=p/g").await.status, 409);
        assert_eq!(b.post("move?source=none&destination=h").await.status, 404);
        assert_eq!(
            b.post("move?source=f&destination=no/parent").await.status,
            404
        );
        assert_eq!(
            b.post("permissions?path=f&mode=0600&owner=daytona&group=daytona")
                .await
                .status,
            200
        );
        assert_eq!(b.get("info?path=f").await.json()["permissions"], "0600");
        assert_eq!(
            b.post("permissions?path=f&owner=nobody-we-know")
                .await
                .status,
            400
        );
        assert_eq!(b.post("permissions?path=none&mode=600").await.status, 404);
        assert_eq!(
            b.delete("path=p").await.status,
            400,
            "a folder needs recursive"
        );
        assert_eq!(b.delete("path=p&recursive=true").await.status, 204);
        assert_eq!(b.delete("path=p&recursive=true").await.status, 404);
        assert_eq!(b.delete("path=f").await.status, 204);
        assert_eq!(
            b.delete(&format!("path={}&recursive=true", b.home))
                .await
                .status,
            204
        );
    })
    .await;
}

#[tokio::test]
async fn many_files_in_one_request() {
    both(async |b| {
        let parts = [
            ("files[0].path", "m/a.txt"), ("files[0].file", "one"),
            ("files[1].path", "m/b.txt"), ("files[1].file", "two\r\n"),
        ];
        let up = b.form("bulk-upload", &parts).await;
        assert_eq!(up.status, 200, "{}", up.text());
        assert_eq!(up.json()["files"], json!([{ "path": "m/a.txt", "bytes": 3 }, { "path": "m/b.txt", "bytes": 5 }]));
        let parts = [
            ("files[0].file", "early"), ("files[1].path", "/proc/x"), ("files[1].file", "denied"),
            ("files[2].path", "m/c.txt"), ("files[2].file", "three"),
        ];
        let mixed = b.form("bulk-upload", &parts).await;
        assert_eq!(mixed.status, 400);
        assert_eq!(mixed.json()["errors"].as_array().unwrap().len(), 2);
        assert_eq!(mixed.json()["files"], json!([{ "path": "m/c.txt", "bytes": 5 }]));
        let down = b.client.call("POST", &b.path("bulk-download"), json!({ "paths": ["m/b.txt", "none", "m/a.txt"] })).await;
        assert_eq!(down.headers["content-type"], "multipart/form-data; boundary=DAYTONA-FILE-BOUNDARY");
        let text = down.text();
        let part = |name: &str, path: &str, kind: &str| format!(
            "--DAYTONA-FILE-BOUNDARY\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{path}\"; \
             filename*=utf-8''{}\r\nContent-Type: {kind}\r\n", path.replace('/', "%2F").replace('.', "%2E"));
        let plain_text = "text/plain; charset=utf-8";
        assert!(text.starts_with(&format!("{}Content-Length: 5\r\n\r\ntwo\r\n\r\n", part("file", "m/b.txt", plain_text))), "{text}");
        assert!(text.contains(&part("error", "none", "application/json; charset=utf-8")), "{text}");
        assert!(text.contains("FILE_NOT_FOUND"), "{text}");
        assert!(text.ends_with("\r\n\r\none\r\n--DAYTONA-FILE-BOUNDARY--\r\n"), "{text}");
        assert_eq!(b.client.call("POST", &b.path("bulk-download"), json!({ "paths": [] })).await.status, 400);
    })
    .await;
}

#[tokio::test]
async fn text_and_names_are_found_and_text_is_replaced() {
    both(async |b| {
        b.upload("t/one.py", "import os\nx = 'a.b'\r\n").await;
        b.upload("t/deep/two.py", "none\nxa.bx").await;
        b.upload("t/bin", vec![0_u8, b'a', b'.', b'b']).await;
        let found = b.get("find?path=t&pattern=a.b").await.json();
        assert_eq!(
            found,
            json!([
                { "file": "t/deep/two.py", "line": 2, "content": "xa.bx" },
                { "file": "t/one.py", "line": 2, "content": "x = 'a.b'" },
            ])
        );
        assert_eq!(b.get("find?path=none&pattern=x").await.json(), json!([]));
        assert_eq!(b.get("find?path=t").await.status, 400);
        let names = b.get("search?path=t&pattern=*.py").await.json();
        assert_eq!(names["files"], json!(["t/deep/two.py", "t/one.py"]));
        let body = json!({ "files": ["t/one.py", "none"], "pattern": "a.b", "newValue": "" });
        let replaced = b.client.call("POST", &b.path("replace"), body).await.json();
        assert_eq!(
            (&replaced[0]["success"], &replaced[1]["success"]),
            (&json!(true), &json!(false))
        );
        assert_eq!(
            b.get("download?path=t/one.py").await.text(),
            "import os\nx = ''\r\n"
        );
    })
    .await;
}

#[tokio::test]
async fn no_path_leads_out() {
    let planted = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(planted.path(), "canary-of-the-host").unwrap();
    let target = planted.path().display().to_string();
    both(async |b| {
        b.client.run(&b.id, &format!("ln -s '{target}' link; ln -s / root; ln -s ../../../../../../../../.. up; mkfifo pipe")).await;
        let relative = format!("../../../../../../../../../..{target}");
        for path in [target.as_str(), &relative, "link", &format!("root{target}"), &format!("up{target}"), "/proc/1/environ", "/proc/self/environ", "/dev/zero"] {
            for query in [format!("download?path={path}"), format!("find?path={path}&pattern=canary")] {
                let answer = b.get(&query).await;
                assert!(!answer.text().contains("canary-of"), "{query}: {}", answer.text());
            }
            let down = b.get(&format!("download?path={path}")).await;
            // Where the root's parent is the root, a path may name a file of the sandbox's own, made below.
            let own = down.status == 200 && down.text() == "overwritten";
            assert!(own || matches!(down.status, 403 | 404), "{path}: {}", down.status);
            b.upload(path, "overwritten").await;
            let content = std::fs::read_to_string(&target).unwrap();
            assert_eq!(content, "canary-of-the-host", "{path}");
            assert!(b.delete(&format!("path={path}/nothing")).await.status >= 400);
        }
        assert_eq!(b.get("download?path=pipe").await.status, 400, "a pipe makes nobody wait");
        assert!(b.upload("pipe", "x").await.status >= 400);
        let nul = b.get("download?path=a%00b").await;
        assert_eq!((nul.status, &nul.json()["code"]), (400, &json!("INVALID_FILE_PATH")));
        let shadow = b.get("download?path=/etc/shadow").await;
        assert!(matches!(shadow.status, 403 | 404));
    })
    .await;
}

#[tokio::test]
async fn system_folders_are_read_only_when_isolated() {
    let (_server, client) = start(isolated()).await;
    let id = client.create(json!({})).await;
    let get = |path: &str| format!("/toolbox/{id}/files/download?path={path}");
    assert!(
        client
            .get(&get("/etc/passwd"))
            .await
            .text()
            .contains("daytona")
    );
    assert_eq!(client.get(&get("/usr/bin/env")).await.status, 200);
    for path in ["/etc/passwd", "/usr/x", "/bin/x", "/proc/x"] {
        let request = client.request(
            "POST",
            &format!("/toolbox/{id}/files/upload-v2?path={path}"),
        );
        let answer = client
            .send(request.body(Bytes::from("x").into()).unwrap())
            .await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (403, &json!("FILE_ACCESS_DENIED")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_large_file_streams_both_ways() {
    both(async |b| {
        let content: Vec<u8> = (0..8_u32 << 20)
            .map(|n| u8::try_from(n % 251).unwrap())
            .collect();
        assert_eq!(b.upload("big", content.clone()).await.status, 200);
        let down = b.get("download?path=big").await;
        assert!(down.body == content);
    })
    .await;
}

#[tokio::test]
async fn absolute_links_mean_the_sandboxes_own_root() {
    let (_server, client) = start(isolated()).await;
    let id = client.create(json!({})).await;
    let make = "mkdir -p /workspace/data && echo in > /workspace/data/f && ln -s /workspace/data d && \
        ln -s /usr/bin/env e && ln -s l1 l2 && ln -s l2 l1 && ln -s /../../workspace up";
    assert_eq!(client.run(&id, make).await.0, 0);
    let get = async |rest: &str| client.get(&format!("/toolbox/{id}/files/{rest}")).await;
    assert_eq!(get("download?path=d/f").await.text(), "in\n");
    assert_eq!(get("download?path=up/data/f").await.text(), "in\n");
    assert_eq!(
        get("download?path=d/../data/f").await.text(),
        "in\n",
        "as the kernel reads it"
    );
    assert_eq!(get("download?path=e").await.status, 200);
    assert_eq!(get("download?path=l1").await.status, 403, "a ring of links");
    let exec = json!({ "command": "pwd -P", "cwd": "d" });
    assert_eq!(
        client.execute(&id, exec).await.json()["result"],
        "/workspace/data\n"
    );
    // Deleting the link leaves what it leads to.
    let path = format!("/toolbox/{id}/files?path=d&recursive=true");
    assert_eq!(client.call("DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(client.run(&id, "cat /workspace/data/f; ls d").await.0, 2);
}
