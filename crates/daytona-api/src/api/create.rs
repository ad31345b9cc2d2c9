use super::Image;
use crate::client::Daytona;
use crate::error::Error;
use crate::models::{CreateBuildInfo, CreateSandbox, Sandbox};
use crate::request::Call;
use crate::routes::control_plane as routes;

/// Makes a sandbox; from [`Sandboxes::create`](super::Sandboxes::create).
///
/// Everything is optional. A snapshot and an image exclude each other; resources need an image. Where the
/// organization has a sandbox of the same name the server answers 409.
///
/// ```no_run
/// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
/// let sandbox = api
///     .sandboxes()
///     .create()
///     .name("job-7")
///     .image("python:3.12")
///     .cpu(2)
///     .env("STAGE", "test")
///     .label("team", "blue")
///     .auto_stop_interval(5)
///     .auto_delete_interval(0)
///     .send()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Create {
    client: Daytona,
    /// One whose local files are to be uploaded first.
    #[cfg(feature = "context")]
    image: Option<Image>,
    /// Large, and moved about.
    body: Box<CreateSandbox>,
    wrong: Option<Error>,
}

impl Create {
    pub(crate) fn new(client: Daytona) -> Self {
        let mut body = Box::<CreateSandbox>::default();
        body.target.clone_from(&client.shared.config.target);
        Self {
            client,
            body,
            #[cfg(feature = "context")]
            image: None,
            wrong: None,
        }
    }

