//! Images that copy files of this machine: what is hashed, what goes over the wire, and what is refused.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

mod hashes;
mod refusals;
mod uploads;

use std::fs;
use std::path::Path;

use daytona_api::api::Image;

const DATA: &str = "tests/it/data/context";
const ACCESS: &str = r#"{"accessKey":"CANARYKEY","secret":"canary-secret","sessionToken":"canary-token",
    "storageUrl":"https://storage.test:9000/s3","organizationId":"org-1","bucket":"builds","region":"eu-1"}"#;

async fn hashes(image: &Image) -> Vec<String> {
    let context = image.context().await.unwrap();
    context.hashes().map(str::to_owned).collect()
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn dockerfile(root: &Path, line: &str) -> Image {
    write(root, "Dockerfile", &format!("FROM a\n{line}\n"));
    Image::from_dockerfile(root.join("Dockerfile")).unwrap()
}
