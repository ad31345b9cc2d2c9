//! Language servers in a sandbox, through the client of daytona-api.

use std::os::unix::fs::PermissionsExt;

use daytona_api::api::Lsp;
use daytona_local::ServerBuilder;
use tempfile::TempDir;

use super::{Lab, soon};
use crate::support::{Client, isolated, marked, plain, until};

const SERVER: &str = include_str!("lsp/server.py");
const MAIN: &str = "class Sandbox:\n    def size(self):\n        pass\n\ndef main():\n    os.pa\n";

/// A folder whose programs every sandbox of a server has.
fn installed(name: &str, program: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let bin = folder.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let path = bin.join(name);
    std::fs::write(&path, program).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    folder
}

/// A server whose sandboxes have this language server, and no other.
struct Bench {
    lab: Lab,
    project: String,
    file: String,
    _installed: TempDir,
}

impl Bench {
    async fn new(builder: ServerBuilder, program: &str) -> Self {
        let installed = installed("pylsp", program);
        let lab = soon(Lab::new(builder.bind_ro(installed.path()))).await;
        let home = lab.toolbox.info().home_dir().await.unwrap();
        let project = format!("{home}/project one");
        let files = lab.toolbox.files();
        files.create_folder(&project, None).await.unwrap();
        let file = format!("{project}/main.py");
        files.upload(&file, MAIN).await.unwrap();
        Self {
            lab,
            project,
            file,
            _installed: installed,
        }
    }

    async fn small(builder: ServerBuilder) -> Self {
        Box::pin(Self::new(
            builder,
            &format!("#!/usr/bin/env python3\n{SERVER}"),
        ))
        .await
    }

    fn lsp(&self) -> Lsp {
        self.lab.toolbox.lsp("python", &self.project)
    }

    /// The processes of language servers in this sandbox, as the machine sees them.
    fn processes(&self) -> Vec<String> {
        let mut own = marked(&format!("DAYTONA_SANDBOX_ID={}", self.lab.id));
        let all = marked("DAYTONA_LOCAL_LSP=");
        own.retain(|pid| all.contains(pid));
        own
    }
}

async fn names(lsp: &Lsp, file: &str) -> Vec<String> {
    let symbols = soon(lsp.document_symbols(file)).await.unwrap();
    symbols.into_iter().map(|symbol| symbol.name).collect()
}

#[tokio::test]
async fn a_language_server_is_started_asked_and_stopped() {
    for builder in [plain(), isolated()] {
        let bench = Box::pin(Bench::small(builder)).await;
        let (lsp, file) = (bench.lsp(), &bench.file);
        soon(lsp.start()).await.unwrap();
        let first = bench.processes();
        assert!(!first.is_empty());
        soon(lsp.start()).await.unwrap();
        assert_eq!(bench.processes(), first, "one that runs is left alone");
        lsp.did_open(file).await.unwrap();
        assert_eq!(names(&lsp, file).await, ["Sandbox", "size(self)", "main()"]);
        let symbols = lsp.document_symbols(file).await.unwrap();
        assert_eq!(symbols[1].location.range.start.line, 1);
        assert_eq!(symbols[0].location.uri, format!("file://{file}"));

        let found = soon(lsp.workspace_symbols("ma")).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name.as_str(), found[0].kind), ("main()", 12));

        let list = lsp.completions(file, 5, 9).await.unwrap();
        assert!(!list.is_incomplete);
        assert_eq!(list.items[0].label, "    os.pa_done");

        // what the file has become is told by opening it again
        let files = bench.lab.toolbox.files();
        files.upload(file, "def other():\n").await.unwrap();
        lsp.did_open(file).await.unwrap();
        assert_eq!(names(&lsp, file).await, ["other()"]);
        lsp.did_close(file).await.unwrap();
        lsp.did_close(file).await.unwrap();
        let error = lsp.document_symbols(file).await.unwrap_err();
        assert_eq!(error.status(), Some(400));
        assert!(
            error
                .message()
                .unwrap()
                .contains("refuses textDocument/documentSymbol: no")
        );

        soon(lsp.stop()).await.unwrap();
        assert!(bench.processes().is_empty());
        for error in [
            lsp.stop().await.unwrap_err(),
            lsp.did_open(file).await.unwrap_err(),
            lsp.completions(file, 0, 0).await.unwrap_err(),
            lsp.workspace_symbols("x").await.unwrap_err(),
        ] {
            assert_eq!(error.status(), Some(400));
            assert_eq!(error.code(), Some("LSP_SERVER_NOT_INITIALIZED"));
        }
        soon(lsp.start()).await.unwrap();
        lsp.did_open(file).await.unwrap();
        assert_eq!(names(&lsp, file).await, ["other()"]);
        bench.lab.server.shutdown().await;
    }
}

