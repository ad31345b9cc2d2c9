use daytona_api::api::{Permissions, Upload};

use super::Lab;

pub(super) async fn all(lab: &Lab) {
    find(lab).await;
    git(lab).await;
    git_settings(lab).await;
    sessions(lab).await;
    let lsp = lab.toolbox().lsp("python", "/srv/app");
    ask!(lab, "", lsp.start());
    ask!(lab, "", lsp.did_open("/srv/app/a b.py"));
    let list = r#"{"isIncomplete":true,"items":[{"label":"print"}]}"#;
    assert_eq!(
        ask!(lab, list, lsp.completions("/srv/app/a.py", 3, 8)).items[0].label,
        "print"
    );
    let symbols = r#"[{"kind":12,"name":"main","location":{"uri":"file:///srv/app/a.py"}}]"#;
    assert_eq!(
        ask!(lab, symbols, lsp.document_symbols("file:///x.py"))[0].name,
        "main"
    );
    assert!(ask!(lab, "null", lsp.workspace_symbols("ma in")).is_empty());
    ask!(lab, "", lsp.did_close("/srv/app/a.py"));
    ask!(lab, "", lsp.stop());
    let pty = lab.toolbox().pty();
    let terminal = r#"{"id":"main","cols":80,"rows":24,"active":true}"#;
    let terminals = format!(r#"{{"sessions":[{terminal}]}}"#);
    assert_eq!(ask!(lab, &terminals, pty.list())[0].cols, 80);
    let wide = |new: &mut daytona_api::models::toolbox::PtyCreateRequest| {
        new.cols = Some(120);
        new.envs = Some([("A".to_owned(), "1".to_owned())].into());
    };
    assert_eq!(
        ask!(lab, r#"{"sessionId":"main"}"#, pty.create("main", wide)),
        "main"
    );
    ask!(lab, terminal, pty.get("main"));
    ask!(lab, terminal, pty.resize("main", 120, 40));
    ask!(lab, "{}", pty.delete("main"));
    let interpreter = lab.toolbox().interpreter();
    let context = r#"{"id":"c-1","language":"python"}"#;
    ask!(lab, context, interpreter.create_context(Some("/srv")));
    let contexts = format!(r#"{{"contexts":[{context}]}}"#);
    assert_eq!(ask!(lab, &contexts, interpreter.contexts())[0].id, "c-1");
    ask!(lab, "{}", interpreter.delete_context("c-1"));
    let ports = lab.toolbox().ports();
    assert_eq!(
        ask!(lab, r#"{"ports":[80,99999,8080]}"#, ports.list()),
        [80, 8080]
    );
    assert!(ask!(lab, r#"{"isInUse":true}"#, ports.is_in_use(8080)));
    let system = lab.toolbox().system();
    assert_eq!(
        ask!(lab, r#"{"memUsed":5}"#, system.metrics()).mem_used,
        Some(5)
    );
    assert_eq!(
        ask!(lab, r#"{"version":"0.226"}"#, system.version()),
        "0.226"
    );
    let env = |env: &mut daytona_api::models::toolbox::UpdateEnvRequest| {
        env.set = Some([("A".to_owned(), "1".to_owned())].into());
        env.unset = Some(vec!["B".into()]);
    };
    assert_eq!(ask!(lab, r#"{"A":"1"}"#, system.update_env(env))["A"], "1");
}

async fn find(lab: &Lab) {
    let files = lab.toolbox().files();
    let found = r#"[{"file":"a.py","line":3,"content":"x = 1"}]"#;
    assert_eq!(ask!(lab, found, files.find("src", "x ="))[0].line, 3);
    let names = r#"{"files":["src/a.py"]}"#;
    assert_eq!(ask!(lab, names, files.search("src", "*.py")), ["src/a.py"]);
    let done = r#"[{"file":"a.py","success":true},{"file":"b","success":false,"error":"e"}]"#;
    assert_eq!(
        ask!(lab, done, files.replace(["a.py", "b"], "x", "y")).len(),
        2
    );
}

async fn git(lab: &Lab) {
    let git = lab.toolbox().git();
    ask!(
        lab,
        "",
        git.clone_repository("https://example.org/app.git", "app")
            .branch("main")
            .commit("abc")
            .depth(1)
            .insecure_skip_tls(true)
            .credentials("ada", "pass")
            .send()
    );
    ask!(
        lab,
        "",
        git.pull("app")
            .remote("up")
            .branch("b")
            .credentials("ada", "pass")
            .send()
    );
    ask!(
        lab,
        "",
        git.push("app")
            .remote("up")
            .branch("b")
            .set_upstream(true)
            .credentials("ada", "pass")
            .send()
    );
    ask!(
        lab,
        "",
        git.init("new", |new| new.initial_branch = Some("main".into()))
    );
    let status = r#"{"currentBranch":"main","fileStatus":[{"name":"a","staging":"Added"}]}"#;
    assert_eq!(ask!(lab, status, git.status("a b")).current_branch, "main");
    ask!(lab, "", git.add("app", ["."]));
    let empty = |new: &mut daytona_api::models::toolbox::GitCommitRequest| {
        new.allow_empty = Some(true);
    };
    let hash = ask!(
        lab,
        r#"{"hash":"abc"}"#,
        git.commit("app", "Fix", "Ada", "ada@example.org", empty)
    );
    assert_eq!(hash, "abc");
    assert!(ask!(lab, "null", git.history("app")).is_empty());
    // servers of old send null where there are no branches
    assert!(
        ask!(lab, r#"{"branches":null}"#, git.branches("app"))
            .branches
            .is_empty()
    );
    ask!(lab, "", git.create_branch("app", "try"));
    ask!(lab, "", git.delete_branch("app", "try"));
    ask!(lab, "", git.checkout("app", "main"));
}

async fn git_settings(lab: &Lab) {
    let git = lab.toolbox().git();
    ask!(
        lab,
        "",
        git.reset("app", |to| to.mode = Some("hard".into()))
    );
    ask!(
        lab,
        "",
        git.restore("app", ["a.py"], |from| from.staged = Some(true))
    );
    let remotes = r#"{"remotes":[{"name":"origin","url":"u"}]}"#;
    assert_eq!(ask!(lab, remotes, git.remotes("app"))[0].name, "origin");
    ask!(
        lab,
        "",
        git.add_remote("app", "o", "https://x", |new| new.fetch = Some(true))
    );
    let value = ask!(
        lab,
        r#"{"value":"Ada"}"#,
        git.config("user.name", Some("local"), Some("app"))
    );
    assert_eq!(value.as_deref(), Some("Ada"));
    assert_eq!(ask!(lab, "{}", git.config("x.y", None, None)), None);
    ask!(
        lab,
        "",
        git.set_config("x.y", "1", |to| to.scope = Some("system".into()))
    );
    let password = "pass".into();
    ask!(
        lab,
        "",
        git.configure_user("Ada", "ada@example.org", |_| {})
    );
    ask!(
        lab,
        "",
        git.authenticate("ada", &password, |to| to.host = Some("h".into()))
    );
}

async fn sessions(lab: &Lab) {
    let sessions = lab.toolbox().sessions();
    ask!(lab, "", sessions.create("build"));
    let one = r#"{"sessionId":"build","commands":[{"id":"c-1","command":"ls"}]}"#;
    assert_eq!(
        ask!(lab, &format!("[{one}]"), sessions.list())[0]
            .commands
            .len(),
        1
    );
    ask!(lab, one, sessions.get("build"));
    let done = r#"{"cmdId":"c-1","output":"\u0001\u0001\u0001a\n\u0002\u0002\u0002b\n","stdout":"a\n","exitCode":0}"#;
    let done = ask!(lab, done, sessions.execute("build", "ls"));
    assert_eq!(done.output.as_deref(), Some("a\nb\n"));
    let nulls = r#"{"cmdId":"c-2","output":null,"stdout":null,"stderr":null,"exitCode":null}"#;
    assert_eq!(
        ask!(lab, nulls, sessions.start("build", "sleep 1", true)),
        "c-2"
    );
    let command = r#"{"id":"c-1","command":"ls","exitCode":3}"#;
    assert_eq!(
        ask!(lab, command, sessions.command("build", "c-1")).exit_code,
        Some(3)
    );
    ask!(lab, "", sessions.send_input("build", "c-1", "y\n"));
    let json = r#"{"output":"\u0001\u0001\u0001a\n","stdout":"a\n","stderr":""}"#;
    let logs = ask!(lab, json, sessions.logs("build", "c-1"));
    assert_eq!((logs.output.as_str(), logs.stdout.as_str()), ("a\n", "a\n"));
    let text = "\x02\x02\x02b\n\x01\x01\x01a\n";
    let logs = ask!(lab, text, sessions.logs("build", "c-1"));
    assert_eq!((logs.stdout.as_str(), logs.stderr.as_str()), ("a\n", "b\n"));
    ask!(lab, "", sessions.delete("build"));
    ask!(lab, one, sessions.entrypoint());
    ask!(lab, json, sessions.entrypoint_logs());
}

/// Those whose requests are shown with all their headers in `requests.rs`.
pub(super) async fn elsewhere(lab: &Lab) {
    let process = lab.toolbox().process();
    ask!(lab, r#"{"exitCode":0}"#, process.execute("ls").send());
    ask!(lab, "{}", process.code_run("1", "python").send());
    let info = lab.toolbox().info();
    ask!(lab, r#"{"dir":"/d"}"#, info.work_dir());
    ask!(lab, r#"{"dir":"/d"}"#, info.home_dir());
    let files = lab.toolbox().files();
    ask!(lab, "[]", files.list("d"));
    ask!(lab, "{}", files.info("f"));
    ask!(lab, "{}", files.upload("f", Upload::from("text")));
    ask!(lab, "{}", files.upload_v2("f", "text"));
    ask!(lab, "text", files.download("f").bytes());
    // no form, so it is refused; its answers are tried elsewhere
    refuse!(lab, "{}", files.download_many(["f"]));
    ask!(lab, "", files.delete("f", false));
    ask!(lab, "", files.create_folder("d", None));
    ask!(lab, "", files.move_file("a", "b"));
    let permissions = Permissions::new();
    let permissions = made!(lab, permissions.mode(0o600).owner("o").group("g"));
    ask!(lab, "", files.set_permissions("f", permissions));
}

/// Those that switch to WebSocket, which this server does not; how they go on is shown elsewhere.
pub(super) async fn sockets(lab: &Lab) {
    let pty = lab.toolbox().pty();
    refuse!(lab, "{}", pty.connect("main"));
    refuse!(lab, "{}", pty.open("main").send());
    let interpreter = lab.toolbox().interpreter();
    refuse!(lab, "{}", interpreter.run("1").send());
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
