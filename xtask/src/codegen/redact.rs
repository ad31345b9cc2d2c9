//! Members that Debug must not show.

use super::names;

/// A member (of one model, or of all) and why it is hidden.
struct Hidden {
    /// `None`: wherever a member has this name.
    model: Option<&'static str>,
    member: &'static str,
    #[expect(dead_code, reason = "for those who read or change the table")]
    why: &'static str,
}

const fn all(member: &'static str, why: &'static str) -> Hidden {
    Hidden {
        model: None,
        member,
        why,
    }
}

const fn one(model: &'static str, member: &'static str, why: &'static str) -> Hidden {
    Hidden {
        model: Some(model),
        member,
        why,
    }
}

const HIDDEN: &[Hidden] = &[
    all("accessKey", "object storage credential"),
    all("apiKey", "bearer of a runner, region or service"),
    all("clientSecret", "OIDC client credential"),
    all(
        "dockerfileContent",
        "ENV and ARG lines hold values of environment variables",
    ),
    all("env", "values of environment variables"),
    all("envs", "values of environment variables"),
    all("experimentalConfig", "holds collector headers"),
    all("headers", "collector headers carry API keys"),
    all("metadata", "an audited request, with its body"),
    all("outboundProxyUrl", "may hold user and password"),
    all("password", "a password"),
    all("payload", "a job's input, with the sandbox's environment"),
    all("proxyApiKey", "bearer of a region's proxy"),
    all("secret", "a credential"),
    all("secrets", "which secrets a sandbox sees"),
    all("sessionToken", "object storage credential"),
    all("snapshotManagerPassword", "a password"),
    all("sshCommand", "holds the SSH token"),
    all("sshGatewayApiKey", "bearer of a region's SSH gateway"),
    all("token", "a bearer or preview token"),
    one(
        "AccessibilitySetValueRequest",
        "value",
        "text typed into a form",
    ),
    one("ApiKeyList", "value", "an API key, masked by the server"),
    one("ApiKeyResponse", "value", "an API key"),
    one("CreateSecret", "value", "the secret itself"),
    one("GitAddRemoteRequest", "url", "may hold user and password"),
    one("GitCloneRequest", "url", "may hold user and password"),
    one(
        "GitConfigResponse",
        "value",
        "git configuration may hold credentials",
    ),
    one("GitRemote", "url", "may hold user and password"),
    one(
        "GitSetConfigRequest",
        "value",
        "git configuration may hold credentials",
    ),
    one("KeyboardTypeRequest", "text", "text typed into a form"),
    one(
        "SessionSendInputRequest",
        "data",
        "input such as a password prompt's answer",
    ),
    one(
        "SignedPortPreviewUrl",
        "url",
        "a signed URL is a credential",
    ),
    one("UpdateEnvRequest", "set", "values of environment variables"),
    one("UpdateSecret", "value", "the secret itself"),
    one("Url", "url", "a signed URL is a credential"),
    one("WebhookAppPortalAccess", "url", "holds a one-time token"),
];

/// Words in a member's name that suggest a credential.
const SUSPICIOUS: &[&str] = &[
    "auth",
    "credential",
    "credentials",
    "env",
    "envs",
    "key",
    "passphrase",
    "passwd",
    "password",
    "secret",
    "secrets",
    "signature",
    "signed",
    "token",
    "tokens",
];

/// Text members with such a word that may be shown, and why.
const SHOWN: &[(&str, &str)] = &[
    (
        "actorApiKeyPrefix",
        "a few characters, to recognise a key by",
    ),
    (
        "actorApiKeySuffix",
        "a few characters, to recognise a key by",
    ),
    ("authApiHostname", "a host name"),
    (
        "key",
        "a key of the keyboard, a name in git's configuration, or a public SSH key",
    ),
    ("directorySyncTokenRevokedAt", "a time"),
    ("nextToken", "a place in a list"),
    ("sshGatewayHostKeyFingerprints", "public"),
    ("sshGatewayHostKeys", "public"),
    ("sshGatewayPublicKey", "public"),
    ("stripePublishableKey", "public"),
];

/// Whether a text member called so must be decided on first: hidden, or listed as harmless.
pub(crate) fn is_undecided(model: &str, member: &str) -> bool {
    let snake = names::snake(member);
    let suspicious = snake.split('_').any(|word| SUSPICIOUS.contains(&word));
    suspicious && !is_hidden(model, member) && !SHOWN.iter().any(|(shown, _)| *shown == member)
}

pub(crate) fn is_hidden(model: &str, member: &str) -> bool {
    HIDDEN
        .iter()
        .any(|row| row.member == member && row.model.is_none_or(|only| only == model))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    fn texts(folder: &Path) -> String {
        let entries: Vec<PathBuf> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        entries
            .iter()
            .map(|path| fs::read_to_string(path).unwrap())
            .collect()
    }

    #[test]
    fn every_row_hides_something() {
        let generated =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/daytona-api/src/generated");
        let code = texts(&generated.join("models")) + &texts(&generated.join("toolbox"));
        for row in HIDDEN {
            assert!(
                code.contains(&format!("\"{}\"", row.member)),
                "nothing is called {}",
                row.member
            );
            if let Some(model) = row.model {
                assert!(
                    code.contains(&format!("impl std::fmt::Debug for {model} ")),
                    "{model}.{}",
                    row.member
                );
            }
        }
    }

    #[test]
    fn a_new_member_that_sounds_secret_must_be_decided_on() {
        assert!(is_undecided("Dog", "deployToken"));
        assert!(is_undecided("Dog", "SSHPassword"));
        assert!(!is_undecided("Dog", "token"));
        assert!(!is_undecided("Dog", "nextToken"));
        assert!(!is_undecided("Dog", "monkey"));
    }
}
