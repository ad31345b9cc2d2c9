//! Where a `run` goes: the account that is configured, or the embedded server.

use std::time::Duration;

use context_vars::{Variable, Vars};
use daytona_env::{DaytonaEnvironment, DaytonaEnvironmentBuilder, Lease};
use daytona_local::Server;

use crate::args::{EmbeddedArgs, RunArgs};
use crate::embedded;
use crate::error::Failure;
use crate::host::{Account, Credential, HostEnv};

const MINUTE: u64 = 60;

/// A server to make a sandbox on.
#[derive(Debug)]
pub(crate) enum Target {
    Account(Account),
    Embedded(Server),
}

impl Target {
    /// Chooses by what is configured, never by what is reachable.
    pub(crate) async fn choose(host: &HostEnv, args: &EmbeddedArgs) -> Result<Self, Failure> {
        match host.account()? {
            None => Ok(Self::Embedded(embedded::for_run(args).await?)),
            Some(account) => {
                refuse_embedded(args)?;
                Ok(Self::Account(account))
            }
        }
    }

    /// The line that says what the embedded server is and is not.
    pub(crate) fn notice(&self, args: &RunArgs) -> Option<String> {
        let Self::Embedded(server) = self else {
            return None;
        };
        let mut line = format!(
            "no DAYTONA_API_KEY: using the embedded server on this machine ({})",
            embedded::describe(&server.isolation())
        );
        let chosen = args.image.as_ref().map(|name| ("image", name));
        if let Some((kind, name)) = chosen.or(args.snapshot.as_ref().map(|name| ("snapshot", name)))
        {
            line.push_str(&format!(
                "; {kind} {name} is recorded but is not a real {kind} here"
            ));
        }
        Some(line)
    }

    /// The account, where one is configured.
    pub(crate) fn account(&self) -> Option<&Account> {
        match self {
            Self::Account(account) => Some(account),
            Self::Embedded(_) => None,
        }
    }

    /// Where it is, for a person.
    pub(crate) fn server(&self) -> &str {
        match self {
            Self::Account(account) => &account.api_url,
            Self::Embedded(_) => "embedded",
        }
    }

    /// The isolation in force, where it is ours to know.
    pub(crate) fn isolation(&self) -> Option<String> {
        match self {
            Self::Account(_) => None,
            Self::Embedded(server) => Some(server.isolation().mode.to_string()),
        }
    }

    /// An environment on it, with nothing else chosen.
    pub(crate) fn builder(&self) -> DaytonaEnvironmentBuilder {
        match self {
            Self::Embedded(server) => DaytonaEnvironment::builder()
                .api_url(server.api_url())
                .api_key(server.token()),
            Self::Account(account) => of_account(account),
        }
    }

    /// An environment for this run.
    pub(crate) fn environment(&self, args: &RunArgs) -> Result<DaytonaEnvironment, Failure> {
        let mut builder = self.builder();
        let minutes = Duration::from_secs(args.lease * MINUTE);
        builder = builder
            .lease(if args.persist {
                Lease::persist(minutes)
            } else {
                Lease::ephemeral(minutes)
            })
            .renew_interval(args.renew_interval)
            .close_timeout(args.close_timeout);
        if let Some(image) = &args.image {
            builder = builder.image(image.as_str());
        }
        if let Some(snapshot) = &args.snapshot {
            builder = builder.snapshot(snapshot.as_str());
        }
        if let Some(scope) = &args.scope {
            builder = builder.scope(scope.as_str());
        }
        if let Some(workdir) = &args.workdir {
            builder = builder.workdir(workdir);
        }
        for env in &args.envs {
            builder = builder.env_var(&env.name, env.value.clone());
        }
        for env in &args.env_vars {
            builder = builder.env_var(&env.name, Variable::new(env.variable.as_str()));
        }
        builder
            .build()
            .map_err(|error| Failure::of_arguments("cannot use these arguments", error))
    }
}

fn of_account(account: &Account) -> DaytonaEnvironmentBuilder {
    let builder = DaytonaEnvironment::builder().api_url(account.api_url.as_str());
    let builder = match &account.credential {
        Credential::ApiKey(key) => builder.api_key(key.clone()),
        Credential::Jwt {
            token,
            organization,
        } => builder.jwt(token.clone(), organization.as_str()),
    };
    match &account.target {
        Some(target) => builder.target(target.as_str()),
        None => builder,
    }
}

/// The values of `--var`, for the environment to resolve its parameters against.
pub(crate) fn context(args: &RunArgs) -> Vars {
    args.vars.iter().fold(Vars::new(), |vars, var| {
        vars.with(&var.name, var.value.clone())
    })
}

/// Refuses options that only the embedded server knows.
pub(crate) fn refuse_embedded(args: &EmbeddedArgs) -> Result<(), Failure> {
    match only_embedded(args) {
        None => Ok(()),
        Some(flag) => Err(Failure::new(format!(
            "{flag} is for the embedded server, and an account is configured"
        ))
        .hint("unset DAYTONA_API_KEY (and DAYTONA_API_URL) to use the embedded server")),
    }
}

/// The first option given that no other server would heed.
fn only_embedded(args: &EmbeddedArgs) -> Option<&'static str> {
    if args.isolation.is_some() {
        Some("--isolation")
    } else if !args.bind_ro.is_empty() {
        Some("--bind-ro")
    } else if args.no_network {
        Some("--no-network")
    } else {
        None
    }
}
