use super::SecretText;
use crate::client::Daytona;
use crate::error::Error;
use crate::models::{CreateSecret, ListSecretsResponse, Secret, UpdateSecret};
use crate::pagination::{Items, items, pages};
use crate::request::Call;
use crate::routes::control_plane as routes;

/// The secrets that an organization keeps for its sandboxes; from [`Daytona::secrets`]. Cloning is cheap.
///
/// A sandbox gets them with [`Sandboxes::update_secrets`](super::Sandboxes::update_secrets), or when it is
/// created. Older servers do not know them and answer 404.
///
/// ```no_run
/// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
/// let value = "ghp_example".into();
/// let secret = api.secrets().create("github", &value, |_| {}).await?;
/// api.sandboxes().update_secrets("my-sandbox", [("GITHUB_TOKEN", &secret.name)]).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Secrets {
    client: Daytona,
}

impl Secrets {
    pub(crate) fn new(client: Daytona) -> Self {
        Self { client }
    }

    /// Keeps a secret: `POST /secret`. A sandbox sees a placeholder in its place; the value goes only into
    /// requests to the `hosts` that `set` names (all, where it names none). `set` may also give a
    /// `description`.
    ///
    /// # Errors
    ///
    /// See [`Secrets`]. A conflict or status 400 where the name is taken. The value is in no error. Not retried
    /// once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// The secret may be kept all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let value = "ghp_example".into();
    /// let hosts = vec!["api.github.com".to_owned()];
    /// api.secrets().create("github", &value, |new| new.hosts = Some(hosts)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create(
        &self,
        name: &str,
        value: &SecretText,
        set: impl FnOnce(&mut CreateSecret) + Send,
    ) -> Result<Secret, Error> {
        let mut body = CreateSecret {
            name: name.to_owned(),
            value: value.expose().to_owned(),
            ..CreateSecret::default()
        };
        set(&mut body);
        let call = Call::new(&routes::CREATE_SECRET, &[])?.json(&body)?;
        self.client.fetch(call.hide([&body.value])).await
    }

    /// One secret, without its value: `GET /secret/{id}`.
    ///
    /// # Errors
    ///
    /// See [`Secrets`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let secret = api.secrets().get("3f0c8b1e-0000-4000-8000-000000000000").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get(&self, id: &str) -> Result<Secret, Error> {
        self.client
            .fetch(Call::new(&routes::GET_SECRET, &[id])?)
            .await
    }

    /// Changes a secret: `PATCH /secret/{id}`. `change` sets what shall be different of `value`, `description`
    /// and `hosts`.
    ///
    /// # Errors
    ///
    /// See [`Secrets`]. The value is in no error.
    ///
    /// # Cancel safety
    ///
    /// It may be changed all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// let id = "3f0c8b1e-0000-4000-8000-000000000000";
    /// api.secrets().update(id, |secret| secret.value = Some("ghp_new".into())).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn update(
        &self,
        id: &str,
        change: impl FnOnce(&mut UpdateSecret) + Send,
    ) -> Result<Secret, Error> {
        let mut body = UpdateSecret::default();
        change(&mut body);
        let call = Call::new(&routes::UPDATE_SECRET, &[id])?.json(&body)?;
        self.client.fetch(call.hide(&body.value).idempotent()).await
    }

    /// Forgets a secret: `DELETE /secret/{id}`.
    ///
    /// # Errors
    ///
    /// See [`Secrets`]. After a retry, not found may mean that the first attempt did it.
    ///
    /// # Cancel safety
    ///
    /// The secret may be deleted all the same.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// api.secrets().delete("3f0c8b1e-0000-4000-8000-000000000000").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete(&self, id: &str) -> Result<(), Error> {
        self.client
            .act(Call::new(&routes::DELETE_SECRET, &[id])?)
            .await
    }

    /// The secrets of the organization, without their values, page by page: `GET /secret/paginated`. With `name`
    /// only those with this in their names.
    ///
    /// ```no_run
    /// # async fn example(api: daytona_api::Daytona) -> Result<(), daytona_api::Error> {
    /// use futures_util::TryStreamExt;
    ///
    /// let names: Vec<_> = api.secrets().list(None).map_ok(|secret| secret.name).try_collect().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self, name: Option<&str>) -> Items<Secret> {
        let (client, name) = (self.client.clone(), name.map(str::to_owned));
        items(pages(move |cursor| {
            let (client, name) = (client.clone(), name.clone());
            async move {
                let call = Call::new(&routes::LIST_SECRETS_PAGINATED, &[])?;
                let call = call.maybe("cursor", cursor).maybe("name", name);
                let page: ListSecretsResponse = client.fetch(call).await?;
                Ok((page.items, page.next_cursor))
            }
        }))
    }
}
