//! The environment's own tuple: two opens share a sandbox exactly if every parameter resolves to the same, and two
//! builders of a fleet exactly if everything that shapes the sandbox is the same.
//!
//! Some hundred pairs each by default; `DENV_KEY_PAIRS` for more.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic, and says how many pairs were tried"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use context_vars::{Scope, Variable, Vars};
use daytona_env::{DaytonaEnvironment, DaytonaEnvironmentBuilder, DaytonaResources, Image, Lease};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sandbox_core::ErrorKind;

use crate::fake::{Fake, Here, URL};

fn pairs(default: usize) -> usize {
    std::env::var_os("DENV_KEY_PAIRS")
        .and_then(|pairs| pairs.into_string().ok()?.parse().ok())
        .unwrap_or(default)
}

fn runner() -> TestRunner {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(Config::default(), rng)
}

/// What the parameters resolve to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Tuple {
    /// A key, or a token and its organization.
    credential: Result<String, (String, String)>,
    url: &'static str,
    target: Option<&'static str>,
    source: Source,
    env: BTreeMap<String, String>,
    scope: String,
}

/// What it is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Default,
    Snapshot(&'static str),
    Image(&'static str),
}

/// Short texts of few letters, separators among them, so that tuples that look alike are common.
fn text() -> impl Strategy<Value = String> {
    let letter = select(vec!['a', 'b', '=', ',', ':', '"', ' ']);
    prop::collection::vec(letter, 1..4)
        .prop_map(|letters| letters.into_iter().collect::<String>().replace(' ', "-"))
}

fn env() -> impl Strategy<Value = BTreeMap<String, String>> {
    let name = select(vec!["A", "AB", "B", "A_B"]).prop_map(str::to_owned);
    let value = prop_oneof![text(), Just(String::new()), Just("a\u{1f}b é".to_owned())];
    prop::collection::btree_map(name, value, 0..3)
}

fn source() -> impl Strategy<Value = Source> {
    prop_oneof![
        Just(Source::Default),
        select(vec!["a", "ab", "python:3.12"]).prop_map(Source::Snapshot),
        select(vec!["a", "ab", "python:3.12", "python:3.1"]).prop_map(Source::Image),
    ]
}

fn tuple() -> impl Strategy<Value = Tuple> {
    let credential = prop_oneof![text().prop_map(Ok), (text(), text()).prop_map(Err),];
    (
        credential,
        select(vec![
            URL,
            "http://localhost:9/api",
            "http://127.0.0.1:9/api/",
        ]),
        prop::option::of(select(vec!["eu", "us", "e"])),
        source(),
        env(),
        text(),
    )
        .prop_map(|(credential, url, target, source, env, scope)| Tuple {
            credential,
            url,
            target,
            source,
            env,
            scope,
        })
}

/// A pair: the same twice, two with one difference, or two of which nothing need be the same.
fn pair() -> impl Strategy<Value = (Tuple, Tuple)> {
    (tuple(), tuple(), 0..10_u8).prop_map(|(one, another, change)| {
        let mut two = one.clone();
        match change {
            0..=2 => {}
            3 => two = another,
            4 => two.credential = another.credential,
            5 => two.url = another.url,
            6 => two.target = another.target,
            7 => two.source = another.source,
            8 => {
                two.env = another.env;
                // the same letters, cut elsewhere
                if let Some(value) = one.env.get("A").filter(|value| value.starts_with('b')) {
                    two.env = one.env.clone();
                    two.env.remove("A");
                    two.env
                        .insert("AB".to_owned(), value.chars().skip(1).collect());
                }
            }
            _ => two.scope = another.scope,
        }
        (one, two)
    })
}

/// Everything is a variable; one kind of credential or the other.
fn by_variables(fake: &Fake, key: bool) -> DaytonaEnvironment {
    let builder = DaytonaEnvironment::builder()
        .transport(Arc::new(fake.clone()))
        .spawner(Arc::new(Here))
        .api_url(Variable::new("url"))
        .allow_origin("http://127.0.0.1:9")
        .allow_origin("http://localhost:9")
        .allow_toolbox_origin("http://127.0.0.1:9")
        .target(Variable::new("target"))
        .snapshot(Variable::new("snapshot"))
        .image(Variable::new("image"))
        .env_vars(Variable::new("env"))
        .scope(Variable::<Scope>::new("scope"));
    match key {
        true => builder.api_key(Variable::new("key")),
        false => builder.jwt(Variable::new("token"), Variable::new("organization")),
    }
    .build()
    .unwrap()
}

impl Tuple {
    fn context(&self) -> Vars {
        let (snapshot, image) = match self.source {
            Source::Default => (None, None),
            Source::Snapshot(name) => (Some(name), None),
            Source::Image(name) => (None, Some(name)),
        };
        let vars = Vars::new()
            .with("url", self.url)
            .with("target", self.target)
            .with("snapshot", snapshot)
            .with("image", image)
            .with("env", self.env.clone())
            .with("scope", self.scope.as_str());
        match &self.credential {
            Ok(key) => vars.with("key", key.as_str()),
            Err((token, organization)) => vars
                .with("token", token.as_str())
                .with("organization", organization.as_str()),
        }
    }
}

#[tokio::test]
async fn two_opens_share_exactly_if_every_parameter_resolves_to_the_same() {
    let fake = Fake::default();
    let environments = [false, true].map(|key| by_variables(&fake, key));
    let of = |tuple: &Tuple| &environments[usize::from(tuple.credential.is_ok())];
    let (pairs, strategy, mut runner) = (pairs(600), pair(), runner());
    let (mut equal, mut different) = (0, 0);
    for n in 0..pairs {
        let (one, two) = strategy.new_tree(&mut runner).unwrap().current();
        let first = of(&one).open(&one.context()).await.unwrap();
        let second = of(&two).open(&two.context()).await.unwrap();
        let shared = Arc::ptr_eq(&first, &second);
        assert_eq!(shared, first.id() == second.id());
        assert_eq!(shared, one == two, "pair {n}: {one:?} and {two:?}");
        match shared {
            true => equal += 1,
            false => different += 1,
        }
        if n % 50 == 49 {
            for environment in &environments {
                environment.close().await.unwrap();
            }
            fake.state().rows.clear();
        }
    }
    println!("{equal} equal pairs, {different} different ones");
    assert!(equal > pairs / 5 && different > pairs / 5);
}

/// A step of an image; two of them write the same line.
#[derive(Clone, Copy, Debug)]
enum Step {
    Pip(&'static str),
    Run(&'static str),
    Env(&'static str, &'static str),
    Workdir(&'static str),
}

impl Step {
    fn on(self, image: Image) -> Image {
        match self {
            Self::Pip(package) => image.pip_install([package]),
            Self::Run(command) => image.run_commands([command]),
            Self::Env(name, value) => image.env(name, value),
            Self::Workdir(path) => image.workdir(path),
        }
    }
}

/// What a process of a fleet configures.
#[derive(Clone, Debug)]
struct Made {
    base: &'static str,
    steps: Vec<Step>,
    by_name: bool,
    target: Option<&'static str>,
    env: BTreeMap<String, String>,
    cpu: Option<u32>,
    workdir: Option<&'static str>,
    timeout: u64,
    minutes: u64,
    persist: bool,
    scope: &'static str,
}

fn made() -> impl Strategy<Value = Made> {
    let step = select(vec![
        Step::Pip("numpy"),
        Step::Pip("numpy pandas"),
        Step::Run("python -m pip install numpy"),
        Step::Run("true"),
        Step::Env("A", "b"),
        Step::Env("AB", ""),
        Step::Workdir("/a"),
    ]);
    let image = (
        select(vec!["debian:12", "python:3.12"]),
        prop::collection::vec(step, 0..3),
        any::<bool>(),
    );
    let shape = (
        prop::option::of(select(vec!["eu", "us"])),
        env(),
        prop::option::of(select(vec![1_u32, 2])),
        prop::option::of(select(vec!["/a", "/a/b"])),
        select(vec![1_u64, 60]),
    );
    let lease = (select(vec![5_u64, 6]), any::<bool>());
    (image, shape, lease, select(vec!["one", "two"])).prop_map(
        |((base, steps, by_name), (target, env, cpu, workdir, timeout), lease, scope)| Made {
            base,
            steps,
            by_name,
            target,
            env,
            cpu,
            workdir,
            timeout,
            minutes: lease.0,
            persist: lease.1,
            scope,
        },
    )
}

impl Made {
    fn image(&self) -> Image {
        let base = Image::base(self.base);
        self.steps.iter().fold(base, |image, step| step.on(image))
    }

    /// What shapes the sandbox, as text: equal texts, equal sandboxes.
    fn shape(&self) -> String {
        let minutes = self.minutes;
        format!(
            "{:?} {:?} {:?} {:?} {:?} {} {minutes} {}",
            self.image().dockerfile().unwrap(),
            self.target,
            self.env,
            self.cpu,
            self.workdir,
            self.timeout,
            self.persist
        )
    }

    fn builder(&self, fake: &Fake) -> DaytonaEnvironmentBuilder {
        let minutes = Duration::from_secs(self.minutes * 60);
        let lease = match self.persist {
            true => Lease::persist(minutes),
            false => Lease::ephemeral(minutes),
        };
        let mut builder = fake.builder().share("fleet", "a-fleet-key-0123456789");
        builder = match self.steps.is_empty() && self.by_name {
            true => builder.image(self.base),
            false => builder.image(self.image()),
        };
        if let Some(target) = self.target {
            builder = builder.target(target);
        }
        if let Some(cpu) = self.cpu {
            builder = builder.resources(DaytonaResources::default().with_cpu(cpu));
        }
        if let Some(workdir) = self.workdir {
            builder = builder.workdir(workdir);
        }
        for (name, value) in &self.env {
            builder = builder.env_var(name.clone(), value.as_str());
        }
        builder
            .timeout(Duration::from_secs(self.timeout))
            .lease(lease)
            .scope(self.scope)
    }
}

fn pair_of_made() -> impl Strategy<Value = (Made, Made)> {
    (made(), made(), 0..12_u8).prop_map(|(one, another, change)| {
        let mut two = one.clone();
        match change {
            // the same image in another way, where there is one
            0..=2 => two.by_name = !one.by_name,
            3 => two = another,
            4 => (two.base, two.steps) = (another.base, another.steps),
            5 => two.steps.reverse(),
            6 => two.target = another.target,
            7 => two.env = another.env,
            8 => two.cpu = another.cpu,
            9 => (two.workdir, two.timeout) = (another.workdir, another.timeout),
            10 => (two.minutes, two.persist) = (another.minutes, another.persist),
            _ => two.scope = another.scope,
        }
        (one, two)
    })
}

#[tokio::test]
async fn two_builders_of_a_fleet_share_exactly_if_all_that_shapes_a_sandbox_is_the_same() {
    let (pairs, strategy, mut runner) = (pairs(400), pair_of_made(), runner());
    let (mut equal, mut drifted, mut apart) = (0, 0, 0);
    for n in 0..pairs {
        let (one, two) = strategy.new_tree(&mut runner).unwrap().current();
        let fake = Fake::default();
        let first = one.builder(&fake).build().unwrap();
        let second = two.builder(&fake).build().unwrap();
        let kept = first.open(&Vars::new()).await.unwrap();
        let opened = second.open(&Vars::new()).await;
        let told = format!("pair {n}: {one:?} and {two:?}: {opened:?}");
        match (one.scope == two.scope, one.shape() == two.shape()) {
            (true, true) => {
                assert_eq!(opened.unwrap().id(), kept.id(), "{told}");
                equal += 1;
            }
            (true, false) => {
                assert_eq!(opened.unwrap_err().kind(), ErrorKind::Conflict, "{told}");
                drifted += 1;
            }
            (false, _) => {
                assert_ne!(opened.unwrap().id(), kept.id(), "{told}");
                apart += 1;
            }
        }
    }
    println!("{equal} equal pairs, {drifted} refused, {apart} of two scopes");
    assert!(equal > pairs / 5 && drifted > pairs / 5 && apart > 0);
}
