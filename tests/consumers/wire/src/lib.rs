//! Only the wire: a dashboard that wants the names of what runs.

use daytona_api::{Daytona, Error};

/// The name of one sandbox, by its id.
pub async fn name_of(api: &Daytona, id: &str) -> Result<Option<String>, Error> {
    match api.sandboxes().get(id).await {
        Ok(sandbox) => Ok(Some(sandbox.name)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use daytona_api::Config;
    use daytona_api::test_util::Scripted;

    use super::*;

    #[tokio::test]
    async fn a_name_or_none() {
        let server = Scripted::new()
            .json(200, r#"{"id":"sb-1","name":"blue"}"#)
            .json(404, r#"{"statusCode":404,"message":"no such sandbox"}"#);
        let api = Daytona::builder(Config::new("key"))
            .transport(server.share())
            .build()
            .unwrap();
        assert_eq!(
            name_of(&api, "sb-1").await.unwrap().as_deref(),
            Some("blue")
        );
        assert_eq!(name_of(&api, "sb-2").await.unwrap(), None);
    }
}
