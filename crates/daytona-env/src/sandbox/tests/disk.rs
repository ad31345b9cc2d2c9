//! The files routes of the test's server, on this machine's disk.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use daytona_api::transport::Body;
use http::Response;
use serde_json::{Value, json};

use super::server::{answer, plain};

/// Answers a files route, or nothing if it is another.
pub(super) fn serve(line: &str, query: &str, range: &str, body: &Bytes) -> Option<Response<Body>> {
    let path = parameter(query, "path");
    let path = Path::new(&path);
    Some(match line.replace("/toolbox/sb-1", "").as_str() {
        "GET /files" => match fs::read_dir(path) {
            Ok(entries) => {
                let rows: Vec<Value> = entries.map(|entry| row(&entry.unwrap())).collect();
                answer(200, &rows.into())
            }
            Err(_) => empty(404),
        },
        "GET /files/info" => match fs::metadata(path) {
            Ok(meta) => answer(200, &json!({"name": "x", "isDir": meta.is_dir()})),
            Err(_) => empty(404),
        },
        "GET /files/download" => match fs::read(path) {
            Ok(content) => ranged(&content, range),
            Err(_) => empty(if path.is_dir() { 400 } else { 404 }),
        },
        "POST /files/bulk-upload" => upload(body),
        "POST /files/folder" => empty(if fs::create_dir_all(path).is_ok() {
            201
        } else {
            400
        }),
        "DELETE /files" if path.is_dir() && parameter(query, "recursive") == "true" => {
            fs::remove_dir_all(path).unwrap();
            empty(204)
        }
        "DELETE /files" => empty(match fs::remove_file(path) {
            Ok(()) => 204,
            Err(_) if path.exists() => 400,
            Err(_) => 404,
        }),
        _ => return None,
    })
}

fn row(entry: &fs::DirEntry) -> Value {
    let meta = entry.metadata().unwrap();
    json!({
        "name": entry.file_name().to_str().unwrap(),
        "size": meta.len(),
        "isDir": meta.is_dir(),
        "permissions": if meta.is_dir() { "0755" } else { "0644" },
        "modifiedAt": "2026-11-23T02:23:25.44Z",
    })
}

fn ranged(content: &[u8], range: &str) -> Response<Body> {
    let Some((first, last)) = range
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
    else {
        return plain(200, content, "application/octet-stream");
    };
    let first: usize = first.parse().unwrap();
    let end = last
        .parse()
        .map_or(content.len(), |last: usize| content.len().min(last + 1));
    if first >= content.len() {
        return empty(416);
    }
    let mut response = plain(206, &content[first..end], "application/octet-stream");
    let value = format!("bytes {first}-{}/{}", end - 1, content.len());
    response
        .headers_mut()
        .insert("content-range", value.try_into().unwrap());
    response
}

/// Two parts: the path, then the file.
fn upload(body: &Bytes) -> Response<Body> {
    let find = |needle: &[u8], from: usize| {
        from + body[from..]
            .windows(needle.len())
            .position(|window| window == needle)
            .unwrap()
    };
    let boundary = body[..find(b"\r\n", 0)].to_vec();
    let path_at = find(b"\r\n\r\n", 0) + 4;
    let path_end = find(b"\r\n--", path_at);
    let file_at = find(b"\r\n\r\n", path_end) + 4;
    let file_end = body.len() - boundary.len() - b"\r\n--\r\n".len();
    let path = Path::new(std::str::from_utf8(&body[path_at..path_end]).unwrap());
    let parents = path
        .parent()
        .is_none_or(|dir| fs::create_dir_all(dir).is_ok());
    if parents && fs::write(path, &body[file_at..file_end]).is_ok() {
        answer(
            200,
            &json!({"files": [{"path": path, "bytes": file_end - file_at}]}),
        )
    } else {
        answer(400, &json!({"errors": ["cannot be written"], "files": []}))
    }
}

fn empty(status: u16) -> Response<Body> {
    plain(status, b"", "text/plain")
}

fn parameter(query: &str, name: &str) -> String {
    let pair = query.split('&').filter_map(|pair| pair.split_once('='));
    let Some((_, value)) = pair.into_iter().find(|(key, _)| *key == name) else {
        return String::new();
    };
    let mut bytes = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next().unwrap(), rest.next().unwrap()];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
    }
    String::from_utf8(bytes).unwrap()
}
