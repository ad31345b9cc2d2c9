//! The labels by which our sandboxes are found again. Fixed: sweepers of other versions rely on them.

use crate::fingerprint::Fingerprint;

/// Every key of ours starts like this, and no key of a user's may.
pub(crate) const PREFIX: &str = "daytona-env.";
/// Every name of ours starts like this.
pub(crate) const NAME_PREFIX: &str = "denv-";

pub(crate) const MANAGED: &str = "daytona-env.managed";
pub(crate) const NAMESPACE: &str = "daytona-env.ns";
pub(crate) const INSTANCE: &str = "daytona-env.instance";
const KEY: &str = "daytona-env.key";
const GENERATION: &str = "daytona-env.generation";
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
}

impl Ownership<'_> {
    /// The labels to create with.
    pub(crate) fn labels(&self) -> [(&'static str, String); 6] {
        [
            (MANAGED, "1".to_owned()),
            (NAMESPACE, self.namespace.to_owned()),
            (INSTANCE, self.instance.to_owned()),
            (KEY, self.key.to_string()),
            (GENERATION, self.generation.to_string()),
            (VERSION, CURRENT.to_owned()),
        ]
    }

    /// Whether a row with these labels was made by this process for this key.
    ///
    /// The generation is not compared: the unguessable name already tells one attempt from the next.
    pub(crate) fn owns<'l>(&self, label: impl Fn(&str) -> Option<&'l str>) -> bool {
        label(MANAGED) == Some("1")
            && label(INSTANCE) == Some(self.instance)
            && label(KEY) == Some(self.key.to_string().as_str())
    }
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
        };
        let written: BTreeMap<_, _> = ours.labels().into_iter().collect();
        assert!(written.keys().all(|key| key.starts_with(PREFIX)));
        assert!(ours.owns(|key| written.get(key).map(String::as_str)));
        for key in [MANAGED, INSTANCE, KEY] {
            let mut foreign = written.clone();
            foreign.insert(key, "other".to_owned());
            assert!(
                !ours.owns(|key| foreign.get(key).map(String::as_str)),
                "{key}"
            );
            foreign.remove(key);
            assert!(
                !ours.owns(|key| foreign.get(key).map(String::as_str)),
                "{key} absent"
            );
        }
    }
}
