//! From an image to a result, on a server inside this process: `cargo run -p daytona-local --example image`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::time::Duration;

use daytona_api::{Config, Daytona, api::Image};
use daytona_local::Server;

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::builder().start().await?;
    let api = Daytona::new(Config::new(server.token()).api_url(server.api_url()))?;
    let sandboxes = api.sandboxes();

    let image = Image::debian_slim("3.12").pip_install(["numpy"]);
    let id = sandboxes.create().image(image).send().await?.id;
    let mut log = sandboxes.build_log(&id);
    while let Some(piece) = log.next().await? {
        print!("{}", String::from_utf8_lossy(&piece));
    }
    let limit = Duration::from_secs(600);
    let toolbox = api.toolbox(&sandboxes.wait_until_started(&id, limit).await?)?;
    let ran = toolbox.process().execute("seq 3 > result").send().await?;
    assert_eq!(ran.exit_code, Some(0));
    let result = toolbox.files().download("result").bytes().await?;
    assert_eq!(result, "1\n2\n3\n");
    sandboxes.delete(&id).await?;
    Ok(())
}
