//! What follows when nothing is cached: names, fingerprints, a place in the table.

use std::sync::Arc;

use context_vars::{ResolvedKey, hash_text};

use super::key::StoredKey;
use super::table::{Chores, Claim, Miss};
use super::{AtCapacity, ROUNDS, Shared, tools};
use crate::event::ScopePrint;
use crate::fingerprint::{Fingerprinter, Use};
use crate::{Error, ErrorKind, Provider, ResolvedOf, Scope};

impl<P: Provider> Shared<P> {
    /// What a miss needs to know, asked of the provider before any lock is taken.
    pub(super) fn miss(&self, key: StoredKey<ResolvedOf<P>>, epoch: u64) -> Result<Miss<P>, Error> {
        let values = key.values();
        let name = match self.provider.agreed_name(values)? {
            Some(agreed) => agreed,
            None => tools::unguessable(self.provider.name_prefix())?,
        };
        let prints = match self.prints.get() {
            Some(prints) => prints,
            None => {
                let new = Fingerprinter::random()?;
                self.prints.get_or_init(|| new)
            }
        };
        let scope = match self.provider.scope(values).and_then(Scope::name) {
            None => ScopePrint::Shared,
            Some(name) => ScopePrint::Named(prints.of(Use::Scope, |mac| hash_text(name, mac))),
        };
        let account = prints.of(Use::Account, |mac| self.provider.account(values, mac));
        Ok(Miss {
            print: prints.of(Use::Key, |mac| values.hash_key(mac)),
            scope,
            account: self.accounts.of(account),
            name,
            epoch,
            key,
        })
    }

    /// A place in the table; at capacity another's, if that was chosen.
    pub(super) fn claim_a_place(self: &Arc<Self>, miss: &Miss<P>) -> Result<Claim<P>, Error> {
        for _ in 0..ROUNDS {
            let mut chores = Chores::default();
            let claim = self.claim(miss, &mut chores);
            self.attend(chores);
            match claim {
                Err(full)
                    if full.is_capacity() && self.settings.at_capacity == AtCapacity::EvictIdle =>
                {
                    if !self.make_room() {
                        let message =
                            "the factory is at its limit, and all its sandboxes are in use";
                        return Err(Error::new(ErrorKind::Capacity, message));
                    }
                }
                claim => return claim,
            }
        }
        Err(Error::new(
            ErrorKind::Capacity,
            "the factory is at its limit, and others were faster to take what came free",
        ))
    }
}
