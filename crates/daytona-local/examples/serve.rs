//! A server to try clients against by hand: prints the two variables a Daytona client needs, and stops at end of input.

use std::io::Read;

use daytona_local::{Isolation, Server};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), daytona_local::Error> {
    let isolation = match std::env::args().nth(1).as_deref() {
        Some("none") => Isolation::None,
        Some("auto") => Isolation::Auto,
        _ => Isolation::Required,
    };
    let server = Server::builder().isolation(isolation).start().await?;
    #[expect(clippy::print_stdout, reason = "an example that is read by a person")]
    {
        println!("DAYTONA_API_URL={}", server.api_url());
        println!("DAYTONA_API_KEY={}", server.token());
        println!("isolation: {}", server.isolation().mode);
    }
    drop(std::io::stdin().read(&mut [0_u8]));
    server.shutdown().await;
    Ok(())
}
