//! The factory: an application that runs one program for many tenants.

use context_vars::Source;
use daytona_env::DaytonaEnvironment;
use sandbox_core::{Error, ExecRequest, ExecStatus, Sandbox};

/// What `program` prints for the tenant of this context.
pub async fn print_for(
    environment: &DaytonaEnvironment,
    context: &dyn Source,
    program: &str,
) -> Result<Option<String>, Error> {
    let sandbox = environment.open(context).await?;
    let outcome = sandbox.exec(ExecRequest::shell(program)).await?;
    Ok(match outcome.status() {
        ExecStatus::Exited(0) => Some(outcome.stdout().text_lossy()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use context_vars::{Variable, Vars};

    use super::*;

    #[tokio::test]
    async fn two_tenants_do_not_meet() {
        let environment = DaytonaEnvironment::local()
            .await
            .unwrap()
            .env_var("TENANT", Variable::new("tenant"))
            .scope(Variable::new("tenant"))
            .build()
            .unwrap();
        let (acme, blue) = (
            Vars::new().with("tenant", "acme"),
            Vars::new().with("tenant", "blue"),
        );
        let write = "echo \"$TENANT\" > mine; cat mine";
        assert_eq!(
            print_for(&environment, &acme, write)
                .await
                .unwrap()
                .as_deref(),
            Some("acme\n")
        );
        assert_eq!(
            print_for(&environment, &blue, "cat mine").await.unwrap(),
            None
        );
        assert_eq!(
            print_for(&environment, &acme, "cat mine")
                .await
                .unwrap()
                .as_deref(),
            Some("acme\n")
        );
        environment.close().await.unwrap();
    }
}
