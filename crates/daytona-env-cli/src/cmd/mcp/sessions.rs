//! What a session works in.

use std::sync::Arc;
use std::time::Duration;

use context_vars::{Variable, Vars};
use daytona_env::{DaytonaEnvironment, Lease};
use sandbox_core::adapter::LanguageRunner;
use sandbox_core::{Error, ErrorKind, SandboxFactory};
use sandbox_tools::mcp::{McpServer, SESSION_VARIABLE};
use sandbox_tools::{FileTools, SandboxCodeTool, SandboxShellTool, ToolRegistry};

use crate::args::McpArgs;
use crate::error::Failure;
use crate::target::Target;

const MINUTE: Duration = Duration::from_secs(60);

/// The server, and the environment that its sessions share if they do.
#[derive(Debug)]
pub(super) struct Sessions {
    pub(super) server: McpServer,
    pub(super) shared: Option<DaytonaEnvironment>,
}

impl Sessions {
    pub(super) fn new(args: &Arc<McpArgs>, target: &Arc<Target>) -> Result<Self, Failure> {
        let refused = |error| Failure::of_arguments("cannot use these arguments", error);
        // Once now, so that what is wrong is said before a client is there.
        let first = environment(args, target).map_err(refused)?;
        tools(args, Arc::new(first.clone())).map_err(refused)?;
        let (builder, shared) = if args.scope.is_some() {
            (McpServer::shared(first.clone()), Some(first))
        } else {
            let (args, target) = (Arc::clone(args), Arc::clone(target));
            let make = move |_: &_| -> Result<Arc<dyn SandboxFactory>, Error> {
                Ok(Arc::new(environment(&args, &target)?))
            };
            (McpServer::per_session(make), None)
        };
        let context = args.vars.iter().fold(Vars::new(), |vars, var| {
            vars.with(&var.name, var.value.clone())
        });
        let for_tools = Arc::clone(args);
        // Over stdio there is no idle time to choose.
        let idle = match args.http {
            true => args.idle,
            false => args.timeout.saturating_add(MINUTE),
        };
        let server = builder
            .name("daytona-env", env!("CARGO_PKG_VERSION"))
            .context(context)
            .timeout(args.timeout)
            .idle(idle)
            .tools(move |factory| tools(&for_tools, factory))
            .build()
            .map_err(refused)?;
        Ok(Self { server, shared })
    }
}

fn environment(args: &McpArgs, target: &Target) -> Result<DaytonaEnvironment, Error> {
    let lease = MINUTE.saturating_mul(u32::try_from(args.lease).unwrap_or(u32::MAX));
    let mut builder = target
        .builder()
        .lease(Lease::ephemeral(lease))
        .timeout(args.timeout)
        .close_timeout(args.close_timeout);
    builder = match &args.scope {
        Some(scope) => builder.scope(scope.as_str()),
        None => builder
            .scope(Variable::new(SESSION_VARIABLE))
            .require_scope(),
    };
    if let Some(image) = &args.image {
        builder = builder.image(image.as_str());
    }
    if let Some(snapshot) = &args.snapshot {
        builder = builder.snapshot(snapshot.as_str());
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
    builder.build()
}

fn tools(args: &McpArgs, factory: Arc<dyn SandboxFactory>) -> Result<ToolRegistry, Error> {
    let mut tools = ToolRegistry::new();
    let twice =
        |error: sandbox_tools::Duplicate| Error::new(ErrorKind::Internal, error.to_string());
    if args.read_only {
        tools
            .add_all(FileTools::read_only(factory))
            .map_err(twice)?;
        return Ok(tools);
    }
    let shell = SandboxShellTool::builder(Arc::clone(&factory)).timeout(args.timeout);
    tools.add(shell.build()?).map_err(twice)?;
    let code = SandboxCodeTool::builder(Arc::clone(&factory))
        .languages(&args.languages)
        // What every image with Python has, and many systems alone.
        .runner("python", LanguageRunner::inline(["python3", "-c"]))
        .timeout(args.timeout);
    tools.add(code.build()?).map_err(twice)?;
    tools.add_all(FileTools::new(factory)).map_err(twice)?;
    Ok(tools)
}
