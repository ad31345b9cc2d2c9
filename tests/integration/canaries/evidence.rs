//! Everything that could show a secret, by channel.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt::Debug;
use std::time::Duration;

use context_vars::{Layered, NoVars, Scope, Secret, Template, Variable, Vars};
use daytona_api::routes::control_plane::{CREATE_SANDBOX, DELETE_SANDBOX, GET_SANDBOX};
use daytona_api::routes::toolbox::{EXECUTE_COMMAND, LIST_FILES};
use daytona_api::{Config, Daytona};
use daytona_env::{DaytonaEnvironment, DaytonaEnvironmentBuilder, DaytonaSandbox, SandboxRef};
use daytona_local::{Fault, Server, ServerBuilder};
use sandbox_core::{
    CloseError, Error, ErrorKind, ExecOutcome, ExecRequest, Leftover, Sandbox, SandboxInfo,
};

use super::later;
use super::log::Log;
use super::secrets::Canaries;
use super::told;
use crate::support::{server, start};

pub(crate) type Evidence = BTreeMap<&'static str, Vec<String>>;

pub(super) fn debug(value: &impl Debug) -> String {
    format!("{value:?} {value:#?}")
}

/// An error with all its sources, in every way of printing it.
pub(super) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        text += &format!("{error} {error:#} {error:?} {error:#?}\n");
        next = error.source();
    }
    text
}

/// How a command ended, and why.
pub(super) fn outcome(ended: Result<ExecOutcome, Error>) -> String {
    match ended {
        Ok(outcome) => {
            let cause = outcome.cause().map(|cause| chain(cause));
            debug(&outcome) + &cause.unwrap_or_default()
        }
        Err(error) => chain(&error),
    }
}

pub(super) struct Scene<'a> {
    pub(super) canaries: &'a Canaries,
    pub(super) server: &'a Server,
}

impl Scene<'_> {
    pub(super) fn context(&self) -> Vars {
        Vars::new()
            .with("key", self.canaries.key.as_str())
            .with("env", self.canaries.env_variable.as_str())
            .with("part", self.canaries.variable.as_str())
            .with("tenant", self.canaries.scope.as_str())
    }

    pub(super) fn builder(&self) -> DaytonaEnvironmentBuilder {
        DaytonaEnvironment::builder()
            .api_url(self.server.api_url())
            .api_key(Variable::new("key"))
            .env_var("PLAIN", self.canaries.env.as_str())
            .env_var("BY_VARIABLE", Variable::new("env"))
            .env_var("IN_TEMPLATE", Template::parse("a-${part}-b").unwrap())
            .scope(Variable::new("tenant"))
            .label("team", "blue")
    }

    fn environment(&self) -> DaytonaEnvironment {
        self.builder().build().unwrap()
    }

    /// The answer to a create that repeats the secrets that were sent with it; the scope never is.
    pub(super) fn echo(&self) -> String {
        let canaries = self.canaries;
        let in_template = format!("a-{}-b", canaries.variable);
        let all = [
            &canaries.key,
            &canaries.env,
            &canaries.env_variable,
            &in_template,
        ]
        .map(String::as_str);
        serde_json::json!({"statusCode": 400, "error": all, "message": all.join(" "), "code": all.join("-")})
            .to_string()
    }
}

/// One life of an environment with everything that goes wrong on the way.
pub(crate) async fn collect(canaries: &Canaries, log: &Log) -> Evidence {
    let server = start(server().token(canaries.key.as_str())).await;
    let scene = Scene {
        canaries,
        server: &server,
    };
    let mut evidence = Evidence::new();
    evidence.insert("values", values(&scene));
    evidence.insert("environments", environments(&scene));
    evidence.insert("sandboxes", sandboxes(&scene).await);
    let mut errors = refusals(&scene).await;
    errors.extend(answers(&scene).await);
    errors.extend(later::echoed(&scene).await);
    told::told(&scene, &mut evidence).await;
    evidence.insert("errors", errors);
    evidence.insert("leftovers", leftovers(&scene).await);
    let builder = Server::builder().token(canaries.key.as_str());
    ended(&scene, &builder, log, &mut evidence).await;
    evidence
}

