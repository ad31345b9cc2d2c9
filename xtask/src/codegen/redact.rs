//! Members that Debug must not show.

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

pub(crate) fn is_hidden(model: &str, member: &str) -> bool {
    HIDDEN
        .iter()
        .any(|row| row.member == member && row.model.is_none_or(|only| only == model))
}
