//! An image that copies files of this machine, as the parameter it is: the same files share a sandbox, changed ones do
//! not, and nothing is made of files that cannot be read or brought.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use context_vars::{NoVars, Variable, Vars};
use daytona_api::routes::control_plane::{CREATE_SANDBOX, GET_PUSH_ACCESS};
use daytona_api::routes::{HEAD_OBJECT, PUT_OBJECT};
use daytona_env::{DaytonaEnvironment, Image};
use daytona_local::{Fault, Isolation, Server};
use sandbox_core::{Error, ErrorKind, ExecRequest, Sandbox, SandboxFactory};
use tempfile::TempDir;

use crate::support::on;

async fn start() -> Server {
    let server = Server::builder().isolation(Isolation::None);
    server.start().await.unwrap()
}

fn image(root: &Path) -> Image {
    Image::base("debian:12")
        .workdir("/home/daytona")
        .add_local_dir(root, "/home/daytona/app")
}

fn project(text: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("data.txt"), text).unwrap();
    folder
}

async fn says(sandbox: &dyn Sandbox) -> String {
    let cat = ExecRequest::shell("cat ~/app/data.txt");
    let outcome = sandbox.exec(cat).await.unwrap();
    outcome.stdout().text_lossy()
}

#[tokio::test]
async fn the_same_files_share_a_sandbox_and_changed_ones_do_not() {
    let server = start().await;
    let folder = project("one");
    let environment = on(&server).image(image(folder.path())).build().unwrap();
    let first = environment.open(&NoVars).await.unwrap();
    let again = environment.open(&NoVars).await.unwrap();
    assert_eq!(first.id(), again.id());
    assert_eq!(says(&*first).await, "one");
    // of the same length, at once, and by the trait as tools call it
    fs::write(folder.path().join("data.txt"), "two").unwrap();
    let factory: &dyn SandboxFactory = &environment;
    let second = factory.open(&NoVars).await.unwrap();
    assert_ne!(second.info().id(), first.id());
    assert_eq!(says(&*second).await, "two");
    assert_eq!(says(&*first).await, "one", "what was made stays as it is");
    fs::write(folder.path().join("data.txt"), "one").unwrap();
    let back = environment.open(&NoVars).await.unwrap();
    assert_eq!(back.id(), first.id());
    assert_eq!(server.requests_to(&CREATE_SANDBOX).len(), 2);
    assert_eq!(server.requests_to(&PUT_OBJECT).len(), 2);
    environment.close().await.unwrap();
}

#[tokio::test]
async fn a_hit_asks_the_server_for_nothing_and_many_opens_make_one() {
    let server = start().await;
    let folder = project("one");
    let environment = on(&server).image(image(folder.path())).build().unwrap();
    let opens = (0..8).map(|_| environment.open(&NoVars));
    let opened = futures_util::future::try_join_all(opens).await.unwrap();
    assert!(opened.iter().all(|sandbox| sandbox.id() == opened[0].id()));
    let before = server.requests().len();
    environment.open(&NoVars).await.unwrap();
    assert_eq!(server.requests().len(), before);
    assert_eq!(server.requests_to(&GET_PUSH_ACCESS).len(), 1);
    environment.close().await.unwrap();
}

#[tokio::test]
async fn tenants_stay_apart_and_no_context_can_name_the_image() {
    let server = start().await;
    let folder = project("canary");
    let environment = on(&server)
        .image(image(folder.path()).env("SECRET", "canary-4711"))
        .scope(Variable::new("tenant"))
        .build()
        .unwrap();
    let shown = format!("{environment:?}");
    assert!(!shown.contains("canary"), "{shown}");
    let vars = |tenant: &str| {
        Vars::new()
            .with("tenant", tenant)
            .with("daytona-env.image", "FROM evil\n")
    };
    let one = environment.open(&vars("one")).await.unwrap();
    let two = environment.open(&vars("two")).await.unwrap();
    assert_ne!(one.id(), two.id());
    assert_eq!(says(&*two).await, "canary");
    let missing = environment.open(&NoVars).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Unresolved);
    assert!(!missing.to_string().contains("image"), "{missing}");
    environment.close().await.unwrap();
}