/// Puts each canary into each channel, in the way by which a mistake of ours would put it there.
pub(crate) async fn leak(canaries: &Canaries, log: &Log, evidence: &mut Evidence) {
    let server = start(server().token(canaries.key.as_str())).await;
    let scene = Scene {
        canaries,
        server: &server,
    };
    plant(&scene, evidence).await;
    let folders = canaries.all().map(|(_, secret)| secret);
    let builder = folders.fold(Server::builder(), |builder, folder| builder.bind_ro(folder));
    ended(&scene, &builder, log, evidence).await;
}

/// What the server has seen, and what was logged.
async fn ended(scene: &Scene<'_>, builder: &ServerBuilder, log: &Log, evidence: &mut Evidence) {
    let server = scene.server;
    let rows = server.sandboxes();
    evidence.insert("names", rows.iter().map(|row| row.name.clone()).collect());
    evidence.insert(
        "labels",
        rows.iter().map(|row| debug(&row.labels)).collect(),
    );
    evidence.insert("requests", server.requests().iter().map(debug).collect());
    let servers = vec![debug(server), debug(builder), debug(server.faults())];
    evidence.insert("servers", servers);
    server.shutdown().await;
    evidence.insert("log", vec![log.take()]);
    evidence.insert("spans", log.spans());
}

fn values(scene: &Scene<'_>) -> Vec<String> {
    let canaries = scene.canaries;
    let context = scene.context();
    let secret = Secret::new(canaries.env.as_str());
    let request = ExecRequest::argv(["echo", &canaries.env])
        .env("PLAIN", canaries.env.as_str())
        .stdin(canaries.input.clone());
    let config = Config::new(canaries.key.as_str()).api_url(scene.server.api_url());
    vec![
        debug(&context),
        debug(&Layered::new().layer(&context).layer(NoVars)),
        debug(&secret),
        debug(&Scope::named(canaries.scope.as_str())),
        debug(&Variable::<Secret>::new("x").default(secret.clone())),
        debug(&request),
        debug(&config),
        debug(&Config::jwt(canaries.key.as_str(), "org")),
        debug(&Daytona::new(config).unwrap()),
        debug(&scene.server),
    ]
}

fn environments(scene: &Scene<'_>) -> Vec<String> {
    let canaries = scene.canaries;
    let constant = || {
        DaytonaEnvironment::builder()
            .api_url(scene.server.api_url())
            .api_key(canaries.key.as_str())
            .env_var("PLAIN", canaries.env.as_str())
            .scope(canaries.scope.as_str())
    };
    let jwt = || {
        DaytonaEnvironment::builder()
            .jwt(canaries.key.as_str(), "org")
            .env_var("PLAIN", Variable::new("x").default(canaries.env.as_str()))
    };
    vec![
        debug(&scene.builder()),
        debug(&scene.sharer()),
        debug(&scene.sharer().build().unwrap()),
        debug(&scene.sharer().build().unwrap().snapshot()),
        debug(&scene.environment()),
        debug(&constant()),
        debug(&constant().build().unwrap()),
        debug(&jwt()),
        debug(&jwt().build().unwrap()),
    ]
}

