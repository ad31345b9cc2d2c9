//! A reference to a sandbox that can be stored.

use serde::{Deserialize, Serialize};

/// A reference to a sandbox: to store, pass on, and attach to later with
/// [`DaytonaSandbox::attach`](crate::DaytonaSandbox::attach). It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SandboxRef {
    id: String,
    #[serde(default = "first")]
    generation: u64,
}

fn first() -> u64 {
    1
}

impl SandboxRef {
    /// A reference to the sandbox with this id, of this generation.
    #[must_use]
    pub fn new(id: impl Into<String>, generation: u64) -> Self {
        Self {
            id: id.into(),
            generation,
        }
    }

    /// The sandbox's id, given by Daytona.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Counts the sandboxes made for one key, from 1.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_through_json() {
        let reference = SandboxRef::new("abc", 3);
        let text = serde_json::to_string(&reference).unwrap();
        assert_eq!(text, r#"{"id":"abc","generation":3}"#);
        assert_eq!(
            serde_json::from_str::<SandboxRef>(&text).unwrap(),
            reference
        );
        let short: SandboxRef = serde_json::from_str(r#"{"id":"abc"}"#).unwrap();
        assert_eq!(short.generation(), 1);
    }
}