    /// A name, unique in the organization (default: the id).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.body.name = Some(name.into());
        self
    }

    /// The snapshot to start from, by id or name (default: the server's).
    pub fn snapshot(mut self, snapshot: impl Into<String>) -> Self {
        self.body.snapshot = Some(snapshot.into());
        self
    }

    /// The image to start from: a name such as `python:3.12`, or an [`Image`] made step by step. The server builds
    /// it first. What is wrong with the image is an error of [`send`](Self::send), before anything is sent. Local files
    /// that it copies are read and uploaded by [`send`](Self::send), before the sandbox is asked for.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// use daytona_api::api::Image;
    ///
    /// let image = Image::debian_slim("3.12").pip_install(["numpy"]);
    /// let sandbox = api.sandboxes().create().image(image).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn image(mut self, image: impl Into<Image>) -> Self {
        let image = image.into();
        match image.build_info() {
            Ok(info) => {
                self = self.build_info(info);
                #[cfg(feature = "context")]
                {
                    self.image = Some(image).filter(Image::has_local_files);
                }
                self
            }
            Err(wrong) => {
                self.wrong.get_or_insert(wrong);
                self
            }
        }
    }

    /// A Dockerfile to build and start from, and the hashes of what it copies, which must be in the server's object
    /// storage by then. In place of what [`image`](Self::image) set.
    pub fn build_info(mut self, info: CreateBuildInfo) -> Self {
        self.body.build_info = Some(info);
        #[cfg(feature = "context")]
        {
            self.image = None;
        }
        self
    }

    /// The user that commands run as (default `daytona`).
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.body.user = Some(user.into());
        self
    }

    /// Sets one environment variable. Values never appear in errors or Debug.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let env = self.body.env.get_or_insert_default();
        env.insert(name.into(), value.into());
        self
    }

    /// Sets many environment variables.
    pub fn envs<K: Into<String>, V: Into<String>>(
        mut self,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        for (name, value) in pairs {
            self = self.env(name, value);
        }
        self
    }

    /// Sets one label.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let labels = self.body.labels.get_or_insert_default();
        labels.insert(name.into(), value.into());
        self
    }

    /// Sets many labels.
    pub fn labels<K: Into<String>, V: Into<String>>(
        mut self,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        for (name, value) in pairs {
            self = self.label(name, value);
        }
        self
    }

    /// The region (default: the client's, else the organization's).
    pub fn target(mut self, target: impl Into<String>) -> Self {
        self.body.target = Some(target.into());
        self
    }

    /// CPU cores (default 1 with an image).
    pub fn cpu(mut self, cores: u32) -> Self {
        self.body.cpu = Some(i64::from(cores));
        self
    }

    /// Memory in GiB (default 1 with an image).
    pub fn memory(mut self, gib: u32) -> Self {
        self.body.memory = Some(i64::from(gib));
        self
    }

    /// Disk in GiB (default 3 with an image).
    pub fn disk(mut self, gib: u32) -> Self {
        self.body.disk = Some(i64::from(gib));
        self
    }

    /// Minutes without activity until it is stopped; 0 is never (default 15).
    pub fn auto_stop_interval(mut self, minutes: u32) -> Self {
        self.body.auto_stop_interval = Some(i64::from(minutes));
        self
    }

    /// Minutes from the stop until it is archived; 0 is the server's longest (default 7 days).
    pub fn auto_archive_interval(mut self, minutes: u32) -> Self {
        self.body.auto_archive_interval = Some(i64::from(minutes));
        self
    }

    /// Minutes from the stop until it is deleted; 0 is at once, negative is never (default never).
    pub fn auto_delete_interval(mut self, minutes: i32) -> Self {
        self.body.auto_delete_interval = Some(i64::from(minutes));
        self
    }

    /// Minutes from the creation until it is destroyed, whatever its state; 0 is never. Older servers ignore it.
    pub fn ttl_minutes(mut self, minutes: u32) -> Self {
        self.body.ttl_minutes = Some(i64::from(minutes));
        self
    }

    /// Whether its previews are open to everybody (default no).
    pub fn public(mut self, public: bool) -> Self {
        self.body.public = Some(public);
        self
    }

    /// Whether it has no network at all (default no).
    pub fn network_block_all(mut self, block: bool) -> Self {
        self.body.network_block_all = Some(block);
        self
    }

    /// Changes the body itself, for members that have no method here.
    pub fn with(mut self, change: impl FnOnce(&mut CreateSandbox)) -> Self {
        change(&mut self.body);
        self
    }

    /// Sends it: `POST /sandbox`.
    ///
    /// The state in the answer may be behind; [`get`](super::Sandboxes::get) has the present one. A sandbox from
    /// an image is `pending_build` first.
    ///
    /// # Errors
    ///
    /// Never retried once it may have been sent. Where
    /// [`may_have_reached_server`](Error::may_have_reached_server) is true there may be a sandbox all the same,
    /// also after a status such as 400 or 502: look for it by name. Where local files could not be read or uploaded it
    /// is false, and [`operation`](Error::operation) is that of the upload or none.
    ///
    /// # Cancel safety
    ///
    /// Not safe: there may be a sandbox that nobody knows of, unless it was given a name to look for.
    pub async fn send(self) -> Result<Sandbox, Error> {
        let id = routes::CREATE_SANDBOX.id;
        let Self {
            client,
            #[cfg(not(feature = "context"))]
            body,
            #[cfg(feature = "context")]
            mut body,
            #[cfg(feature = "context")]
            image,
            wrong,
        } = self;
        if let Some(wrong) = wrong {
            return Err(wrong.with_operation(id));
        }
        if body.snapshot.is_some() && body.build_info.is_some() {
            return Err(
                Error::build("a snapshot and an image exclude each other").with_operation(id)
            );
        }
        #[cfg(feature = "context")]
        if let Some(image) = image {
            // most creates bring no files, and need no room for it
            body.build_info = Some(Box::pin(image.uploaded(&client)).await?);
        }
        let timeouts = client.shared.config.timeouts;
        let limit = client.shared.config.limits.metadata;
        let call = Call::new(&routes::CREATE_SANDBOX, &[])?
            .json(&*body)?
            .wait(timeouts.create)
            .hide(body.env.iter().flatten().map(|(_, value)| value))
            .hide(&body.outbound_proxy_url);
        client.json(&client.shared.base, call, limit).await
    }
}