async fn sandboxes(scene: &Scene<'_>) -> Vec<String> {
    let environment = scene.environment();
    let sandbox = environment.open(&scene.context()).await.unwrap();
    let mut shown = vec![
        debug(&environment),
        debug(&sandbox),
        debug(&sandbox.info()),
        format!("{} {}", sandbox.id(), sandbox.name()),
        debug(&sandbox.reference()),
        serde_json::to_string(&sandbox.reference()).unwrap(),
    ];
    // a program that prints them, and all that comes of it
    let request = ExecRequest::shell("env; env >&2; cat; exit 3")
        .env("MORE", scene.canaries.env.as_str())
        .stdin(scene.canaries.env.clone());
    shown.push(debug(&request));
    let outcome = sandbox.exec(request).await.unwrap();
    for secret in [
        &scene.canaries.env,
        &scene.canaries.env_variable,
        &scene.canaries.variable,
    ] {
        assert!(
            outcome.stdout().text_lossy().contains(secret.as_str()),
            "the sandbox itself must have its environment: {secret} in {}",
            outcome.stdout().text_lossy()
        );
    }
    shown.push(debug(&outcome));
    sandbox
        .put("note", scene.canaries.file.clone().into())
        .await
        .unwrap();
    shown.push(debug(&sandbox.list("").await.unwrap()));
    // what goes into commands and comes out of them
    let request = || ExecRequest::shell("tee copy; cat note");
    let input = scene.canaries.input.as_bytes();
    let outcome = sandbox.exec_piped(request(), input).await.unwrap();
    let both = format!("{}{}", scene.canaries.input, scene.canaries.file);
    assert_eq!(outcome.stdout().text_lossy(), both);
    shown.push(debug(&outcome));
    let started = request().stdin(scene.canaries.input.clone());
    shown.push(debug(&started));
    let mut running = sandbox.start(started).await.unwrap();
    shown.push(debug(&running));
    while running.next().await.is_some() {}
    shown.push(debug(&running.wait().await));
    environment.close().await.unwrap();
    shown.push(chain(
        &sandbox.exec(ExecRequest::argv(["true"])).await.unwrap_err(),
    ));
    shown
}

/// What we refuse ourselves.
async fn refusals(scene: &Scene<'_>) -> Vec<String> {
    let canaries = scene.canaries;
    let environment = scene.environment();
    let mut shown = Vec::new();
    let bad = [
        Vars::new(),
        scene.context().with("key", 5),
        scene.context().with("key", ""),
        scene.context().with("key", format!("{}\n", canaries.key)),
        scene.context().with("env", format!("{}\0", canaries.env)),
        scene.context().with("tenant", ""),
        scene.context().with("tenant", false),
    ];
    for context in bad {
        shown.push(chain(&environment.open(&context).await.unwrap_err()));
    }
    let key = &canaries.key;
    for url in [
        format!("http://user:{key}@127.0.0.1/api"),
        format!("http://127.0.0.1/api?key={key}"),
        format!("http://127.0.0.1/{key} /api"),
        key.clone(),
    ] {
        let builder = scene.builder().api_url(url);
        shown.push(debug(&builder));
        let error = builder.build().map(drop).unwrap_err();
        shown.push(chain(&error));
    }
    let nul = format!("{}\0", canaries.env);
    let error = scene.builder().env_var("NUL", nul).build().unwrap_err();
    shown.push(chain(&error));
    shown
}

/// What a server says that repeats all it was sent.
async fn answers(scene: &Scene<'_>) -> Vec<String> {
    let (server, echo) = (scene.server, scene.echo());
    let context = scene.context();
    let environment = scene.environment();
    let mut shown = Vec::new();
    let html = format!("<html>{echo}</html>");
    let faults = [
        Fault::on(&CREATE_SANDBOX).answer(400, echo.clone()),
        Fault::on(&CREATE_SANDBOX).answer(401, echo.clone()),
        Fault::on(&CREATE_SANDBOX).answer(403, echo.clone()),
        Fault::on(&CREATE_SANDBOX).answer(404, echo.clone()),
        Fault::on(&CREATE_SANDBOX).answer(400, html),
        Fault::on(&CREATE_SANDBOX).answer(302, echo.clone()).header(
            "Location",
            &format!("http://elsewhere/?{}", scene.canaries.key),
        ),
        Fault::on(&CREATE_SANDBOX).error_state(&echo),
    ];
    for fault in faults {
        let struck = server.faults().inject(fault);
        shown.push(chain(&environment.open(&context).await.unwrap_err()));
        assert_eq!(struck.hits(), 1);
    }
    let impatient = scene
        .builder()
        .create_timeout(Duration::from_secs(1))
        .close_timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    let unclear = [&CREATE_SANDBOX, &GET_SANDBOX].map(|route| {
        let fault = Fault::on(route).answer(500, echo.clone()).always();
        server.faults().inject(fault)
    });
    shown.push(chain(&impatient.open(&context).await.unwrap_err()));
    for fault in unclear {
        fault.remove();
    }
    // what became of it is not known
    shown.push(chain(&impatient.close().await.unwrap_err()));

    let sandbox = environment.open(&context).await.unwrap();
    for fault in [
        Fault::on(&EXECUTE_COMMAND).answer(400, echo.clone()),
        Fault::on(&EXECUTE_COMMAND).answer(500, echo.clone()),
        Fault::on(&EXECUTE_COMMAND).answer(200, echo.clone()),
        Fault::on(&EXECUTE_COMMAND).reset_after_commit(),
    ] {
        server.faults().inject(fault);
        let request = ExecRequest::argv(["true"]).env("MORE", scene.canaries.env.as_str());
        shown.push(outcome(sandbox.exec(request).await));
    }
    server
        .faults()
        .inject(Fault::on(&LIST_FILES).answer(400, echo.clone()));
    shown.push(chain(&sandbox.list("").await.unwrap_err()));
    assert!(server.vanish(sandbox.id()).await);
    let lost = sandbox.exec(ExecRequest::argv(["true"]));
    shown.push(outcome(lost.await));
    let wrong = Config::new(format!("{}x", scene.canaries.key)).api_url(server.api_url());
    let error = DaytonaSandbox::attach(wrong, &sandbox.reference()).await;
    shown.push(chain(&error.unwrap_err()));
    environment.close().await.unwrap();
    shown
}

