use daytona_api::api::Upload;

use super::Lab;

pub(super) async fn all(lab: &Lab) {
    find(lab).await;
    git(lab).await;
    git_settings(lab).await;
    sessions(lab).await;
    let lsp = lab.toolbox().lsp("python", "/srv/app");
    lab.ask("", lsp.start()).await;
    lab.ask("", lsp.did_open("/srv/app/a b.py")).await;
    let list = r#"{"isIncomplete":true,"items":[{"label":"print"}]}"#;
    assert_eq!(
        lab.ask(list, lsp.completions("/srv/app/a.py", 3, 8))
            .await
            .items[0]
            .label,
        "print"
    );
    let symbols = r#"[{"kind":12,"name":"main","location":{"uri":"file:///srv/app/a.py"}}]"#;
    assert_eq!(
        lab.ask(symbols, lsp.document_symbols("file:///x.py")).await[0].name,
        "main"
    );
    assert!(
        lab.ask("null", lsp.workspace_symbols("ma in"))
            .await
            .is_empty()
    );
    lab.ask("", lsp.did_close("/srv/app/a.py")).await;
    lab.ask("", lsp.stop()).await;
    let pty = lab.toolbox().pty();
    let terminal = r#"{"id":"main","cols":80,"rows":24,"active":true}"#;
    let terminals = format!(r#"{{"sessions":[{terminal}]}}"#);
    assert_eq!(lab.ask(&terminals, pty.list()).await[0].cols, 80);
    let wide = |new: &mut daytona_api::models::toolbox::PtyCreateRequest| {
        new.cols = Some(120);
        new.envs = Some([("A".to_owned(), "1".to_owned())].into());
    };
    assert_eq!(
        lab.ask(r#"{"sessionId":"main"}"#, pty.create("main", wide))
            .await,
        "main"
    );
    lab.ask(terminal, pty.get("main")).await;
    lab.ask(terminal, pty.resize("main", 120, 40)).await;
    lab.ask("{}", pty.delete("main")).await;
    let interpreter = lab.toolbox().interpreter();
    let context = r#"{"id":"c-1","language":"python"}"#;
    lab.ask(context, interpreter.create_context(Some("/srv")))
        .await;
    let contexts = format!(r#"{{"contexts":[{context}]}}"#);
    assert_eq!(
        lab.ask(&contexts, interpreter.contexts()).await[0].id,
        "c-1"
    );
    lab.ask("{}", interpreter.delete_context("c-1")).await;
    let ports = lab.toolbox().ports();
    assert_eq!(
        lab.ask(r#"{"ports":[80,99999,8080]}"#, ports.list()).await,
        [80, 8080]
    );
    assert!(lab.ask(r#"{"isInUse":true}"#, ports.is_in_use(8080)).await);
    let system = lab.toolbox().system();
    assert_eq!(
        lab.ask(r#"{"memUsed":5}"#, system.metrics()).await.mem_used,
        Some(5)
    );
    assert_eq!(
        lab.ask(r#"{"version":"0.226"}"#, system.version()).await,
        "0.226"
    );
    let env = |env: &mut daytona_api::models::toolbox::UpdateEnvRequest| {
        env.set = Some([("A".to_owned(), "1".to_owned())].into());
        env.unset = Some(vec!["B".into()]);
    };
    assert_eq!(
        lab.ask(r#"{"A":"1"}"#, system.update_env(env)).await["A"],
        "1"
    );
}

async fn find(lab: &Lab) {
    let files = lab.toolbox().files();
    let found = r#"[{"file":"a.py","line":3,"content":"x = 1"}]"#;
    assert_eq!(lab.ask(found, files.find("src", "x =")).await[0].line, 3);
    let names = r#"{"files":["src/a.py"]}"#;
    assert_eq!(
        lab.ask(names, files.search("src", "*.py")).await,
        ["src/a.py"]
    );
    let done = r#"[{"file":"a.py","success":true},{"file":"b","success":false,"error":"e"}]"#;
    assert_eq!(
        lab.ask(done, files.replace(["a.py", "b"], "x", "y"))
            .await
            .len(),
        2
    );
}

async fn git(lab: &Lab) {
    let git = lab.toolbox().git();
    let clone = git
        .clone_repository("https://example.org/app.git", "app")
        .branch("main");
    let clone = clone
        .commit("abc")
        .depth(1)
        .insecure_skip_tls(true)
        .credentials("ada", "pass");
    lab.ask("", clone.send()).await;
    lab.ask("", git.pull("app").remote("up").branch("b").send())
        .await;
    let push = git.push("app").remote("up").branch("b").set_upstream(true);
    lab.ask("", push.credentials("ada", "pass").send()).await;
    lab.ask(
        "",
        git.init("new", |new| new.initial_branch = Some("main".into())),
    )
    .await;
    let status = r#"{"currentBranch":"main","fileStatus":[{"name":"a","staging":"Added"}]}"#;
    assert_eq!(
        lab.ask(status, git.status("a b")).await.current_branch,
        "main"
    );
    lab.ask("", git.add("app", ["."])).await;
    let empty = |new: &mut daytona_api::models::toolbox::GitCommitRequest| {
        new.allow_empty = Some(true);
    };
    let commit = git.commit("app", "Fix", "Ada", "ada@example.org", empty);
    assert_eq!(lab.ask(r#"{"hash":"abc"}"#, commit).await, "abc");
    assert!(lab.ask("null", git.history("app")).await.is_empty());
    // servers of old send null where there are no branches
    assert!(
        lab.ask(r#"{"branches":null}"#, git.branches("app"))
            .await
            .branches
            .is_empty()
    );
    lab.ask("", git.create_branch("app", "try")).await;
    lab.ask("", git.delete_branch("app", "try")).await;
    lab.ask("", git.checkout("app", "main")).await;
}

async fn git_settings(lab: &Lab) {
    let git = lab.toolbox().git();
    lab.ask("", git.reset("app", |to| to.mode = Some("hard".into())))
        .await;
    lab.ask(
        "",
        git.restore("app", ["a.py"], |from| from.staged = Some(true)),
    )
    .await;
    let remotes = r#"{"remotes":[{"name":"origin","url":"u"}]}"#;
    assert_eq!(lab.ask(remotes, git.remotes("app")).await[0].name, "origin");
    lab.ask(
        "",
        git.add_remote("app", "o", "https://x", |new| new.fetch = Some(true)),
    )
    .await;
    let value = lab.ask(
        r#"{"value":"Ada"}"#,
        git.config("user.name", Some("local"), Some("app")),
    );
    assert_eq!(value.await.as_deref(), Some("Ada"));
    assert_eq!(lab.ask("{}", git.config("x.y", None, None)).await, None);
    lab.ask(
        "",
        git.set_config("x.y", "1", |to| to.scope = Some("system".into())),
    )
    .await;
    lab.ask("", git.configure_user("Ada", "ada@example.org", |_| {}))
        .await;
    lab.ask(
        "",
        git.authenticate("ada", &"pass".into(), |to| to.host = Some("h".into())),
    )
    .await;
}

async fn sessions(lab: &Lab) {
    let sessions = lab.toolbox().sessions();
    lab.ask("", sessions.create("build")).await;
    let one = r#"{"sessionId":"build","commands":[{"id":"c-1","command":"ls"}]}"#;
    assert_eq!(
        lab.ask(&format!("[{one}]"), sessions.list()).await[0]
            .commands
            .len(),
        1
    );
    lab.ask(one, sessions.get("build")).await;
    let done = r#"{"cmdId":"c-1","output":"\u0001\u0001\u0001a\n\u0002\u0002\u0002b\n","stdout":"a\n","exitCode":0}"#;
    let done = lab.ask(done, sessions.execute("build", "ls")).await;
    assert_eq!(done.output.as_deref(), Some("a\nb\n"));
    let nulls = r#"{"cmdId":"c-2","output":null,"stdout":null,"stderr":null,"exitCode":null}"#;
    assert_eq!(
        lab.ask(nulls, sessions.start("build", "sleep 1", true))
            .await,
        "c-2"
    );
    let command = r#"{"id":"c-1","command":"ls","exitCode":3}"#;
    assert_eq!(
        lab.ask(command, sessions.command("build", "c-1"))
            .await
            .exit_code,
        Some(3)
    );
    lab.ask("", sessions.send_input("build", "c-1", "y\n"))
        .await;
    let json = r#"{"output":"\u0001\u0001\u0001a\n","stdout":"a\n","stderr":""}"#;
    let logs = lab.ask(json, sessions.logs("build", "c-1")).await;
    assert_eq!((logs.output.as_str(), logs.stdout.as_str()), ("a\n", "a\n"));
    let text = "\x02\x02\x02b\n\x01\x01\x01a\n";
    let logs = lab.ask(text, sessions.logs("build", "c-1")).await;
    assert_eq!((logs.stdout.as_str(), logs.stderr.as_str()), ("a\n", "b\n"));
    lab.ask("", sessions.delete("build")).await;
    lab.ask(one, sessions.entrypoint()).await;
    lab.ask(json, sessions.entrypoint_logs()).await;
}

/// Those whose requests are shown in full elsewhere.
pub(super) async fn elsewhere(lab: &Lab) {
    let toolbox = lab.toolbox();
    lab.ask(r#"{"exitCode":0}"#, toolbox.process().execute("ls").send())
        .await;
    lab.ask("{}", toolbox.process().code_run("1", "python").send())
        .await;
    lab.ask(r#"{"dir":"/d"}"#, toolbox.info().work_dir()).await;
    lab.ask(r#"{"dir":"/d"}"#, toolbox.info().home_dir()).await;
    let files = toolbox.files();
    lab.ask("[]", files.list("d")).await;
    lab.ask("{}", files.info("f")).await;
    lab.ask("{}", files.upload("f", Upload::from("text"))).await;
    lab.ask("{}", files.upload_v2("f", "text")).await;
    lab.ask("text", files.download("f").bytes()).await;
    let _ = lab.server.clone().json(200, "{}");
    // no form, so it is refused; its answers are tried elsewhere
    assert!(files.download_many(["f"]).await.is_err());
    lab.ask("", files.delete("f", false)).await;
    lab.ask("", files.create_folder("d", None)).await;
    lab.ask("", files.move_file("a", "b")).await;
    let permissions = daytona_api::api::Permissions::new().mode(0o600);
    lab.ask("", files.set_permissions("f", permissions)).await;
}

/// Those that switch to WebSocket, which this server does not; how they go on is shown elsewhere.
pub(super) async fn sockets(lab: &Lab) {
    let toolbox = lab.toolbox();
    let _ = lab
        .server
        .clone()
        .json(200, "{}")
        .json(200, "{}")
        .json(200, "{}");
    assert!(toolbox.pty().connect("main").await.is_err());
    assert!(toolbox.pty().open("main").send().await.is_err());
    assert!(toolbox.interpreter().run("1").send().await.is_err());
}

#[tokio::test]
async fn toolbox() {
    let lab = Lab::new();
    Box::pin(all(&lab)).await;
    insta::assert_snapshot!(lab.seen());
}

#[tokio::test]
async fn a_command_without_an_id_is_no_success() {
    let lab = Lab::new();
    let _ = lab.server.clone().json(202, "{}");
    let error = lab
        .toolbox()
        .sessions()
        .start("build", "ls", false)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), daytona_api::ErrorKind::Decode);
}
