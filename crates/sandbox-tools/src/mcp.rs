//! The tools as a server of the Model Context Protocol, over a pair of streams or streamable HTTP.
//!
//! Each client session has a sandbox of its own, made by its first call that needs one and removed when the session
//! ends: at the end of the input, on an HTTP `DELETE`, after [`idle`](McpServerBuilder::idle) without a message, or
//! when the server closes. A model never handles an id.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use sandbox_core::LocalEnvironment;
//! use sandbox_tools::mcp::McpServer;
//! use std::sync::Arc;
//! use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
//!
//! let server = McpServer::per_session(|_| Ok(Arc::new(LocalEnvironment::builder().build()?))).build()?;
//! let (client, ours) = tokio::io::duplex(64 * 1024);
//! let (read, write) = tokio::io::split(ours);
//! let serving = tokio::spawn({
//!     let server = server.clone();
//!     async move { server.serve(read, write).await }
//! });
//!
//! let (read, mut write) = tokio::io::split(client);
//! let mut answers = BufReader::new(read).lines();
//! let hello = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18",
//!     "capabilities":{},"clientInfo":{"name":"me","version":"1"}}}"#.replace('\n', "");
//! write.write_all(format!("{hello}\n").as_bytes()).await?;
//! assert!(answers.next_line().await?.unwrap().contains("sandbox-tools"));
//! write.shutdown().await?;                      // the client goes
//! drop((write, answers));
//! serving.await?;
//! server.close().await?;                        // Ok: no sandbox is left
//! # Ok(()) }
//! ```
//!
//! # Cancelling
//!
//! `notifications/cancelled` drops the call, and with it the command, which a sandbox that can do so kills with all it
//! started: Daytona's and the local ones do. Every command has a timeout besides.
//!
//! # What is not in it
//!
//! The token of an HTTP client opens this server and goes nowhere else. What tools print is data from outside, and
//! marked as such (`_meta`, [`UNTRUSTED`]); nothing here can tell whether it tries to instruct a model.

mod handler;
mod http;
mod latest;
mod outcome;
mod server;
mod session;

pub use outcome::UNTRUSTED;
pub use server::{CloseFailure, McpServer, McpServerBuilder};
pub use session::{McpSession, SESSION_VARIABLE};
