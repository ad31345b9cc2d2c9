//! The embedded server in the tests of a program that speaks Daytona's API.

#[cfg(test)]
mod tests {
    use daytona_api::{Config, Daytona};
    use daytona_local::{Isolation, Server};

    #[tokio::test]
    async fn a_real_program_runs() {
        let server = Server::builder()
            .isolation(Isolation::None)
            .start()
            .await
            .unwrap();
        let api = Daytona::new(Config::new(server.token()).api_url(server.api_url())).unwrap();
        let sandbox = api.sandboxes().create().name("mine").send().await.unwrap();
        let ran = api
            .toolbox(&sandbox)
            .unwrap()
            .process()
            .execute("echo $((6*7))")
            .send()
            .await
            .unwrap();
        assert_eq!(ran.result, "42\n");
        api.sandboxes().delete(&sandbox.id).await.unwrap();
        server.shutdown().await;
    }
}
