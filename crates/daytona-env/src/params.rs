//! The parameters that may be variables, and the rules they meet once resolved.

use std::fmt;

use context_vars::{OptParam, Param, ParamMap, Resolve, Scope, Secret};

use crate::settings::Settings;
use crate::validate::{
    ApiUrl, Invalid, check_credential, check_env, check_image, check_plain, check_shape,
};

/// What shapes a sandbox and may differ from one open to the next. All of it is in the key.
#[derive(Clone, Resolve)]
pub(crate) struct DaytonaParams {
    pub(crate) api_key: OptParam<Secret>,
    pub(crate) jwt: OptParam<Secret>,
    pub(crate) organization: OptParam<String>,
    pub(crate) api_url: Param<String>,
    pub(crate) target: OptParam<String>,
    pub(crate) snapshot: OptParam<String>,
    pub(crate) image: OptParam<String>,
    pub(crate) env_vars: ParamMap,
    pub(crate) scope: Param<Scope>,
}

impl fmt::Debug for DaytonaParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DaytonaParams")
            .field("api_key", &self.api_key)
            .field("jwt", &self.jwt)
            .field("organization", &self.organization)
            .field("api_url", &ShownUrl(&self.api_url))
            .field("target", &self.target)
            .field("snapshot", &self.snapshot)
            .field("image", &ShownImage(&self.image))
            .field("env_vars", &self.env_vars)
            .field("scope", &self.scope)
            .finish()
    }
}

/// A URL as Debug may show it: one that is refused, for its user or query, may hold a password.
pub(crate) struct ShownUrl<'p>(pub(crate) &'p Param<String>);

impl fmt::Debug for ShownUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:?}", self.0);
        let usable = match self.0.constant() {
            Some(url) => ApiUrl::parse(url).is_ok(),
            None => !text.contains(['@', '?', '#']),
        };
        f.write_str(if usable { &text } else { "[invalid]" })
    }
}

/// An image as Debug may show it: a name, or how many lines were described, which may hold a secret.
pub(crate) struct ShownImage<'p>(pub(crate) &'p OptParam<String>);

impl fmt::Debug for ShownImage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.constant().map(|text| text.lines().count()) {
            Some(lines) if lines > 1 => write!(f, "Image({lines} lines)"),
            _ => self.0.fmt(f),
        }
    }
}

/// The values that are known: at build the constants, at open all of them.
#[derive(Default)]
pub(crate) struct Known<'a> {
    pub(crate) api_key: Option<&'a str>,
    pub(crate) jwt: Option<&'a str>,
    pub(crate) organization: Option<&'a str>,
    pub(crate) api_url: Option<&'a str>,
    pub(crate) target: Option<&'a str>,
    pub(crate) snapshot: Option<&'a str>,
    pub(crate) image: Option<&'a str>,
}

impl Known<'_> {
    /// The rules each known value meets by itself.
    pub(crate) fn check(&self, settings: &Settings) -> Result<(), Invalid> {
        if let Some(key) = self.api_key {
            check_credential("api_key", key)?;
        }
        if let Some(token) = self.jwt {
            check_credential("jwt", token)?;
        }
        if let Some(organization) = self.organization {
            check_credential("organization", organization)?;
        }
        if let Some(url) = self.api_url {
            let url = ApiUrl::parse(url)?;
            if !settings.allowed_origins.is_empty() {
                url.check_allowed(&settings.allowed_origins)?;
            }
        }
        if let Some(target) = self.target {
            check_plain("target", target)?;
        }
        if let Some(snapshot) = self.snapshot {
            check_plain("snapshot", snapshot)?;
        }
        if let Some(image) = self.image
            && !settings.described_image
        {
            check_image(image)?;
        }
        Ok(())
    }
}

impl DaytonaParamsView<'_> {
    /// The rules at open, where everything is known. In order: what excludes each other, then each by itself.
    pub(crate) fn check(&self, settings: &Settings) -> Result<(), Invalid> {
        let known = Known {
            api_key: self.api_key.as_ref().map(|key| key.expose()),
            jwt: self.jwt.as_ref().map(|token| token.expose()),
            organization: self.organization.as_deref(),
            api_url: Some(&self.api_url),
            target: self.target.as_deref(),
            snapshot: self.snapshot.as_deref(),
            image: self.image.as_deref(),
        };
        check_shape(known.snapshot, known.image, !settings.resources.is_empty())?;
        match (known.api_key, known.jwt, known.organization) {
            (Some(_), None, None) | (None, Some(_), Some(_)) => {}
            (None, Some(_), None) => {
                return Err(Invalid::new(
                    "`jwt` needs an `organization`, which resolved to null; give the tenant's own",
                ));
            }
            _ => {
                return Err(Invalid::new(
                    "no credential: `api_key` or `jwt` resolved to null; give the tenant's own, the host's environment \
                     is never asked",
                ));
            }
        }
        known.check(settings)?;
        self.env_vars
            .iter()
            .try_for_each(|(name, value)| check_env(name, value.expose()))
    }
}
