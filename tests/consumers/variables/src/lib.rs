//! Only variables: a framework that resolves the settings of a mail server per tenant.

use context_vars::{OptParam, Param, Resolve, Secret};

/// What is configured once.
#[derive(Debug, Resolve)]
pub struct MailParams {
    pub host: Param<String>,
    pub password: Param<Secret>,
    pub sender: OptParam<String>,
}

#[cfg(test)]
mod tests {
    use context_vars::{KeyView, Template, Variable, Vars};

    use super::*;

    #[test]
    fn each_tenant_gets_its_own() {
        let params = MailParams {
            host: Template::parse("${tenant}.mail.example").unwrap().into(),
            password: Variable::new("password").into(),
            sender: Variable::new("sender").into(),
        };
        let acme = Vars::new()
            .with("tenant", "acme")
            .with("password", Secret::new("p-1"))
            .with("sender", "a@acme");
        let blue = Vars::new()
            .with("tenant", "blue")
            .with("password", Secret::new("p-1"))
            .with("sender", "a@acme");
        let stored = params.resolve(&acme).unwrap().to_resolved();
        assert_eq!(stored.host, "acme.mail.example");
        assert!(params.resolve(&acme).unwrap().matches(&stored));
        assert!(!params.resolve(&blue).unwrap().matches(&stored));
        assert!(!format!("{stored:?}").contains("p-1"));
        assert_eq!(
            params.resolve(&Vars::new()).unwrap_err().problems().len(),
            3
        );
    }
}
