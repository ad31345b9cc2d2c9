//! What a kind of sandbox must be able to do, so that a factory can look after it.

use std::fmt::Debug;
use std::hash::Hasher;
use std::time::Duration;

use async_trait::async_trait;
use context_vars::{Resolve, Scope};

use crate::{Error, ErrorKind, Sandbox};

mod answers;
mod attempt;

pub use answers::{CreateError, Destroyed, Fate, Found, Health, Target};
pub use attempt::Attempt;

/// The resolved parameters of a provider, as it is handed them.
pub type ResolvedOf<P> = <<P as Provider>::Params as Resolve>::Resolved;

/// A kind of sandbox: what differs between one service and another. Caching, single flight, retries
/// and clean-up are the factory's.
///
/// No method is called with a lock held, and each may be cancelled only by the end of the factory's
/// spawner. A panic becomes an error.
#[async_trait]
pub trait Provider: Debug + Send + Sync + 'static {
    /// The parameters, variables among them.
    type Params: Resolve + Send + Sync + 'static;

    /// The handle it makes. It keeps [`Attempt::liveness`] and checks it first in every call, and
    /// its [`info`](Sandbox::info) tells the attempt's name, generation and loss.
    type Sandbox: Sandbox;

    /// What every name of an attempt begins with.
    fn name_prefix(&self) -> &str {
        "sandbox-"
    }

    /// The working directory its sandboxes will have, where it is known before there is one.
    fn workdir(&self) -> Option<&str> {
        None
    }

    /// Checks resolved values that no constant check could see. Called when nothing is cached for
    /// them, before anything is created; asks nobody.
    ///
    /// # Errors
    ///
    /// Why there can be no sandbox for these values.
    fn check(&self, view: &<Self::Params as Resolve>::View<'_>) -> Result<(), Error> {
        let _ = view;
        Ok(())
    }

    /// The name to create under, where these parameters have one of their own: an agreed name by
    /// which several processes share one sandbox. `None`, the default, is a new unguessable name
    /// for each attempt, which begins with [`name_prefix`](Self::name_prefix).
    ///
    /// With an agreed name, [`find`](Self::find) attaches to what another process has made, and
    /// [`destroy`](Self::destroy) answers [`Destroyed::Released`] for what others may still use.
    /// The factory never takes such a name for proof that nobody else has made it.
    ///
    /// # Errors
    ///
    /// Why there can be no sandbox for these values.
    fn agreed_name(&self, params: &ResolvedOf<Self>) -> Result<Option<String>, Error> {
        let _ = params;
        Ok(None)
    }

    /// Feeds what tells one account of the service from another, such as the origin and the
    /// credential, to a keyed hasher; nothing but a fingerprint comes out of it. Permits to create
    /// and the service's requests to wait hold for one account. The default feeds nothing: all
    /// sandboxes of a factory count against the same account.
    fn account(&self, params: &ResolvedOf<Self>, account: &mut dyn Hasher) {
        let _ = (params, account);
    }

    /// Who shares a sandbox of these parameters, for snapshots and events, which show a fingerprint
    /// of its name. `None`, the default, if the parameters have no scope; then everybody shares
    /// whose values are equal, and it is shown as [`Scope::Shared`].
    fn scope<'p>(&self, params: &'p ResolvedOf<Self>) -> Option<&'p Scope> {
        let _ = params;
        None
    }

    /// Makes a sandbox under the attempt's name and waits until it can be used. May be called again
    /// with the same attempt; a name that exists by then is an error whose fate is
    /// [`MayExist`](Fate::MayExist), and [`find`](Self::find) decides.
    ///
    /// # Errors
    ///
    /// With its fate: anything but a provably unsent request or a refusal that provably made nothing
    /// is [`MayExist`](Fate::MayExist). Then [`find`](Self::find) decides, and where it finds
    /// nothing, the kind does: after [`Unavailable`](ErrorKind::Unavailable),
    /// [`Timeout`](ErrorKind::Timeout), [`Conflict`](ErrorKind::Conflict) and
    /// [`RateLimited`](ErrorKind::RateLimited) the request is sent again under the same name until
    /// the create timeout; any other answer is final. After silence (`Unavailable`, `Timeout`, a
    /// panic) that no later answer settles, the name is watched for two minutes, and what appears
    /// is removed.
    async fn create(
        &self,
        attempt: &Attempt,
        params: &ResolvedOf<Self>,
    ) -> Result<Self::Sandbox, CreateError>;

    /// Looks for what the attempt may have made, by its name. For an attempt that
    /// [is abandoned](Attempt::is_abandoned) it starts and prepares nothing: what is there is to be removed, and
    /// [`Found::Broken`] says so as well as [`Found::Ready`].
    ///
    /// # Errors
    ///
    /// When it cannot be told. [`Conflict`](ErrorKind::Conflict): the name is somebody else's, and
    /// the attempt ends.
    async fn find(
        &self,
        attempt: &Attempt,
        params: &ResolvedOf<Self>,
    ) -> Result<Found<Self::Sandbox>, Error>;

    /// Removes a sandbox; one that is gone is no error. Where the target has no id, it is the one of
    /// that name, if there is one.
    ///
    /// # Errors
    ///
    /// When it is not known to be going; it is retried. [`NotFound`](ErrorKind::NotFound) and
    /// [`Lost`](ErrorKind::Lost) count as gone; after [`Auth`](ErrorKind::Auth),
    /// [`InvalidInput`](ErrorKind::InvalidInput) and [`Unsupported`](ErrorKind::Unsupported) a close
    /// does not wait for the next try; after `Auth` the sandbox is [stopped](Self::stop) instead,
    /// and after `InvalidInput` and [`Conflict`](ErrorKind::Conflict) its
    /// [dependents](Self::dependents) are removed first.
    async fn destroy(&self, target: &Target, params: &ResolvedOf<Self>)
    -> Result<Destroyed, Error>;

    /// Stops a sandbox that this credential may not remove, so that it costs less. Asked for once,
    /// when [`destroy`](Self::destroy) is refused with [`Auth`](ErrorKind::Auth); `close` says so.
    ///
    /// # Errors
    ///
    /// Why it was not stopped; [`Unsupported`](ErrorKind::Unsupported) by default.
    async fn stop(&self, target: &Target, params: &ResolvedOf<Self>) -> Result<(), Error> {
        let _ = (target, params);
        Err(Error::new(
            ErrorKind::Unsupported,
            "sandboxes of this kind cannot be stopped",
        )
        .with_operation("stop"))
    }

    /// What of ours has to be removed before this one, such as forks of it. Asked for when
    /// [`destroy`](Self::destroy) is refused with [`Conflict`](ErrorKind::Conflict) or
    /// [`InvalidInput`](ErrorKind::InvalidInput); each is destroyed, with the same parameters, before
    /// the next try. None by default. What belongs to others is left out: then the refusal is
    /// reported.
    ///
    /// # Errors
    ///
    /// When it cannot be told; the removal is tried again as it was.
    async fn dependents(
        &self,
        target: &Target,
        params: &ResolvedOf<Self>,
    ) -> Result<Vec<Target>, Error> {
        let _ = (target, params);
        Ok(Vec::new())
    }

    /// Asks how a sandbox is. Called by an `open` that finds one
    /// [in doubt](crate::Liveness::mark_doubtful).
    ///
    /// # Errors
    ///
    /// When it cannot be told; that is never [`Health::Gone`].
    async fn inspect(&self, sandbox: &Self::Sandbox) -> Result<Health, Error> {
        let _ = sandbox;
        Ok(Health::Healthy)
    }

    /// Starts a stopped sandbox and waits until it can be used.
    ///
    /// # Errors
    ///
    /// Why it does not start; [`Lost`](ErrorKind::Lost) or [`NotFound`](ErrorKind::NotFound) if it is
    /// gone, and another is made.
    async fn start(&self, sandbox: &Self::Sandbox) -> Result<(), Error> {
        let _ = sandbox;
        Err(Error::new(
            ErrorKind::Unsupported,
            "sandboxes of this kind cannot be started again",
        )
        .with_operation("start"))
    }

    /// Tells the service that the sandbox is still wanted.
    ///
    /// # Errors
    ///
    /// [`Lost`](ErrorKind::Lost) or [`NotFound`](ErrorKind::NotFound) if it is gone; anything else
    /// is retried.
    async fn renew(&self, sandbox: &Self::Sandbox) -> Result<(), Error> {
        let _ = sandbox;
        Ok(())
    }

    /// How often to [`renew`](Self::renew) each cached sandbox; `None` for never.
    fn renew_interval(&self) -> Option<Duration> {
        None
    }

    /// After how long without renewal a sandbox may no longer be usable, because the service has
    /// stopped or removed it; `None` if it does neither. After half of it in silence an `open` asks
    /// first, and after four fifths the lease is at risk. By default
    /// the [`server_bound`](Self::server_bound); a service that stops long before it removes says
    /// the time until it stops.
    fn lease(&self) -> Option<Duration> {
        self.server_bound()
    }

    /// After how long without renewal the service removes a sandbox by itself that runs as it should;
    /// `None` if it does not. Reported when something is left.
    fn server_bound(&self) -> Option<Duration> {
        None
    }

    /// As [`server_bound`](Self::server_bound), for one that need not run: it is still being made,
    /// broke, or may not exist at all. `None`, as by default, if no such time is known; where the
    /// service counts a time to live in any state, that.
    fn server_bound_at_worst(&self, target: &Target) -> Option<Duration> {
        let _ = target;
        None
    }
}
