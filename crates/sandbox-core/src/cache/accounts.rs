//! Accounts of the service: permits to create, and its requests to wait.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::{Error, ErrorKind, Fingerprint};

/// How long an account waits after a refusal that does not say how long.
const UNTOLD: Duration = Duration::from_secs(1);
/// The longest that a service's request to wait is heeded.
const LONGEST: Duration = Duration::from_secs(60);
/// Below this many accounts none is forgotten.
const FEW: usize = 64;

/// The accounts that creations are under way for.
pub(super) struct Accounts {
    most: Option<usize>,
    all: Mutex<Known>,
}

struct Known {
    accounts: HashMap<Fingerprint, Arc<Account>>,
    tidy_at: usize,
}

/// One account. All its creations share it.
pub(super) struct Account {
    print: Fingerprint,
    permits: Option<Semaphore>,
    waiting: AtomicUsize,
    creating: AtomicUsize,
    paused_until: Mutex<Option<Instant>>,
}

/// A permit to create, for as long as the creation takes.
pub(super) struct Permit<'a> {
    account: &'a Account,
    _permit: Option<SemaphorePermit<'a>>,
}

impl Accounts {
    pub(super) fn new(most: Option<usize>) -> Self {
        Self {
            most,
            all: Mutex::new(Known {
                accounts: HashMap::new(),
                tidy_at: FEW,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // No code of others runs under this lock.
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn of(&self, print: Fingerprint) -> Arc<Account> {
        let mut known = self.lock();
        if known.accounts.len() >= known.tidy_at {
            let now = Instant::now();
            known
                .accounts
                .retain(|_, account| Arc::strong_count(account) > 1 || account.is_paused(now));
            known.tidy_at = FEW.max(known.accounts.len() * 2);
        }
        let account = known.accounts.entry(print).or_insert_with(|| {
            Arc::new(Account {
                print,
                permits: self.most.map(Semaphore::new),
                waiting: AtomicUsize::new(0),
                creating: AtomicUsize::new(0),
                paused_until: Mutex::new(None),
            })
        });
        Arc::clone(account)
    }

    /// The accounts with something to tell.
    pub(super) fn busy(&self) -> Vec<Arc<Account>> {
        let now = Instant::now();
        let known = self.lock();
        let busy = known.accounts.values().filter(|account| {
            account.creating() > 0 || account.waiting() > 0 || account.is_paused(now)
        });
        busy.cloned().collect()
    }
}

impl Account {
    pub(super) fn print(&self) -> Fingerprint {
        self.print
    }

    pub(super) fn creating(&self) -> usize {
        self.creating.load(Ordering::Relaxed)
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    fn paused(&self) -> MutexGuard<'_, Option<Instant>> {
        self.paused_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn is_paused(&self, now: Instant) -> bool {
        self.paused().is_some_and(|until| until > now)
    }

    /// How much longer the service wants this account to wait.
    pub(super) fn paused_for(&self) -> Option<Duration> {
        let left = (*self.paused())?.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// A permit to create; waits for one, first come first served.
    ///
    /// # Errors
    ///
    /// `Timeout` at the deadline.
    pub(super) async fn permit(&self, deadline: Instant) -> Result<Permit<'_>, Error> {
        let permit = match &self.permits {
            None => None,
            Some(permits) => {
                let acquired = {
                    let _waiting = Counted::new(&self.waiting);
                    timeout_at(deadline, permits.acquire()).await
                };
                match acquired {
                    Ok(permit) => permit.ok(),
                    Err(_) => return Err(self.crowded()),
                }
            }
        };
        self.creating.fetch_add(1, Ordering::Relaxed);
        Ok(Permit {
            account: self,
            _permit: permit,
        })
    }

    fn crowded(&self) -> Error {
        Error::new(
            ErrorKind::Timeout,
            format!(
                "no permit to create came free in time: {} creations of this account are under way",
                self.creating()
            ),
        )
    }

    /// The service has refused a create for now: the account's other creates wait too.
    pub(super) fn pause(&self, refusal: &Error) {
        let asked = refusal.retry_after().unwrap_or(UNTOLD).min(LONGEST);
        let until = Instant::now() + asked;
        let mut paused = self.paused();
        if paused.is_none_or(|there| there < until) {
            *paused = Some(until);
        }
    }

    /// Waits until the service takes creates again.
    ///
    /// # Errors
    ///
    /// `RateLimited`, at once, if that is not before the deadline.
    pub(super) async fn go(&self, deadline: Instant) -> Result<(), Error> {
        loop {
            let Some(left) = self.paused_for() else {
                return Ok(());
            };
            if Instant::now() + left >= deadline {
                let message = "the service has asked this account to wait for longer than there is";
                return Err(Error::new(ErrorKind::RateLimited, message).with_retry_after(left));
            }
            // Not all at once when it is over.
            let pause = left + left.mul_f64(0.1 * fastrand::f64());
            let _waiting = Counted::new(&self.waiting);
            sleep_until((Instant::now() + pause).min(deadline)).await;
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.account.creating.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One more, for as long as it lives.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
