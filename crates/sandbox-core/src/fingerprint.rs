//! Fingerprints that may leave the process.

use std::fmt;
use std::hash::Hasher;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{Error, ErrorKind};

/// 96 bits of an HMAC-SHA-256 under a key that a factory draws when it is built and tells nobody:
/// it tells two tenants, keys or accounts apart and tells nothing about either. Shown in
/// hexadecimal. The same values have another one in every factory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 12]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a fingerprint is of, so that equal values of different use have different ones.
#[derive(Clone, Copy)]
pub(crate) enum Use {
    Key = 1,
    Scope = 2,
    Account = 3,
}

/// Makes the fingerprints of one factory.
#[derive(Clone)]
pub(crate) struct Fingerprinter(Arc<Hmac<Sha256>>);

impl Fingerprinter {
    /// # Errors
    ///
    /// When the operating system has no randomness.
    pub(crate) fn random() -> Result<Self, Error> {
        let mut key = Zeroizing::new([0_u8; 64]);
        getrandom::fill(key.as_mut_slice()).map_err(|error| {
            Error::new(
                ErrorKind::Internal,
                "the operating system gives no randomness",
            )
            .with_source(error)
        })?;
        Ok(Self(Arc::new(Hmac::<Sha256>::new((&*key).into()))))
    }

    /// The fingerprint of what `feed` writes.
    pub(crate) fn of(&self, domain: Use, feed: impl FnOnce(&mut MacHasher)) -> Fingerprint {
        let mut hasher = MacHasher(Hmac::clone(&self.0));
        hasher.write_u8(domain as u8);
        feed(&mut hasher);
        let full = hasher.0.finalize().into_bytes();
        let mut cut = [0; 12];
        cut.iter_mut().zip(full).for_each(|(to, from)| *to = from);
        Fingerprint(cut)
    }
}

/// Lets what hashes itself into a [`Hasher`] be fed to the MAC instead.
pub(crate) struct MacHasher(Hmac<Sha256>);

impl Hasher for MacHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Of no use here: the MAC is taken whole.
    fn finish(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_depends_on_the_factory_the_use_and_the_value() {
        let one = Fingerprinter::random().unwrap();
        let other = Fingerprinter::random().unwrap();
        let of = |prints: &Fingerprinter, domain, text: &str| {
            prints.of(domain, |mac| mac.write(text.as_bytes()))
        };
        assert_eq!(of(&one, Use::Key, "a"), of(&one.clone(), Use::Key, "a"));
        assert_ne!(of(&one, Use::Key, "a"), of(&one, Use::Key, "b"));
        assert_ne!(of(&one, Use::Key, "a"), of(&one, Use::Scope, "a"));
        assert_ne!(of(&one, Use::Key, "a"), of(&other, Use::Key, "a"));
        assert_eq!(of(&one, Use::Account, "").to_string().len(), 24);
    }
}
