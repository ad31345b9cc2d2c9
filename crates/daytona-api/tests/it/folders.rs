//! Archives that are not trusted: what is refused, and that nothing is left behind.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bytes::Bytes;
use daytona_api::api::{Files, FolderLimits, FolderTransfer};
use daytona_api::test_util::Scripted;
use daytona_api::transport::Phase;
use daytona_api::{Error, ErrorKind};
use proptest::prelude::*;
use tar::{Builder, EntryType, Header};

use super::support::{KEY, scripted};

const RAN: &str = r#"{"exitCode":0,"result":""}"#;

fn files(server: &Scripted) -> Files {
    let proxy = "https://proxy.app.daytona.io/toolbox";
    scripted(server).toolbox_at(proxy, "sb").unwrap().files()
}

/// An entry whatever its name, as no library writes it.
fn entry(archive: &mut Vec<u8>, kind: EntryType, name: &str, link: &str, content: &[u8]) {
    let mut header = Header::new_gnu();
    let raw = header.as_gnu_mut().unwrap();
    raw.name[..name.len()].copy_from_slice(name.as_bytes());
    raw.linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_mode(0o7777);
    header.set_cksum();
    archive.extend_from_slice(header.as_bytes());
    archive.extend_from_slice(content);
    archive.resize(archive.len().next_multiple_of(512), 0);
}

fn end(mut archive: Vec<u8>) -> Vec<u8> {
    archive.resize(archive.len() + 1024, 0);
    archive
}

fn one(kind: EntryType, name: &str, link: &str) -> Vec<u8> {
    let mut archive = Vec::new();
    entry(&mut archive, kind, name, link, b"");
    end(archive)
}

/// What is in a folder, without what is in it.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Brings a folder whose archive is `archive`; what is beside the destination afterwards is part of the answer.
async fn bring(
    archive: Vec<u8>,
    limits: FolderLimits,
) -> (Result<FolderTransfer, Error>, Vec<String>) {
    let server = Scripted::new()
        .json(200, RAN)
        .answer(200, &[], archive)
        .json(200, RAN);
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("into");
    let came = files(&server)
        .download_folder("from", &local)
        .limits(limits)
        .send()
        .await;
    let requests = server.requests();
    assert_eq!(requests.len(), 3, "the archive is removed in the sandbox");
    let last = String::from_utf8(requests.last().unwrap().body().to_vec()).unwrap();
    assert!(last.contains("rm -rf .daytona-"), "{last}");
    (came, names(folder.path()))
}

#[tokio::test]
async fn what_leads_out_is_refused_and_nothing_is_left() {
    use EntryType as Kind;
    let outside = tempfile::tempdir().unwrap();
    let absolute = outside.path().join("x");
    let absolute = absolute.to_str().unwrap();
    let mut by_link = Vec::new();
    entry(&mut by_link, Kind::Symlink, "a", ".", b"");
    entry(&mut by_link, Kind::Symlink, "b", "a/..", b"");
    let mut through = Vec::new();
    entry(&mut through, Kind::Symlink, "a", "b", b"");
    entry(&mut through, Kind::Regular, "a/x", "", b"x");
    let mut twice = Vec::new();
    entry(&mut twice, Kind::Regular, "a", "", b"1");
    entry(&mut twice, Kind::Regular, "a", "", b"2");
    let mut below_file = Vec::new();
    entry(&mut below_file, Kind::Regular, "a", "", b"1");
    entry(&mut below_file, Kind::Regular, "a/b", "", b"2");
    let mut long = Vec::new();
    entry(
        &mut long,
        Kind::GNULongName,
        "././@LongLink",
        "",
        b"../../x\0",
    );
    entry(&mut long, Kind::Regular, "fine", "", b"");
    let mut pax = Vec::new();
    entry(&mut pax, Kind::XHeader, "x", "", b"13 path=../x\n");
    entry(&mut pax, Kind::Regular, "fine", "", b"");
    let mut pax_link = Vec::new();
    entry(&mut pax_link, Kind::XHeader, "x", "", b"17 linkpath=../x\n");
    entry(&mut pax_link, Kind::Symlink, "fine", "fine", b"");
    let mut sparse = Vec::new();
    entry(
        &mut sparse,
        Kind::XHeader,
        "x",
        "",
        b"22 GNU.sparse.major=1\n",
    );
    entry(&mut sparse, Kind::Regular, "fine", "", b"");
    for (archive, why) in [
        (one(Kind::Regular, "../x", ""), "`..`"),
        (one(Kind::Regular, "a/../../x", ""), "`..`"),
        (one(Kind::Directory, "..", ""), "`..`"),
        (one(Kind::Regular, absolute, ""), "absolute"),
        (one(Kind::Regular, "", ""), "no name"),
        (one(Kind::Regular, ".", ""), "no name"),
        (one(Kind::Symlink, "a", "/etc"), "lead out"),
        (one(Kind::Symlink, "a", ".."), "lead out"),
        (one(Kind::Symlink, "d/a", "../../x"), "lead out"),
        (one(Kind::Symlink, "a", ""), "lead out"),
        (end(by_link), "lead out"),
        (end(through), "at its place"),
        (end(twice), "at its place"),
        (end(below_file), "at its place"),
        (end(long), "`..`"),
        (end(pax), "`..`"),
        (end(pax_link), "lead out"),
        (end(sparse), "sparse"),
        (one(Kind::Link, "a", "/etc/passwd"), "hard link"),
        (one(Kind::Char, "a", ""), "device"),
        (one(Kind::Block, "a", ""), "device"),
        (one(Kind::Fifo, "a", ""), "pipe"),
        (one(Kind::GNUSparse, "a", ""), "sparse"),
        (one(EntryType::new(b'Z'), "a", ""), "kind is not known"),
        (b"no archive at all".repeat(100), "malformed"),
        (one(Kind::Regular, "a", "")[..300].to_vec(), "malformed"),
    ] {
        let (came, beside) = bring(archive, FolderLimits::default()).await;
        let error = came.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Archive, "{error:?}");
        assert!(error.to_string().contains(why), "{why}: {error}");
        assert!(beside.is_empty(), "{why}: {beside:?}");
    }
    assert!(names(outside.path()).is_empty());
}

