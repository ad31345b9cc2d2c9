//! Images described step by step: their lines, what they refuse, and the request they end in.

#![expect(clippy::unwrap_used, reason = "tests")]

use daytona_api::api::Image;
use daytona_api::test_util::Scripted;

use super::support::{scripted, show};

fn refused(image: &Image) -> String {
    let error = image.dockerfile().unwrap_err();
    assert!(error.is_build() && !error.may_have_reached_server());
    error.to_string()
}

#[test]
fn lines() {
    let image = Image::debian_slim("3.12")
        .pip_install(["pandas>=2", "numpy"])
        .run_commands(["echo $HOME > /a", "cat <<< text"])
        .env("GREETING", "it's $5")
        .workdir("/srv/my app")
        .workdir("/café")
        .entrypoint(["sh", "-c", "echo \"a\nb\""])
        .cmd(["x"])
        .dockerfile_commands(["COPY --from=alpine /a /b", "ADD https://example.org/a /a"]);
    insta::assert_snapshot!(image.dockerfile().unwrap(), @r#"
    FROM python:3.12.10-slim-bookworm
    RUN apt-get update
    RUN apt-get install -y gcc gfortran build-essential
    RUN pip install --upgrade pip
    RUN echo 'debconf debconf/frontend select Noninteractive' | debconf-set-selections
    RUN python -m pip install numpy 'pandas>=2'
    RUN echo $HOME > /a
    RUN cat <<< text
    ENV GREETING='it'"'"'s $5'
    WORKDIR '/srv/my app'
    WORKDIR '/café'
    ENTRYPOINT ["sh", "-c", "echo \"a\nb\""]
    CMD ["x"]
    COPY --from=alpine /a /b
    ADD https://example.org/a /a
    "#);
}

#[test]
fn no_step_adds_or_swallows_a_line() {
    let base = || Image::base("debian:12");
    let line_break = "a\nUSER root";
    for image in [
        base().run_commands([line_break]),
        base().run_commands(["a \\"]),
        base().run_commands(["cat <<EOF"]),
        base().run_commands(["cat 3<<-'EOF'"]),
        base().run_commands([""]),
        base().env("A", line_break),
        base().env("A\nUSER", "b"),
        base().env("", "b"),
        base().env("1A", "b"),
        base().workdir(line_break),
        base().workdir("a\r"),
        base().pip_install([line_break]),
        base().pip_install(["--index-url=http://elsewhere"]),
        base().pip_install([""]),
        base().dockerfile_commands(["RUN a\0"]),
        Image::base(line_break),
        Image::base(""),
        Image::base("a\\"),
        base().dockerfile_commands([""]),
        base().dockerfile_commands(["RUN a \\"]),
        Image::debian_slim("2.7"),
    ] {
        let why = refused(&image);
        assert!(!why.contains("USER"), "{why}");
    }
    let first = Image::debian_slim("2.7").run_commands([""]);
    assert!(refused(&first).contains("series"));
}

#[test]
fn local_files_are_refused() {
    for line in [
        "COPY a b",
        "copy --chown=me a b",
        "ADD a b",
        "ADD https://example.org/a b /c/",
        "ONBUILD COPY . .",
        "ADD https://example.org/a \\\n b /c/",
        "COPY \\\n a b",
        "FROM a\n  COPY . /x",
    ] {
        let why = refused(&Image::base("a").dockerfile_commands([line]));
        let advice = if cfg!(feature = "context") {
            "use dockerfile_commands_in"
        } else {
            "turn it on, or upload them"
        };
        assert!(why.contains(advice), "{line}: {why}");
    }
    let missing = Image::from_dockerfile("/nowhere/Dockerfile").unwrap_err();
    assert!(missing.is_build() && std::error::Error::source(&missing).is_some());
}

#[test]
fn equal_by_content_and_silent_in_debug() {
    let canary = "canary-4711";
    let image = Image::base("a").env("TOKEN", canary);
    assert_eq!(
        image,
        Image::from("a").dockerfile_commands([format!("ENV TOKEN={canary}")])
    );
    assert_ne!(image, Image::base("a").env("TOKEN", "other"));
    assert!(!format!("{image:?}").contains(canary));
}

#[tokio::test]
async fn a_sandbox_is_created_from_it() {
    let server = Scripted::new().json(200, r#"{"id":"sb-1"}"#);
    let api = scripted(&server);
    let image = Image::base("debian:12").run_commands(["true"]);
    api.sandboxes().create().image(&image).send().await.unwrap();
    let sent = server.requests();
    assert!(
        show(sent.first().unwrap())
            .contains(r#""buildInfo":{"dockerfileContent":"FROM debian:12\nRUN true\n"}"#)
    );
    let wrong = image.env("A", "b\nc");
    let error = api
        .sandboxes()
        .create()
        .image(wrong)
        .send()
        .await
        .unwrap_err();
    assert!(error.is_build() && !error.may_have_reached_server());
    assert_eq!(server.requests().len(), 1);
}
