//! Lines, hashes and digests.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use daytona_api::api::{Image, PipOptions};
use serde_json::Value;
use tempfile::TempDir;

use super::{DATA, dockerfile, hashes, write};

/// What the official Python client, release 0.226.1, writes and hashes for the same steps.
const OFFICIAL: &str = include_str!("../data/official.json");

async fn compare(cases: Vec<(&str, Image)>) {
    let official: BTreeMap<String, Value> = serde_json::from_str(OFFICIAL).unwrap();
    for (name, image) in cases {
        let wanted = &official[name];
        assert_eq!(image.dockerfile().unwrap(), wanted["dockerfile"], "{name}");
        let wanted: Vec<&str> = wanted["hashes"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(hashes(&image).await, wanted, "{name}");
    }
}

#[tokio::test]
async fn lines_and_hashes_are_those_of_the_official_client() {
    let base = || Image::base("debian:12");
    let at = |path: &str| format!("{DATA}/{path}");
    let requirements = PipOptions::new()
        .find_links("/a b")
        .find_links("https://x/")
        .index_url("https://i/simple")
        .extra_index_url("https://e/1")
        .extra_index_url("https://e/2")
        .pre(true)
        .extra_options(" --no-cache-dir  --quiet ");
    let project = PipOptions::new()
        .find_links("https://f/")
        .index_url("https://i/")
        .extra_index_url("https://e/")
        .pre(true)
        .extra_options("--quiet");
    let simple = PipOptions::new().index_url("https://u:p@i/simple");
    compare(vec![
        (
            "a file",
            base().add_local_file(at("app/main.py"), "/srv/main.py"),
        ),
        (
            "a file into a folder",
            base().add_local_file(format!("./{DATA}/app/../app//main.py"), "/srv/"),
        ),
        (
            "a file with a name of more than ascii",
            base().add_local_file(at("café/menu le jour.txt"), "/srv/menü \"1\".txt"),
        ),
        ("a folder", base().add_local_dir(at("app/"), "/srv/app")),
        (
            "requirements",
            base().pip_install_from_requirements(at("requirements.txt"), &requirements),
        ),
        (
            "pyproject",
            base()
                .pip_install_from_pyproject(at("pyproject.toml"), ["dev"], &project)
                .unwrap(),
        ),
        ("pip", base().pip_install_with(["b>=1", "a[x]"], &simple)),
        (
            "a dockerfile",
            Image::from_dockerfile(at("Dockerfile")).unwrap(),
        ),
        (
            "lines in a folder",
            base().dockerfile_commands_in(
                [
                    "COPY app/pkg/inner /x",
                    "copy requirements.txt app/main.py /y/",
                ],
                DATA,
            ),
        ),
        (
            "lines in a folder with a slash",
            base().dockerfile_commands_in(["COPY app/pkg/inner /x"], format!("{DATA}/")),
        ),
        (
            "all of a folder",
            base().dockerfile_commands_in(["COPY . /x"], at("app/pkg/inner/")),
        ),
    ])
    .await;
    assert!(!format!("{simple:?}").contains("u:p"), "{simple:?}");
}

#[tokio::test]
async fn empty_folders_and_links_are_hashed_as_by_the_official_client() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    write(root, "tree/sub/a.txt", "a");
    fs::create_dir(root.join("tree/sub/empty")).unwrap();
    write(root, "m/n/a.txt", "a");
    symlink("n/a.txt", root.join("m/to-file")).unwrap();
    write(root, "o/n/a.txt", "a");
    symlink("n", root.join("o/to-folder")).unwrap();
    compare(vec![("an empty folder", dockerfile(root, "COPY tree /x"))]).await;
    compare(vec![("a link to a file", dockerfile(root, "COPY m /x"))]).await;
    compare(vec![("a link to a folder", dockerfile(root, "COPY o /x"))]).await;
}

#[tokio::test]
async fn the_digest_sees_what_the_hash_does_not() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    write(root, "d/a", "bc");
    let image = Image::base("a").add_local_dir(root.join("d"), "/d");
    let first = image.context().await.unwrap();
    assert_eq!((first.entries(), first.bytes()), (1, 2));
    // a name and a content that are the same bytes in a row
    fs::remove_file(root.join("d/a")).unwrap();
    write(root, "d/ab", "c");
    let moved = image.context().await.unwrap();
    assert!(first.hashes().eq(moved.hashes()));
    assert_ne!(first.digest(), moved.digest());
    // the mode
    fs::set_permissions(root.join("d/ab"), fs::Permissions::from_mode(0o755)).unwrap();
    let runnable = image.context().await.unwrap();
    assert!(runnable.hashes().eq(moved.hashes()));
    assert_ne!(runnable.digest(), moved.digest());
    // and not the order in which a folder lists, nor when it was written
    fs::remove_dir_all(root.join("d")).unwrap();
    let names = ["a", "b", "c", "d/e"];
    for name in names {
        write(root, &format!("d/{name}"), name);
    }
    let one = image.context().await.unwrap();
    fs::remove_dir_all(root.join("d")).unwrap();
    for name in names.iter().rev() {
        write(root, &format!("d/{name}"), name);
    }
    let other = image.context().await.unwrap();
    assert_eq!(one.digest(), other.digest());
    let shown = format!("{image:?} {one:?}");
    assert!(!shown.contains(root.to_str().unwrap()), "{shown}");
}

#[tokio::test]
async fn a_change_right_after_a_look_is_seen() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "a", "one");
    let image = Image::base("a").add_local_file(folder.path().join("a"), "/a");
    let young = image.context().await.unwrap();
    // of the same size, and within the grain of the file's time
    write(folder.path(), "a", "two");
    let after = young.refreshed().await.unwrap();
    assert_ne!(young.digest(), after.digest());
    let same = after.refreshed().await.unwrap();
    assert_eq!(after.digest(), same.digest());
}

#[test]
fn equal_images_copy_from_the_same_places() {
    let one = Image::base("a").add_local_file("/x/a", "/a");
    assert_eq!(one, Image::base("a").add_local_file("/x/./a", "/a"));
    let other = Image::base("a").dockerfile_commands(["# COPY"]);
    assert_ne!(one, other);
    assert!(one.has_local_files() && !other.has_local_files());
}
