//! Downloads whose connection breaks: the same bytes, or an error; never the bytes of two files.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use std::sync::{Arc, Mutex};

use daytona_api::api::DownloadBuilder;
use daytona_api::{Daytona, Error, ErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::support::{KEY, quick};

const DATE: &str = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
const TAG: &str = "etag: \"one\"\r\n";
const SETTLED: &str = "last-modified: Sun, 06 Nov 1994 08:49:35 GMT\r\n";
const FRESH: &str = "last-modified: Sun, 06 Nov 1994 08:49:36 GMT\r\n";

/// One answer of the server.
#[derive(Clone)]
struct Turn {
    content: Vec<u8>,
    headers: String,
    /// How much of the answer's body is sent before the connection ends.
    sent: usize,
    reset: bool,
    ranges: bool,
}

impl Turn {
    fn new(content: &[u8], headers: &str) -> Self {
        Self {
            content: content.to_vec(),
            headers: format!("{DATE}{headers}"),
            sent: usize::MAX,
            reset: false,
            ranges: true,
        }
    }

    fn cut(mut self, sent: usize, reset: bool) -> Self {
        (self.sent, self.reset) = (sent, reset);
        self
    }

    fn without_ranges(mut self) -> Self {
        self.ranges = false;
        self
    }
}

struct Files {
    port: u16,
    /// Of each request what it asks for: its range and its condition.
    asked: Arc<Mutex<Vec<String>>>,
    _task: JoinSet<()>,
}

impl Files {
    async fn new(turns: Vec<Turn>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&asked);
        let mut task = JoinSet::new();
        task.spawn(async move {
            for turn in turns {
                let (stream, _) = listener.accept().await.unwrap();
                answer(stream, turn, &notes).await;
            }
        });
        Self {
            port,
            asked,
            _task: task,
        }
    }

    fn download(&self) -> DownloadBuilder {
        let at = |path| format!("http://127.0.0.1:{}/{path}", self.port);
        let api = Daytona::new(quick(daytona_api::Config::new(KEY)).api_url(at("api"))).unwrap();
        let toolbox = api.toolbox_at(&at("toolbox"), "sb-1").unwrap();
        toolbox.files().download("f")
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(mut stream: TcpStream, turn: Turn, notes: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let header = |name: &str| {
        let value = head.lines().find_map(|line| line.strip_prefix(name));
        value.map_or("", str::trim)
    };
    let (range, condition) = (header("range:"), header("if-range:"));
    notes
        .lock()
        .unwrap()
        .push(format!("{range} {condition}").trim().to_owned());
    let all = turn.content.len();
    let span = range.strip_prefix("bytes=").filter(|_| turn.ranges);
    let span = span.map(|span| {
        let (from, to) = span.split_once('-').unwrap();
        let to = to.parse::<usize>().map_or(all, |last| last + 1);
        (from.parse::<usize>().unwrap(), to.min(all))
    });
    let headers = &turn.headers;
    let (head, body) = match span {
        Some((from, to)) if from < to => (
            format!(
                "206 Partial\r\n{headers}content-range: bytes {from}-{}/{all}\r\ncontent-length: {}",
                to - 1,
                to - from
            ),
            &turn.content[from..to],
        ),
        Some(_) => (format!("416 No\r\n{headers}content-length: 0"), &[][..]),
        None => (
            format!("200 OK\r\n{headers}content-length: {all}"),
            &turn.content[..],
        ),
    };
    let head = format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let body = &body[..turn.sent.min(body.len())];
    // the client may be gone where it has what it wants
    let _ = stream.write_all(body).await;
    if turn.reset {
        stream.set_zero_linger().unwrap();
    }
}

fn content(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

async fn got(turns: Vec<Turn>) -> (Result<Vec<u8>, Error>, Vec<String>) {
    let files = Files::new(turns).await;
    let bytes = files.download().bytes().await;
    (bytes.map(|bytes| bytes.to_vec()), files.asked())
}

#[tokio::test]
async fn wherever_it_is_cut_the_bytes_are_the_same() {
    let file = content(1, 40_000);
    let mut offsets: Vec<usize> = (0..file.len()).step_by(1777).collect();
    offsets.extend([1, 2, file.len() - 1]);
    for (at, offset) in offsets.into_iter().enumerate() {
        // what is marked either way, cut either way, ranges honoured or not
        let mark = [TAG, SETTLED][at % 2];
        let first = Turn::new(&file, mark).cut(offset, at % 3 == 0);
        let mut second = Turn::new(&file, mark);
        if at % 5 == 0 {
            second = second.without_ranges();
        }
        let (bytes, asked) = got(vec![first, second]).await;
        assert!(bytes.unwrap() == file, "cut at {offset}");
        assert_eq!(asked.len(), 2);
    }
}

#[tokio::test]
async fn what_is_asked_for_is_the_rest_of_the_same_file() {
    let file = content(2, 1000);
    let cut = |sent| Turn::new(&file, TAG).cut(sent, false);
    let (bytes, asked) = got(vec![cut(100), cut(200), cut(300), cut(400)]).await;
    assert!(bytes.unwrap() == file);
    assert_eq!(
        asked,
        [
            "",
            "bytes=100- \"one\"",
            "bytes=300- \"one\"",
            "bytes=600- \"one\""
        ]
    );

    let files = Files::new(vec![cut(10), cut(10), Turn::new(&file, TAG)]).await;
    let bytes = files.download().range(500..=599).bytes().await.unwrap();
    assert!(bytes == file[500..600]);
    assert_eq!(
        files.asked(),
        [
            "bytes=500-599",
            "bytes=510-599 \"one\"",
            "bytes=520-599 \"one\""
        ]
    );
}

#[tokio::test]
async fn another_file_is_never_put_behind_the_first() {
    let (file, other) = (content(3, 1000), content(4, 1000));
    let later = "last-modified: Sun, 06 Nov 1994 08:49:31 GMT\r\n";
    let cut = |mark| Turn::new(&file, mark).cut(700, false);
    let cases = [
        (cut(TAG), Turn::new(&other, "etag: \"two\"\r\n")),
        (cut(TAG), Turn::new(&other, "etag: W/\"one\"\r\n")),
        (cut(TAG), Turn::new(&other, "")),
        (cut(SETTLED), Turn::new(&other, later)),
        (cut(SETTLED), Turn::new(&other, later).without_ranges()),
        // the mark is the same, the size is not
        (cut(TAG), Turn::new(&other[..900], TAG)),
        (cut(TAG), Turn::new(&other[..500], TAG)),
    ];
    for (first, second) in cases {
        let (bytes, asked) = got(vec![first, second]).await;
        let error = bytes.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Changed, "{error:?}");
        assert!(error.to_string().contains("from its beginning"), "{error}");
        assert_eq!(asked.len(), 2);
    }
}

#[tokio::test]
async fn what_cannot_be_known_again_is_not_resumed() {
    let file = content(5, 1000);
    for mark in [
        "",
        "etag: W/\"one\"\r\n",
        FRESH,
        "last-modified: yesterday\r\n",
    ] {
        let turns = vec![
            Turn::new(&file, mark).cut(10, false),
            Turn::new(&file, mark),
        ];
        let (bytes, asked) = got(turns).await;
        assert_eq!(bytes.unwrap_err().kind(), ErrorKind::Transport, "{mark}");
        assert_eq!(asked.len(), 1, "{mark}");
    }
}

#[tokio::test]
async fn there_is_an_end_to_it() {
    let file = content(6, 1000);
    let cut = || Turn::new(&file, TAG).cut(10, false);
    let (bytes, asked) = got(vec![cut(); 9]).await;
    assert_eq!(bytes.unwrap_err().kind(), ErrorKind::Transport);
    assert_eq!(asked.len(), 4);

    let files = Files::new(vec![cut(); 9]).await;
    let mut download = files.download().resumes(0).send().await.unwrap();
    assert_eq!(download.next().await.unwrap().unwrap(), file[..10]);
    // an error is not followed by something that looks like the end
    for _ in 0..3 {
        assert_eq!(
            download.next().await.unwrap_err().kind(),
            ErrorKind::Transport
        );
    }
    assert_eq!(files.asked().len(), 1);
}
