//! Sharing one sandbox between processes, through the one name that Daytona gives out once.

use std::fmt;
use std::fmt::Write as _;

use context_vars::{Scope, Secret};

use crate::fingerprint::{Fingerprint, Fingerprinter, MacHasher};
use crate::labels::NAME_PREFIX;
use crate::lease::Intervals;
use crate::params::DaytonaParamsResolved;
use crate::settings::Settings;
use crate::validate::{ApiUrl, Invalid};

/// A key that can be guessed would let others find out what is shared, and take its names.
const SHORTEST_KEY: usize = 16;

/// What every process of a fleet is given alike.
#[derive(Clone)]
pub(crate) struct Share {
    group: String,
    prints: Fingerprinter,
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Share")
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}

/// The labels of a shared sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SharedLabels {
    /// Of all parameters but the credential.
    pub(crate) tuple: Fingerprint,
    /// The names of the parameters, each with a short fingerprint of its value.
    pub(crate) parameters: String,
}

impl Share {
    pub(crate) fn new(group: impl Into<String>, fleet_key: &Secret) -> Self {
        Self {
            group: group.into(),
            prints: Fingerprinter::keyed(fleet_key),
        }
    }

    pub(crate) fn check(&self, fleet_key: &Secret) -> Result<(), Invalid> {
        if self.group.is_empty() {
            return Err(Invalid::new(
                "`share`: the group is empty; name what the processes have in common",
            ));
        }
        if fleet_key.expose().trim().len() < SHORTEST_KEY {
            return Err(Invalid::new(format!(
                "`share`: the fleet key is shorter than {SHORTEST_KEY} characters; give every process the same long random \
                 text, and no credential, which changes"
            )));
        }
        Ok(())
    }

    /// The name on which every process with these values agrees.
    pub(crate) fn name(&self, params: &DaytonaParamsResolved) -> Result<String, Invalid> {
        let url = ApiUrl::parse(&params.api_url)?;
        let print = self.prints.of(|mac| {
            feed(mac, "name");
            feed(mac, &self.group);
            feed_scope(mac, &params.scope);
            feed(mac, &url.origin().to_string());
        });
        Ok(format!("{NAME_PREFIX}shared-{print}"))
    }

    pub(crate) fn labels(
        &self,
        params: &DaytonaParamsResolved,
        settings: &Settings,
    ) -> SharedLabels {
        let fields = fields(params, settings);
        let tuple = self.prints.of(|mac| {
            feed(mac, "tuple");
            for (name, value) in &fields {
                feed(mac, name);
                value(mac);
            }
        });
        let mut parameters = String::new();
        for (name, value) in &fields {
            let print = self.prints.of(|mac| {
                feed(mac, "parameter");
                feed(mac, name);
                value(mac);
            });
            let short: String = print.to_string().chars().take(8).collect();
            let gap = if parameters.is_empty() { "" } else { " " };
            // writing to a String cannot fail
            let _ = write!(parameters, "{gap}{name}:{short}");
        }
        SharedLabels { tuple, parameters }
    }
}

type Feed<'a> = Box<dyn Fn(&mut MacHasher) + 'a>;

/// Everything that shapes a sandbox, by name: all but the credential, which may be each process's own.
fn fields<'a>(
    params: &'a DaytonaParamsResolved,
    settings: &'a Settings,
) -> Vec<(&'static str, Feed<'a>)> {
    let text =
        |value: Option<&'a str>| -> Feed<'a> { Box::new(move |mac| feed_option(mac, value)) };
    let Intervals {
        stop,
        archive,
        delete,
        ..
    } = settings.intervals;
    vec![
        ("target", text(params.target.as_deref())),
        ("snapshot", text(params.snapshot.as_deref())),
        ("image", text(params.image.as_deref())),
        (
            "env_vars",
            Box::new(|mac| {
                let mut pairs: Vec<_> = params
                    .env_vars
                    .iter()
                    .map(|(name, value)| (name, value.expose()))
                    .collect();
                pairs.sort_unstable();
                feed_number(mac, pairs.len() as u64);
                for (name, value) in pairs {
                    feed(mac, name);
                    feed(mac, value);
                }
            }),
        ),
        (
            "resources",
            Box::new(|mac| {
                let resources = settings.resources;
                for amount in [resources.cpu, resources.memory, resources.disk] {
                    feed_option(mac, amount.map(|amount| amount.to_string()).as_deref());
                }
            }),
        ),
        ("workdir", text(settings.workdir.as_deref())),
        (
            "timeout",
            Box::new(|mac| feed(mac, &settings.timeout.as_millis().to_string())),
        ),
        (
            "lease",
            Box::new(move |mac| feed(mac, &format!("{stop} {archive:?} {delete}"))),
        ),
    ]
}

/// The names of the parameters whose fingerprints differ between two labels.
pub(crate) fn drift(theirs: &str, ours: &str) -> Vec<String> {
    let theirs: Vec<&str> = theirs.split(' ').collect();
    let differs = ours.split(' ').filter(|print| !theirs.contains(print));
    differs
        .filter_map(|print| Some(print.split_once(':')?.0.to_owned()))
        .collect()
}

fn feed_number(mac: &mut MacHasher, number: u64) {
    mac.put(&number.to_le_bytes());
}

/// With its length, so that no two sequences of texts feed the same bytes.
fn feed(mac: &mut MacHasher, text: &str) {
    feed_number(mac, text.len() as u64);
    mac.put(text.as_bytes());
}

fn feed_option(mac: &mut MacHasher, text: Option<&str>) {
    mac.put(&[u8::from(text.is_some())]);
    feed(mac, text.unwrap_or_default());
}

fn feed_scope(mac: &mut MacHasher, scope: &Scope) {
    feed_option(mac, scope.name());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drift_names_what_differs_and_nothing_else() {
        assert_eq!(drift("a:1 b:2 c:3", "a:1 b:9 c:4"), ["b", "c"]);
        assert_eq!(drift("a:1", "a:1 new:2"), ["new"]);
        assert!(drift("b:2 a:1", "a:1 b:2").is_empty());
    }
}