#[tokio::test]
async fn processes_that_share_agree_on_the_files() {
    let server = start().await;
    let (one, other) = (project("same"), project("same"));
    let shared = |root: &Path| {
        let image =
            Image::base("debian:12").dockerfile_commands_in(["COPY . /home/daytona/app/"], root);
        on(&server)
            .image(image)
            .share("workers", "a long random text of the fleet")
            .build()
            .unwrap()
    };
    let first = shared(one.path());
    let second = shared(other.path());
    let a = first.open(&NoVars).await.unwrap();
    let b = second.open(&NoVars).await.unwrap();
    assert_eq!(a.id(), b.id(), "where the files are is not what they are");
    fs::write(other.path().join("data.txt"), "other").unwrap();
    let error = shared(other.path()).open(&NoVars).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("image"), "{error}");
    server.vanish(a.id()).await;
    drop((first, second));
}

#[tokio::test]
async fn files_that_cannot_be_read_or_brought_make_nothing() {
    let server = start().await;
    let folder = project("one");
    let gone = folder.path().join("gone");
    let mut told = String::new();
    let mut tell = |name: &str, error: &Error| {
        let text = error
            .to_string()
            .replace(folder.path().to_str().unwrap(), "ROOT");
        told.push_str(&format!("{name}: {:?}: {text}\n", error.kind()));
    };
    let environment = on(&server).image(image(&gone)).build().unwrap();
    tell("not there", &environment.open(&NoVars).await.unwrap_err());
    // it can come to be there
    fs::create_dir(&gone).unwrap();
    environment.open(&NoVars).await.unwrap();
    environment.close().await.unwrap();
    let made = server.requests_to(&CREATE_SANDBOX).len();
    fs::remove_dir(&gone).unwrap();
    let environment = on(&server).image(image(folder.path())).build().unwrap();
    for (name, fault) in [
        (
            "no access",
            Fault::on(&GET_PUSH_ACCESS).answer(403, r#"{"message":"not for you"}"#),
        ),
        (
            "no storage",
            Fault::on(&GET_PUSH_ACCESS)
                .answer(503, r#"{"message":"none"}"#)
                .always(),
        ),
        (
            "refused",
            Fault::on(&PUT_OBJECT).answer(
                403,
                "<Error><Code>AccessDenied</Code><Message>no</Message></Error>",
            ),
        ),
        (
            "expired",
            Fault::on(&PUT_OBJECT).answer(400, "<Error><Code>ExpiredToken</Code></Error>"),
        ),
        (
            "no bucket",
            Fault::on(&PUT_OBJECT).answer(404, "<Error><Code>NoSuchBucket</Code></Error>"),
        ),
        ("busy", Fault::on(&HEAD_OBJECT).answer(503, "").always()),
        (
            "broken off",
            Fault::on(&PUT_OBJECT).reset_before_commit().always(),
        ),
    ] {
        let handle = server.faults().inject(fault);
        tell(name, &environment.open(&NoVars).await.unwrap_err());
        assert!(handle.hits() > 0, "{name}");
        server.faults().clear();
    }
    insta::assert_snapshot!(told);
    assert_eq!(server.requests_to(&CREATE_SANDBOX).len(), made);
    assert_eq!(environment.leftovers().len(), 0);
    let sandbox = environment.open(&NoVars).await.unwrap();
    assert_eq!(says(&*sandbox).await, "one");
    environment.close().await.unwrap();
}

#[tokio::test]
async fn a_wrong_image_is_an_error_of_the_build() {
    let folder = project("one");
    let image = image(folder.path()).dockerfile_commands_in(["COPY ../x /x"], folder.path());
    let error = DaytonaEnvironment::builder()
        .api_key("key")
        .image(image)
        .build()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(
        error.to_string().contains("outside of the build context"),
        "{error}"
    );
}
