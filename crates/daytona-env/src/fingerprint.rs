//! Fingerprints of a resolved tuple that may leave the process.

use std::fmt;
use std::hash::Hasher;
use std::sync::{Arc, OnceLock};

use context_vars::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Makes fingerprints under a key that never leaves this environment, so that nobody can test a guessed tenant.
#[derive(Clone)]
pub(crate) struct Fingerprinter {
    mac: Arc<Hmac<Sha256>>,
}

impl fmt::Debug for Fingerprinter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fingerprinter").finish_non_exhaustive()
    }
}

/// 96 bits of HMAC-SHA-256, shown in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint([u8; 12]);

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

impl Fingerprinter {
    /// A new key from the operating system; `Err` when it has no randomness to give.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut key = Zeroizing::new([0_u8; 64]);
        getrandom::fill(key.as_mut_slice())?;
        Ok(Self {
            mac: Arc::new(Hmac::<Sha256>::new((&*key).into())),
        })
    }

    /// Under a key that other processes have too.
    pub(crate) fn keyed(key: &Secret) -> Self {
        // hashed first: a MAC takes a key of any length, and this one's type does not
        let mut block = Zeroizing::new([0_u8; 64]);
        let digest = Sha256::digest(key.expose().as_bytes());
        block
            .iter_mut()
            .zip(digest)
            .for_each(|(to, from)| *to = from);
        Self {
            mac: Arc::new(Hmac::<Sha256>::new((&*block).into())),
        }
    }

    /// The fingerprint of what `feed` writes.
    pub(crate) fn of(&self, feed: impl FnOnce(&mut MacHasher)) -> Fingerprint {
        let mut hasher = MacHasher(Hmac::clone(&self.mac));
        feed(&mut hasher);
        let full = hasher.0.finalize().into_bytes();
        let mut cut = [0; 12];
        cut.iter_mut().zip(full).for_each(|(to, from)| *to = from);
        Fingerprint(cut)
    }
}

/// Lets what hashes itself into a [`Hasher`] be fed to the MAC instead.
pub(crate) struct MacHasher(Hmac<Sha256>);

impl MacHasher {
    /// Bytes whose meaning does not depend on the compiler, unlike what a `Hash` feeds.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

impl Hasher for MacHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Of no use here: the MAC is taken whole.
    fn finish(&self) -> u64 {
        0
    }
}

/// Tells this process from every other, in the form of a UUID.
pub(crate) fn instance() -> Result<&'static str, getrandom::Error> {
    static INSTANCE: OnceLock<String> = OnceLock::new();
    if let Some(instance) = INSTANCE.get() {
        return Ok(instance);
    }
    let mut id = [0_u8; 16];
    getrandom::fill(&mut id)?;
    let id = (u128::from_be_bytes(id) & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let text = format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        id >> 96,
        (id >> 80) & 0xffff,
        (id >> 64) & 0xffff,
        (id >> 48) & 0xffff,
        id & 0xffff_ffff_ffff
    );
    Ok(INSTANCE.get_or_init(|| text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_key_and_input_give_the_same_print() {
        let one = Fingerprinter::random().unwrap();
        let other = Fingerprinter::random().unwrap();
        let print =
            |prints: &Fingerprinter, text: &str| prints.of(|mac| mac.write(text.as_bytes()));
        assert_eq!(print(&one, "a"), print(&one.clone(), "a"));
        assert_ne!(print(&one, "a"), print(&one, "b"));
        assert_ne!(print(&one, "a"), print(&other, "a"));
        assert_eq!(print(&one, "a").to_string().len(), 24);
    }

    #[test]
    fn the_instance_is_one_uuid_per_process() {
        let id = instance().unwrap();
        assert_eq!(id, instance().unwrap());
        assert_eq!(id.len(), 36);
        assert_eq!(id.as_bytes()[14], b'4');
        assert!(
            matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'),
            "{id}"
        );
    }
}
