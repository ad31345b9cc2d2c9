//! `doctor`: what is configured, what is reachable, what this machine can isolate. Never a secret.

mod machine;
mod server;

use std::process::ExitCode;

use serde::Serialize;

use self::machine::Machine;
use self::server::ServerCheck;
use crate::args::DoctorArgs;
use crate::host::HostEnv;
use crate::output;
use crate::progress::Progress;
use crate::signals::Signals;

/// Nothing here can run a command.
const UNUSABLE: u8 = 1;

/// Everything that was found out, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Findings {
    usable: bool,
    /// Which variables are set; never what to.
    environment: Vec<Setting>,
    /// `null` where no account is configured, so that the embedded server would be used.
    server: Option<ServerCheck>,
    machine: Machine,
}

#[derive(Debug, Serialize)]
struct Setting {
    name: &'static str,
    set: bool,
}

pub(crate) async fn run(args: DoctorArgs, host: &HostEnv, signals: &mut Signals) -> ExitCode {
    let findings = tokio::select! {
        findings = examine(host) => findings,
        signal = signals.next() => return ExitCode::from(signal.exit_code()),
    };
    if args.json {
        output::json(&findings);
    } else {
        print(&findings);
    }
    if findings.usable {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(UNUSABLE)
    }
}

async fn examine(host: &HostEnv) -> Findings {
    let environment = host
        .configured()
        .map(|(name, set)| Setting { name, set })
        .into();
    let (server, configured) = match host.account() {
        Ok(None) => (None, true),
        Ok(Some(account)) => {
            let _progress = Progress::step("asking the server");
            (Some(ServerCheck::of(&account).await), true)
        }
        Err(failure) => (Some(ServerCheck::misconfigured(&failure)), false),
    };
    let machine = {
        let _progress = Progress::step("trying what this machine can isolate");
        Machine::examine().await
    };
    let usable = configured
        && server
            .as_ref()
            .map_or(machine.usable(), ServerCheck::usable);
    Findings {
        usable,
        environment,
        server,
        machine,
    }
}

fn print(findings: &Findings) {
    output::line("configured");
    for Setting { name, set } in &findings.environment {
        output::line(&format!(
            "  {name}: {}",
            if *set { "set" } else { "not set" }
        ));
    }
    output::line("server");
    match &findings.server {
        Some(server) => server.print(),
        None => output::line("  the embedded one, since no DAYTONA_API_KEY is set"),
    }
    output::line("this machine");
    findings.machine.print();
    output::line(if findings.usable {
        "usable: yes"
    } else {
        "usable: no"
    });
}
