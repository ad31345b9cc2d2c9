//! e: a file up and down, each in a process of its own, so that its peak memory is its own.

use std::convert::Infallible;
use std::fs;
use std::time::Duration;

use bytes::Bytes;
use daytona_api::api::Upload;
use daytona_api::{Config, Daytona};
use futures_util::{Stream, StreamExt, stream};
use http::Request;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::{Body, Frame};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::runtime::Runtime;

use crate::measure::{median, report, wall};
use crate::process::{Process, said, start};

pub(crate) const MIB: u64 = 1 << 20;
const PIECE: u64 = 64 << 10;
pub(crate) const MOST_MEMORY: u64 = 16 * MIB;
/// Relative: in the working directory of the sandbox, which may be written whatever the isolation.
const PATH: &str = "transfer.bin";
/// Throughput of at least 0.9 of the floor's, as a ratio of times.
const TARGET: f64 = 1.0 / 0.9;

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

pub(crate) fn run(quick: bool, mib: u64) {
    let server = start(Duration::ZERO, Duration::ZERO, None);
    let row = runtime().block_on(async {
        let config = Config::new(server.token.as_str()).api_url(server.url.as_str());
        let api = Daytona::new(config).unwrap();
        api.sandboxes().create().send().await.unwrap()
    });
    // the file that the downloads read is what the uploads wrote
    for direction in ["upload", "download"] {
        let once = |kind: &str| {
            let proxy = row.toolbox_proxy_url.as_str();
            spawn(&server, kind, direction, proxy, &row.id, mib)
        };
        let (mut ours, mut floor, mut peak) = (Vec::new(), Vec::new(), (0, 0));
        for _ in 0..if quick { 3 } else { 9 } {
            let (time, memory) = once("ours");
            ours.push(time);
            peak.0 = memory.max(peak.0);
            let (time, memory) = once("floor");
            floor.push(time);
            peak.1 = memory.max(peak.1);
        }
        let both = (median(ours), median(floor));
        report(&format!("e. {direction} of {mib} MiB"), both, Some(TARGET));
        println!(
            "e. {direction}: peak memory {:.1} MiB, floor {:.1} MiB (target <= 16 MiB) {}",
            peak.0 as f64 / MIB as f64,
            peak.1 as f64 / MIB as f64,
            if peak.0 <= MOST_MEMORY {
                "PASS"
            } else {
                "MISS"
            },
        );
    }
}

/// Time of the transfer, and the most bytes that were resident.
fn spawn(
    server: &Process,
    kind: &str,
    direction: &str,
    proxy: &str,
    id: &str,
    mib: u64,
) -> (Duration, u64) {
    let mib = mib.to_string();
    let (url, token) = (&server.url, &server.token);
    let numbers = said(&["transfer", kind, direction, url, token, proxy, id, &mib]);
    let [micros, most] = numbers.try_into().unwrap();
    (Duration::from_micros(micros), most)
}

/// Pieces of one buffer: what is measured copies no more than it must.
fn content(mib: u64) -> impl Stream<Item = Bytes> + Send + 'static {
    let piece = Bytes::from(vec![b'x'; PIECE as usize]);
    stream::iter(0..mib * MIB / PIECE).map(move |_| piece.clone())
}

pub(crate) fn child(arguments: &[String]) {
    let [_, kind, direction, url, token, proxy, id, mib] = arguments else {
        return;
    };
    let mib = mib.parse().unwrap();
    let runtime = runtime();
    let time = if kind == "ours" {
        let config = Config::new(token.as_str()).api_url(url.as_str());
        let files = Daytona::new(config)
            .unwrap()
            .toolbox_at(proxy, id)
            .unwrap()
            .files();
        wall(|| {
            runtime.block_on(async {
                if direction == "upload" {
                    let content = Upload::stream(content(mib).map(Ok), mib * MIB);
                    files.upload(PATH, content).await.unwrap();
                } else {
                    let mut download = files.download(PATH).send().await.unwrap();
                    let mut bytes = 0;
                    while let Some(piece) = download.next().await.unwrap() {
                        bytes += piece.len() as u64;
                    }
                    assert_eq!(bytes, mib * MIB);
                }
            });
        })
    } else {
        let toolbox = format!("{}/{id}", proxy.trim_end_matches('/'));
        wall(|| {
            runtime.block_on(async {
                if direction == "upload" {
                    bare_upload(&toolbox, token, mib).await;
                } else {
                    bare_download(&toolbox, token, mib).await;
                }
            });
        })
    };
    println!("{} {}", time.as_micros(), peak());
}

/// The most memory that this process has had, in bytes.
pub(crate) fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.unwrap().trim().trim_end_matches(" kB");
    kib.parse::<u64>().unwrap() * 1024
}

fn client<B>() -> Client<HttpConnector, B>
where
    B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).build(connector)
}

async fn bare_upload(toolbox: &str, token: &str, mib: u64) {
    let before = format!(
        "--b\r\ncontent-disposition: form-data; name=\"files[0].path\"\r\n\r\n{PATH}\r\n\
         --b\r\ncontent-disposition: form-data; name=\"files[0].file\"; filename=\"f\"\r\n\r\n"
    );
    let after = "\r\n--b--\r\n";
    let length = before.len() as u64 + mib * MIB + after.len() as u64;
    let whole = stream::iter([Bytes::from(before)])
        .chain(content(mib))
        .chain(stream::iter([Bytes::from(after)]));
    let body = StreamBody::new(whole.map(|piece| Ok::<_, Infallible>(Frame::data(piece))));
    let request = Request::post(format!("{toolbox}/files/bulk-upload"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "multipart/form-data; boundary=b")
        .header("content-length", length)
        .body(BodyExt::boxed_unsync(body))
        .unwrap();
    let answer = client().request(request).await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    answer.into_body().collect().await.unwrap();
}

async fn bare_download(toolbox: &str, token: &str, mib: u64) {
    let request = Request::get(format!("{toolbox}/files/download?path={PATH}"))
        .header("authorization", format!("Bearer {token}"))
        .body(Empty::<Bytes>::new())
        .unwrap();
    let answer = client().request(request).await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    let (mut body, mut bytes) = (answer.into_body(), 0);
    while let Some(frame) = body.frame().await {
        bytes += frame.unwrap().into_data().unwrap().len() as u64;
    }
    assert_eq!(bytes, mib * MIB);
}