#[tokio::test]
async fn bombs_are_refused() {
    use EntryType as Kind;
    let mut limits = FolderLimits::default();
    (limits.entries, limits.bytes, limits.depth) = (10, 1000, 3);
    let mut many = Vec::new();
    for at in 0..11 {
        entry(&mut many, Kind::Regular, &at.to_string(), "", b"");
    }
    let mut big = Vec::new();
    entry(&mut big, Kind::Regular, "a", "", &[0; 600]);
    entry(&mut big, Kind::Regular, "b", "", &[0; 600]);
    // what is announced counts, before it comes
    let mut announced = Header::new_gnu();
    announced.set_entry_type(Kind::Regular);
    announced.set_path("a").unwrap();
    announced.set_size(u64::MAX / 2);
    announced.set_cksum();
    let mut name = Vec::new();
    entry(&mut name, Kind::GNULongName, "x", "", &[b'a'; 70_000]);
    entry(&mut name, Kind::Regular, "fine", "", b"");
    let deep = one(Kind::Regular, "a/b/c/d", "");
    let endless = vec![0; 1 << 20];
    for archive in [
        end(many),
        end(big),
        announced.as_bytes().to_vec(),
        end(name),
        deep,
        endless,
    ] {
        let (came, beside) = bring(archive, limits).await;
        let error = came.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge, "{error:?}");
        assert!(beside.is_empty(), "{beside:?}");
    }
}