async fn leftovers(scene: &Scene<'_>) -> Vec<String> {
    let environment = scene
        .builder()
        .close_timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    environment.open(&scene.context()).await.unwrap();
    let fault = scene.server.faults().inject(
        Fault::on(&DELETE_SANDBOX)
            .answer(403, scene.echo())
            .always(),
    );
    let error = environment.close().await.unwrap_err();
    fault.remove();
    let mut shown = vec![chain(&error), debug(&environment)];
    for left in error.leftovers() {
        shown.push(format!("{left} {left:?} {}", chain(left.why())));
    }
    shown
}

/// Leaks each canary through each channel.
async fn plant(scene: &Scene<'_>, evidence: &mut Evidence) {
    let api =
        Daytona::new(Config::new(scene.canaries.key.as_str()).api_url(scene.server.api_url()))
            .unwrap();
    for (_, secret) in scene.canaries.all() {
        // names of variables are shown
        let shown = |channel: &mut Vec<String>, text| channel.push(text);
        let builder = || scene.builder().scope(Variable::new(secret));
        let environment = builder().build().unwrap();
        shown(
            evidence.get_mut("values").unwrap(),
            debug(&Vars::new().with(secret, 1)),
        );
        shown(
            evidence.get_mut("environments").unwrap(),
            debug(&environment),
        );
        shown(
            evidence.get_mut("errors").unwrap(),
            chain(&environment.open(&NoVars).await.unwrap_err()),
        );
        let sandboxes = evidence.get_mut("sandboxes").unwrap();
        sandboxes.push(debug(&SandboxRef::new(secret, 1)));
        sandboxes.push(debug(&SandboxInfo::new(secret, "name", "/")));
        let why = Error::new(ErrorKind::Internal, "no");
        let left = CloseError::new(vec![Leftover::new(None, secret, why)]);
        shown(evidence.get_mut("leftovers").unwrap(), chain(&left));
        tracing::trace!(secret, "planted");
        metrics::counter!("planted", "tenant" => secret.to_owned()).increment(1);
        drop(tracing::trace_span!("planted", secret));
        let late = tracing::trace_span!("planted later", secret = tracing::field::Empty);
        late.record("secret", secret);
        // what is sent in the clear
        let created = api
            .sandboxes()
            .create()
            .name(secret.replace(char::is_control, ""))
            .labels([("planted", secret)])
            .send();
        created.await.unwrap();
        // in a path there is no place for its punctuation
        let word: String = secret.chars().filter(char::is_ascii_alphanumeric).collect();
        api.sandboxes().get(&word).await.unwrap_err();
    }
    told::planted(scene, evidence).await;
}
