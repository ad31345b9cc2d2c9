//! What goes wrong, and what is told of it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use daytona_api::api::Image;
use daytona_api::routes::control_plane::{CREATE_SANDBOX, GET_PUSH_ACCESS};
use daytona_api::routes::{HEAD_OBJECT, PUT_OBJECT};
use daytona_api::{Daytona, Error, ErrorKind};
use daytona_local::Fault;
use jiff::SignedDuration;

use super::{SOON, image, lines, log, made, project, run, start, write};
use crate::storage::S3;
use crate::support::{Client, plain};

async fn refused(api: &Daytona, image: &Image) -> Error {
    let made = api.sandboxes().create().image(image).send().await;
    made.unwrap_err()
}

#[tokio::test]
async fn a_build_that_cannot_be_made_says_why() {
    let folder = project();
    let (server, api) = start(plain()).await;
    let context = Image::base("a").add_local_dir(folder.path().join("src"), "/x");
    let context = context.context().await.unwrap();
    context.upload(&api).await.unwrap();
    let there: Vec<String> = context.hashes().map(str::to_owned).collect();
    let mut told = String::new();
    // each line is twice the one before
    let doubled = |name: &str| {
        format!("{name} A=a\nFROM a\n{name} A=a\n") + &format!("{name} A=$A$A\n").repeat(40)
    };
    for (dockerfile, hashes) in [
        ("FROM a\nCOPY x /x\n", vec!["0".repeat(32)]),
        ("FROM a\nCOPY x /x\n", Vec::new()),
        ("FROM a\nCOPY nothing /x\n", there.clone()),
        ("FROM a\nCOPY ../up /x\n", there.clone()),
        ("FROM a\nCOPY one\n", there.clone()),
        ("FROM a\nENV A\n", there.clone()),
        (
            "# of two lines\nFROM a\nENV A=1 \\\n  B=2\nENV TOKEN=secret SECRET\n",
            there.clone(),
        ),
        ("FROM a\nWORKDIR ''\n", there.clone()),
        (&doubled("ENV"), there.clone()),
        (&doubled("ARG"), there.clone()),
        (
            &format!(
                "FROM a\nENV A=a{}\nENV B={}\n",
                "a".repeat(9999),
                "$A".repeat(200)
            ),
            there.clone(),
        ),
        (
            &format!("FROM a\nCOPY deep /{}", "x".repeat(4096)),
            there.clone(),
        ),
        (
            &format!("FROM a\nWORKDIR /{}", "x".repeat(4096)),
            there.clone(),
        ),
        (&"FROM a\n".repeat(257), there),
    ] {
        let create = api.sandboxes().create();
        let made = create.build_info(lines(dockerfile, hashes)).send().await;
        let made = made.unwrap();
        let failed = api.sandboxes().wait_until_started(&made.id, SOON).await;
        let error = failed.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Failed);
        let state = api.sandboxes().get(&made.id).await.unwrap().state.unwrap();
        assert_eq!(state.as_str(), "build_failed");
        let log = log(&api, &made.id).await;
        let reason = error.message().unwrap();
        assert!(
            log.ends_with(&format!("state: build_failed ({reason})\n")),
            "{log}"
        );
        // lines may hold secrets
        assert!(!reason.to_lowercase().contains("secret"), "{reason}");
        told.push_str(&format!("{reason}\n"));
    }
    insta::assert_snapshot!(told);
    server.shutdown().await;
}

#[tokio::test]
async fn faults_of_the_storage_leave_nothing_made() {
    let folder = project();
    let image = image(&folder);
    let (server, api) = start(plain()).await;
    let faults = server.faults();
    let mut told = String::new();
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
            Fault::on(&PUT_OBJECT).answer(403, "<Error><Code>AccessDenied</Code></Error>"),
        ),
        (
            "broken off",
            Fault::on(&PUT_OBJECT).reset_before_commit().always(),
        ),
        (
            "out of order",
            Fault::on(&HEAD_OBJECT).answer(500, "").always(),
        ),
        ("a redirect", Fault::on(&PUT_OBJECT).answer(307, "")),
    ] {
        let handle = faults.inject(fault);
        let error = refused(&api, &image).await;
        assert!(handle.hits() > 0, "{name}");
        assert!(!error.may_have_reached_server(), "{name}: {error:?}");
        assert!(!format!("{error:?}").contains(server.token()));
        told.push_str(&format!("{name}: {:?}: {error}\n", error.kind()));
        faults.clear();
    }
    insta::assert_snapshot!(told);
    assert_eq!(server.requests_to(&CREATE_SANDBOX).len(), 0);
    // what broke once is repeated, what was stored stays one object, and then all is well
    faults.inject(Fault::on(&PUT_OBJECT).reset_before_commit());
    faults.inject(Fault::on(&PUT_OBJECT).nth(2).reset_after_commit());
    faults.inject(
        Fault::on(&PUT_OBJECT)
            .nth(4)
            .answer(503, "<Error><Code>SlowDown</Code></Error>"),
    );
    let toolbox = made(&api, &image).await;
    assert!(run(&toolbox, "./main.sh").await.starts_with("hello you"));
    server.shutdown().await;
}

#[tokio::test]
async fn credentials_that_have_expired_are_told_and_new_ones_work() {
    let folder = project();
    let image = image(&folder);
    let (server, api) = start(plain().manual_clock()).await;
    let jump = Fault::on(&HEAD_OBJECT).clock_jump(SignedDuration::from_hours(1));
    server.faults().inject(jump);
    // the first look was signed in time; what follows it is not
    let error = refused(&api, &image).await;
    assert_eq!(error.code(), Some("ExpiredToken"), "{error}");
    assert_eq!(error.status(), Some(400));
    assert!(!error.may_have_reached_server());
    made(&api, &image).await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_server_without_room_or_storage_says_so() {
    let folder = project();
    write(folder.path(), "one.cfg", &"x".repeat(100_000));
    let image = image(&folder);
    let (server, api) = start(plain().object_storage(50_000)).await;
    let error = refused(&api, &image).await;
    assert_eq!(error.code(), Some("EntityTooLarge"), "{error}");
    server.shutdown().await;
    let (server, api) = start(plain().object_storage(0)).await;
    let error = refused(&api, &image).await;
    assert_eq!(
        (error.operation(), error.status()),
        (Some("getPushAccess"), Some(503))
    );
    let client = Client::of(&server);
    assert_eq!(client.get("/storage/daytona-local/x").await.status, 403);
    server.shutdown().await;
}

#[tokio::test]
async fn an_archive_with_odd_paths_is_refused() {
    let (server, api) = start(plain()).await;
    let s3 = S3::of(&server).await;
    let long = "a/".repeat(3_000);
    for path in [long.as_bytes(), b"\xff"] {
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        let path = Path::new(OsStr::from_bytes(path));
        archive.append_data(&mut header, path, &b""[..]).unwrap();
        let archive = archive.into_inner().unwrap();
        let at = s3.path("h/context.tar");
        let put = s3.send("PUT", &at, "", &archive);
        assert_eq!(put.await.status, 200);
        let info = lines("FROM a\nCOPY . /x\n", vec!["h".to_owned()]);
        let made = api.sandboxes().create().build_info(info).send().await;
        let made = made.unwrap().id;
        let failed = api.sandboxes().wait_until_started(&made, SOON).await;
        assert_eq!(
            failed.unwrap_err().message(),
            Some("the build context h holds a path that leads out, is too long or is no UTF-8")
        );
    }
    server.shutdown().await;
}
