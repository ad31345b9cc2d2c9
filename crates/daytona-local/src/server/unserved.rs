//! Documented routes that are not served, each with the reason.

use daytona_api::routes::{ALL, Api};

use super::reply::Failure;

/// The answer to a documented route that is not served.
pub(crate) fn not_served(route: &str) -> Failure {
    let why = why(route);
    let message = format!("{route} is not served by this embedded server: {why}");
    Failure::new(501, "NOT_IMPLEMENTED", message)
}

/// The same on a server that runs nothing.
pub(crate) fn nothing_runs(route: &str) -> Failure {
    let message =
        format!("{route} is not served by this embedded server: it is set up to run no programs");
    Failure::new(501, "NOT_IMPLEMENTED", message)
}

fn why(id: &str) -> &'static str {
    match id {
        "getSandboxesForRunner" | "updateSandboxState" | "Initialize" => RUNNERS,
        "createBackup" => "nothing is backed up",
        "getSandboxLogs" | "getSandboxTraces" | "getSandboxTraceSpans" | "getSandboxMetrics" => {
            "no telemetry is collected"
        }
        _ => match ALL.iter().find(|route| route.id == id) {
            Some(route) if route.api == Api::ControlPlane => of_tag(route.tag),
            _ => "it has no part here",
        },
    }
}

const RUNNERS: &str = "it is for the service's runners, and programs run on this machine";

fn of_tag(tag: &str) -> &'static str {
    match tag {
        "admin" => "there is no service to administrate",
        "api-keys" => "there is one key, which is made when the server starts",
        "audit" => "nothing is audited",
        "docker-registry" => "no image is pulled or pushed",
        "jobs" | "runners" => RUNNERS,
        "organizations" => "there is one organization, with one member, which cannot be changed",
        "users" => "there is one user, who cannot be changed",
        "webhooks" => "nothing is sent to webhooks; the event socket tells the same",
        _ => "it has no part here",
    }
}