#[tokio::test]
async fn it_ends_with_its_sandbox_and_is_missed_when_it_ends_itself() {
    for builder in [plain(), isolated()] {
        let bench = Box::pin(Bench::small(builder)).await;
        let lsp = bench.lsp();
        soon(lsp.start()).await.unwrap();
        assert!(!bench.processes().is_empty());
        let sandboxes = bench.lab.api.sandboxes();
        sandboxes.stop(&bench.lab.id, false).await.unwrap();
        bench.lab.server.settled().await;
        assert!(bench.processes().is_empty());
        sandboxes.start(&bench.lab.id).await.unwrap();
        let error = lsp.did_open(&bench.file).await.unwrap_err();
        assert_eq!(error.code(), Some("LSP_SERVER_NOT_INITIALIZED"));

        soon(lsp.start()).await.unwrap();
        let kill = "for one in /proc/[0-9]*; do grep -aq '[D]AYTONA_LOCAL_LSP=' $one/environ && kill -9 ${one#/proc/}; done; true";
        let kill = bench.lab.toolbox.process().execute(kill);
        soon(kill.send()).await.unwrap();
        until("it is gone", || bench.processes().is_empty()).await;
        let error = soon(async {
            loop {
                match lsp.workspace_symbols("x").await {
                    Ok(_) => {}
                    Err(error) => return error,
                }
            }
        });
        assert_eq!(error.await.code(), Some("LSP_SERVER_NOT_INITIALIZED"));
        soon(lsp.start()).await.unwrap();
        lsp.did_open(&bench.file).await.unwrap();
        bench.lab.server.shutdown().await;
    }
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let bench = Box::pin(Bench::new(isolated(), "#!/bin/sh\nexit 3\n")).await;
    let toolbox = &bench.lab.toolbox;
    let mut told = Vec::new();
    for (language, project) in [
        ("cobol", bench.project.as_str()),
        ("python", "/no/such/folder"),
        ("python", ""),
        ("", &bench.project),
    ] {
        let error = soon(toolbox.lsp(language, project).start())
            .await
            .unwrap_err();
        assert_eq!(error.status(), Some(400), "{language} {project}");
        told.push(error.message().unwrap().replace(&bench.project, "PROJECT"));
    }
    // whatever this machine has, a program of these paths has none
    let bare = bench.lab.api.sandboxes().create().env("PATH", "/none");
    let bare = bench.lab.api.toolbox(&bare.send().await.unwrap()).unwrap();
    for language in ["python", "typescript", "javascript"] {
        let error = soon(bare.lsp(language, ".").start()).await.unwrap_err();
        assert_eq!(error.status(), Some(400), "{language}");
        told.push(error.message().unwrap().to_owned());
    }
    // one that is there and does not start
    let body = serde_json::json!({ "languageId": "python", "pathToProject": bench.project });
    let path = format!("/toolbox/{}/lsp/start", bench.lab.id);
    let client = Client::of(&bench.lab.server);
    let answer = soon(client.call("POST", &path, body)).await;
    assert_eq!(answer.status, 500);
    told.push(answer.json()["message"].as_str().unwrap().to_owned());
    let lsp = bench.lsp();
    let error = soon(lsp.did_open(&bench.file)).await.unwrap_err();
    told.push(error.message().unwrap().replace(&bench.project, "PROJECT"));
    insta::assert_snapshot!(told.join("\n"));
    assert!(bench.processes().is_empty());
    bench.lab.server.shutdown().await;
}

#[tokio::test]
async fn bad_requests_are_told() {
    let bench = Box::pin(Bench::small(isolated())).await;
    let lsp = bench.lsp();
    soon(lsp.start()).await.unwrap();
    let mut told = Vec::new();
    for error in [
        lsp.did_open(&format!("{}/missing.py", bench.project))
            .await
            .unwrap_err(),
        lsp.did_open("relative.py").await.unwrap_err(),
        lsp.did_open("/proc/self/environ").await.unwrap_err(),
        lsp.workspace_symbols("").await.unwrap_err(),
    ] {
        assert_eq!(error.status(), Some(400));
        told.push(error.message().unwrap().replace(&bench.project, "PROJECT"));
    }
    insta::assert_snapshot!(told.join("\n"));
    bench.lab.server.shutdown().await;
}