#[tokio::test]
async fn what_is_fine_comes_and_nothing_else_about_it() {
    use EntryType as Kind;
    let mut archive = Vec::new();
    entry(&mut archive, Kind::Directory, "./", "", b"");
    entry(&mut archive, Kind::Symlink, "./d/up", "../file", b"");
    entry(
        &mut archive,
        Kind::XGlobalHeader,
        "x",
        "",
        b"13 comment=a\n",
    );
    entry(&mut archive, Kind::Regular, "./file", "", b"text");
    entry(&mut archive, Kind::Regular, "./old/", "", b"");
    entry(&mut archive, Kind::Symlink, "./loop", "loop", b"");
    let server = Scripted::new()
        .json(200, RAN)
        .answer(200, &[], end(archive))
        .json(200, RAN);
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("into");
    let came = files(&server)
        .download_folder("it's/from", &local)
        .send()
        .await
        .unwrap();
    assert_eq!((came.entries, came.bytes), (4, 4));
    assert_eq!(names(&local), ["d", "file", "loop", "old"]);
    assert_eq!(
        fs::read_link(local.join("d/up")).unwrap(),
        Path::new("../file")
    );
    let mode = fs::metadata(local.join("file"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7000, 0, "no set-user-id");
    let packed = String::from_utf8(server.requests()[0].body().to_vec()).unwrap();
    assert!(packed.contains(r#"-C './it'\"'\"'s/from' ."#), "{packed}");
}

#[tokio::test]
async fn what_is_there_already_stays() {
    let folder = tempfile::tempdir().unwrap();
    let server = Scripted::new().json(200, r#"{"name":"x"}"#);
    let files = files(&server);
    fs::write(folder.path().join("taken"), "mine").unwrap();
    let error = files
        .download_folder("from", folder.path().join("taken"))
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Local, "{error:?}");
    assert!(server.requests().is_empty());
    assert_eq!(fs::read(folder.path().join("taken")).unwrap(), b"mine");

    let error = files
        .upload_folder(folder.path(), "to")
        .send()
        .await
        .unwrap_err();
    assert!(error.is_conflict(), "{error:?}");
    assert_eq!(server.requests().len(), 1, "no byte of the folder was sent");
}

#[tokio::test]
async fn a_local_folder_with_something_else_in_it_is_refused_before_anything_is_sent() {
    let server = Scripted::new();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("link/d")).unwrap();
    std::os::unix::fs::symlink("../../..", at("link/d/a")).unwrap();
    fs::create_dir(at("socket")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(at("socket/s")).unwrap();
    for (name, why) in [("link", "lead out"), ("socket", "neither a file")] {
        let sent = files(&server).upload_folder(at(name), "to").send().await;
        let error = sent.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Archive, "{error:?}");
        assert!(error.to_string().contains(why), "{error}");
        assert!(!error.may_have_reached_server());
    }
    let mut limits = FolderLimits::default();
    limits.depth = 1;
    let deep = files(&server)
        .upload_folder(at("link"), "to")
        .limits(limits);
    assert_eq!(deep.send().await.unwrap_err().kind(), ErrorKind::TooLarge);
    let none = files(&server).upload_folder(at("none"), "to").send().await;
    assert_eq!(none.unwrap_err().kind(), ErrorKind::Local);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn what_fails_in_the_sandbox_is_told_and_tidied() {
    let folder = tempfile::tempdir().unwrap();
    let said = format!(r#"{{"exitCode":2,"result":"tar: from: no such folder {KEY}"}}"#);
    let server = Scripted::new().json(200, said).json(200, RAN);
    let local = folder.path().join("into");
    let came = files(&server).download_folder("from", &local).send().await;
    let error = came.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(error.message().unwrap().contains("no such folder"));
    assert!(!format!("{error:?}").contains(KEY), "{error:?}");
    assert_eq!(server.requests().len(), 2);

    // the download breaks, and its error is what is told
    let server = Scripted::new()
        .json(200, RAN)
        .answer(
            200,
            &[("content-length", "99999")],
            Bytes::from(vec![0; 600]),
        )
        .json(200, RAN);
    let came = files(&server).download_folder("from", &local).send().await;
    assert_eq!(came.unwrap_err().kind(), ErrorKind::Transport);
    assert_eq!(server.requests().len(), 3);
    assert!(names(folder.path()).is_empty());

    // the answer to a command is lost: it is not run again
    let server = Scripted::new().fail(Phase::Exchange).json(200, RAN);
    let came = files(&server).download_folder("from", &local).send().await;
    assert!(came.unwrap_err().may_have_reached_server());
    assert_eq!(server.requests().len(), 2);
    assert!(names(folder.path()).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a bit of an archive becomes, nothing is written beside the destination and nothing is left.
    #[test]
    fn no_archive_breaks_anything(changes in prop::collection::vec((0usize..6000, any::<u8>()), 1..8), cut in 0usize..6000) {
        let mut builder = Builder::new(Vec::new());
        let mut header = Header::new_gnu();
        header.set_mode(0o644);
        for (name, content) in [("a/b", &b"text"[..]), (&"long/".repeat(30), b""), ("c", &[7; 900])] {
            header.set_size(content.len() as u64);
            builder.append_data(&mut header, name, content).unwrap();
        }
        header.set_entry_type(EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, "d/link", "../c").unwrap();
        let mut archive = builder.into_inner().unwrap();
        for (at, byte) in changes {
            let at = at % archive.len();
            archive[at] = byte;
            // heads whose sum is right get further
            let block = at / 512 * 512;
            let sum = Header::from_byte_slice(&archive[block..block + 512]).clone();
            let mut sum = sum;
            sum.set_cksum();
            if byte % 2 == 0 {
                archive[block..block + 512].copy_from_slice(sum.as_bytes());
            }
        }
        archive.truncate(archive.len() - cut % archive.len() / 2);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (came, beside) = runtime.block_on(bring(archive, FolderLimits::default()));
        match came {
            Ok(_) => prop_assert_eq!(beside, ["into"]),
            Err(_) => prop_assert!(beside.is_empty(), "{:?}", beside),
        }
    }
}
