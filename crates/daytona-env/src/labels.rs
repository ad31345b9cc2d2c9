//! The labels by which our sandboxes are found again. Fixed: sweepers of other versions rely on them.

use crate::fingerprint::Fingerprint;
use crate::share::{SharedLabels, drift};

/// Every key of ours starts like this, and no key of a user's may.
pub(crate) const PREFIX: &str = "daytona-env.";
/// Every name of ours starts like this.
pub(crate) const NAME_PREFIX: &str = "denv-";

pub(crate) const MANAGED: &str = "daytona-env.managed";
pub(crate) const NAMESPACE: &str = "daytona-env.ns";
pub(crate) const INSTANCE: &str = "daytona-env.instance";
const KEY: &str = "daytona-env.key";
const GENERATION: &str = "daytona-env.generation";
const SHARED: &str = "daytona-env.shared";
const PARAMETERS: &str = "daytona-env.parameters";
pub(crate) const VERSION: &str = "daytona-env.v";
/// The version of these labels.
pub(crate) const CURRENT: &str = "1";

/// Who a sandbox belongs to: nothing here can be turned back into a tenant's name or a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ownership<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) instance: &'a str,
    pub(crate) key: Fingerprint,
    pub(crate) generation: u64,
    /// What other processes compare, if it is shared with them.
    pub(crate) shared: Option<SharedLabels>,
}

impl Ownership<'_> {
    /// The labels to create with.
    pub(crate) fn labels(&self) -> Vec<(&'static str, String)> {
        let mut labels = vec![
            (MANAGED, "1".to_owned()),
            (NAMESPACE, self.namespace.to_owned()),
            (INSTANCE, self.instance.to_owned()),
            (KEY, self.key.to_string()),
            (GENERATION, self.generation.to_string()),
            (VERSION, CURRENT.to_owned()),
        ];
        if let Some(shared) = &self.shared {
            labels.push((SHARED, shared.tuple.to_string()));
            labels.push((PARAMETERS, shared.parameters.clone()));
        }
        labels
    }

    /// Whether a row with these labels was made by this process for this key; a shared one, by any process that was
    /// given the same fleet key and parameters.
    ///
    /// The generation is not compared: the unguessable name already tells one attempt from the next.
    pub(crate) fn judge<'l>(&self, label: impl Fn(&str) -> Option<&'l str>) -> Owner {
        if label(MANAGED) != Some("1") {
            return Owner::Somebody;
        }
        let Some(shared) = &self.shared else {
            let ours = label(INSTANCE) == Some(self.instance)
                && label(KEY) == Some(self.key.to_string().as_str());
            return if ours { Owner::Us } else { Owner::Somebody };
        };
        let theirs = (label(SHARED), label(PARAMETERS));
        match theirs {
            _ if label(NAMESPACE) != Some(self.namespace) => Owner::Somebody,
            (Some(tuple), _) if tuple == shared.tuple.to_string() => Owner::Us,
            (Some(_), Some(parameters)) => Owner::Drifted(drift(parameters, &shared.parameters)),
            _ => Owner::Somebody,
        }
    }
}

/// Whose a row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    Us,
    Somebody,
    /// Shared, and made with other values of these parameters.
    Drifted(Vec<String>),
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::fingerprint::Fingerprinter;

    #[test]
    fn what_is_written_is_recognised_and_nothing_else() {
        let prints = Fingerprinter::random().unwrap();
        let ours = Ownership {
            namespace: "ns",
            instance: "i",
            key: prints.of(|_| ()),
            generation: 1,
            shared: None,
        };
        let written: BTreeMap<_, _> = ours.labels().into_iter().collect();
        assert!(written.keys().all(|key| key.starts_with(PREFIX)));
        assert_eq!(
            ours.judge(|key| written.get(key).map(String::as_str)),
            Owner::Us
        );
        for key in [MANAGED, INSTANCE, KEY] {
            let mut foreign = written.clone();
            foreign.insert(key, "other".to_owned());
            assert_eq!(
                ours.judge(|key| foreign.get(key).map(String::as_str)),
                Owner::Somebody,
                "{key}"
            );
            foreign.remove(key);
            assert_eq!(
                ours.judge(|key| foreign.get(key).map(String::as_str)),
                Owner::Somebody,
                "{key} absent"
            );
        }
    }
}
