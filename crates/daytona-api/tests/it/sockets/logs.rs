use daytona_api::api::{LogChunk, LogStream, Output};
use daytona_api::{Error, ErrorKind};

use super::{Peer, Script, binary, close, frame};

/// Marks, text, bytes that are no UTF-8, a mark in the middle of a line, a line that begins like a mark.
const LOG: &[u8] = b"\x01\x01\x01one\n\x02\x02\x02\xff\xfe\x00\n\x01\x01\x01a\x02\x02\x02b\n\x01\x01\x01\x01\x01x\n";
const STDOUT: &[u8] = b"one\na\x02\x02\x02b\n\x01\x01x\n";
const STDERR: &[u8] = b"\xff\xfe\x00\n";

async fn collect(mut logs: LogStream) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    while let Some(LogChunk { output, data, .. }) = logs.next().await? {
        match output {
            Output::Stdout => stdout.extend(data),
            _ => stderr.extend(data),
        }
    }
    assert!(logs.next().await?.is_none());
    Ok((stdout, stderr))
}

fn frames(pieces: &[&[u8]]) -> Vec<u8> {
    pieces.iter().flat_map(|piece| binary(piece)).collect()
}

fn whole() -> Script {
    Script::Frames([binary(LOG), close(1000, "")].concat())
}

#[tokio::test]
async fn a_log_comes_whole_however_it_is_cut_into_frames() {
    for at in 0..=LOG.len() {
        let (head, tail) = LOG.split_at(at);
        let script = [frames(&[head, tail]), close(1000, "")].concat();
        let peer = Peer::new([Script::Frames(script)]);
        let logs = peer.toolbox().sessions().follow_logs("s", "c");
        assert_eq!(
            collect(logs).await.unwrap(),
            (STDOUT.to_vec(), STDERR.to_vec()),
            "{at}"
        );
    }
    let bytes: Vec<&[u8]> = LOG.chunks(1).collect();
    let peer = Peer::new([Script::Frames(
        [frames(&bytes), close(1005 - 5, "")].concat(),
    )]);
    let logs = peer.toolbox().sessions().follow_entrypoint_logs();
    assert_eq!(collect(logs).await.unwrap().1, STDERR);
    insta::assert_snapshot!(peer.heads().join("\n\n"));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_anywhere_loses_and_repeats_nothing() {
    let pieces: Vec<&[u8]> = LOG.chunks(5).collect();
    let all = frames(&pieces);
    // after every byte of the stream, so also at every boundary of a frame and within each
    for first in 0..=all.len() {
        for second in [0, first / 2, first, all.len()] {
            let peer = Peer::new([
                Script::Frames(all[..first].to_vec()),
                Script::Frames(all[..second].to_vec()),
                whole(),
            ]);
            let logs = peer.toolbox().sessions().follow_logs("s", "c");
            let found = collect(logs).await.unwrap();
            assert_eq!(
                found,
                (STDOUT.to_vec(), STDERR.to_vec()),
                "{first} {second}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn it_gives_up_after_five_times_without_anything_new() {
    let begun = Script::Frames(binary(&LOG[..9]));
    let failing = [
        begun.clone(),
        Script::Refuse,
        begun.clone(),
        Script::Refuse,
        begun,
        Script::Refuse,
    ];
    let peer = Peer::new(failing.into_iter().chain([whole()]));
    let mut logs = peer.toolbox().sessions().follow_logs("s", "c");
    assert_eq!(&logs.next().await.unwrap().unwrap().data[..], b"one\n");
    let error = logs.next().await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Transport | ErrorKind::Connect),
        "{error:?}"
    );
    assert!(logs.next().await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_go_on_is_an_error_at_once() {
    let gone =
        "HTTP/1.1 404 Not Found\r\ncontent-length: 29\r\n\r\n{\"message\":\"no such session\"}";
    let peer = Peer::new([Script::Answer(gone)]);
    let error = collect(peer.toolbox().sessions().follow_logs("s", "c"))
        .await
        .unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(error.message(), Some("no such session"));

    // gone while it was read
    let peer = Peer::new([Script::Frames(binary(&LOG[..9])), Script::Answer(gone)]);
    let error = collect(peer.toolbox().sessions().follow_logs("s", "c"))
        .await
        .unwrap_err();
    assert!(error.is_not_found());

    // another log under the same name
    let short = Script::Frames([binary(&LOG[..4]), close(1000, "")].concat());
    let peer = Peer::new([Script::Frames(binary(&LOG[..9])), short]);
    let error = collect(peer.toolbox().sessions().follow_logs("s", "c"))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "the log is shorter than it was before");

    let plain = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
    let peer = Peer::new([Script::Answer(plain)]);
    let error = collect(peer.toolbox().sessions().follow_logs("s", "c"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::Decode, Some(200))
    );

    let liar = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                sec-websocket-accept: bm9uc2Vuc2U=\r\n\r\n";
    let peer = Peer::new([Script::Answer(liar)]);
    let error = collect(peer.toolbox().sessions().follow_logs("s", "c"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
}

#[tokio::test(start_paused = true)]
async fn every_way_to_close_but_the_normal_one_is_a_break() {
    for code in [1001, 1006 - 3, 1008, 1011, 4000] {
        let broken = Script::Frames([binary(&LOG[..9]), close(code, "why")].concat());
        let peer = Peer::new([broken.clone(), whole()]);
        let logs = peer.toolbox().sessions().follow_logs("s", "c");
        assert_eq!(collect(logs).await.unwrap().0, STDOUT, "{code}");
        let peer = Peer::new(std::iter::repeat_n(broken, 6));
        let error = collect(peer.toolbox().sessions().follow_logs("s", "c"))
            .await
            .unwrap_err();
        assert_eq!(
            (error.close_code(), error.message()),
            (Some(code), Some("why"))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_beyond_the_limit_is_refused_before_it_is_read() {
    // the head of a frame of 64 MiB, and of one of 2^62 bytes
    for length in [64_u64 << 20, 1 << 62] {
        let mut huge = vec![0x82, 127];
        huge.extend(length.to_be_bytes());
        let peer = Peer::new([Script::Frames([binary(&LOG[..9]), huge].concat())]);
        let mut logs = peer.toolbox().sessions().follow_logs("s", "c");
        logs.next().await.unwrap();
        assert_eq!(logs.next().await.unwrap_err().kind(), ErrorKind::TooLarge);
    }
    // a control frame that is too long, and a frame with a mask, which no server sends
    for bad in [frame(9, &[0; 126]), vec![0x82, 0x81, 1, 2, 3, 4, 5]] {
        let peer = Peer::new(std::iter::repeat_n(Script::Frames(bad), 5));
        let error = collect(peer.toolbox().sessions().follow_logs("s", "c"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport);
    }
}
