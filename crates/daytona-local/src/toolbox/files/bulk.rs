//! Many files in one request.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use serde_json::{Value, json};

use super::{Place, at, download, upload};
use crate::web::Call;
use crate::web::reply::{Body, Failure, Reply};

const BOUNDARY: &str = "DAYTONA-FILE-BOUNDARY";

/// `files[3].path` is ("3", "path").
fn field_name(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix("files[")?.split_once("].")
}

pub(super) async fn upload(place: &Place, mut call: Call) -> Result<Reply, Failure> {
    let Some(mut form) = upload::form(&mut call)? else {
        return Ok(outcome(
            &["request body must be a multipart form".to_owned()],
            &[],
        ));
    };
    let mut paths: HashMap<String, String> = HashMap::new();
    let mut files = Vec::new();
    let mut errors = Vec::new();
    loop {
        let field = match form.next_field().await {
            Ok(Some(field)) => field,
            Ok(None) => break,
            Err(error) => {
                errors.push(format!("reading the form: {error}"));
                break;
            }
        };
        let name = field.name().unwrap_or_default().to_owned();
        match field_name(&name) {
            Some((index, "path")) => match field.text().await {
                Ok(path) => {
                    paths.insert(index.to_owned(), path);
                }
                Err(error) => errors.push(format!("{name}: {error}")),
            },
            Some((index, "file")) => match paths.get(index) {
                None => errors.push(format!("{name} comes before its path")),
                Some(path) => match upload::write(place, path, field).await {
                    Ok(bytes) => files.push(json!({ "path": path, "bytes": bytes })),
                    Err(failure) => errors.push(format!("{path}: {}", failure.message)),
                },
            },
            _ => {}
        }
    }
    if files.is_empty() && errors.is_empty() {
        errors.push("the form has no files".to_owned());
    }
    Ok(outcome(&errors, &files))
}

fn outcome(errors: &[String], files: &[Value]) -> Reply {
    if errors.is_empty() {
        Reply::json(200, &json!({ "files": files }))
    } else {
        Reply::json(400, &json!({ "errors": errors, "files": files }))
    }
}

pub(super) async fn download(place: &Place, mut call: Call) -> Result<Reply, Failure> {
    let body = call.json().await?;
    let paths: Option<Vec<String>> =
        body.get("paths")
            .and_then(Value::as_array)
            .and_then(|paths| {
                paths
                    .iter()
                    .map(|path| path.as_str().map(str::to_owned))
                    .collect()
            });
    let Some(paths) = paths.filter(|paths| !paths.is_empty()) else {
        let message = "request body must be {\"paths\": [...]} and non-empty";
        return Ok(Reply::json(400, &json!({ "error": message })));
    };
    let place = Arc::new(place.clone());
    let parts = futures_util::stream::iter(paths).then(move |path| {
        let place = Arc::clone(&place);
        async move { part(&place, &path).await }
    });
    let end = Bytes::from(format!("--{BOUNDARY}--\r\n"));
    let frames = parts
        .flat_map(http_body_util::BodyStream::new)
        .chain(futures_util::stream::iter([Ok(Frame::data(end))]));
    let body = StreamBody::new(frames).boxed_unsync();
    Ok(Reply::new(
        200,
        "multipart/form-data; boundary=DAYTONA-FILE-BOUNDARY",
        body,
    ))
}

/// One file, or why it cannot be had.
async fn part(place: &Place, path: &str) -> Body {
    let name = path.to_owned();
    let opened = at(place, path, move |spot| download::open(&spot, &name)).await;
    match opened {
        Ok((file, length, _)) => {
            let head = format!(
                "--{BOUNDARY}\r\nContent-Disposition: {}\r\nContent-Type: {}\r\n\
                 Content-Length: {length}\r\n\r\n",
                download::disposition("form-data; name=\"file\"; ", path),
                content_type(path),
            );
            around(head, download::stream(file, length))
        }
        Err(failure) => {
            let body = json!({
                "statusCode": failure.status,
                "message": failure.message,
                "code": failure.code,
                "timestamp": crate::toolbox::files::text::EPOCH,
                "path": path,
                "method": "POST",
                "source": "DAYTONA_DAEMON",
            });
            let body = body.to_string();
            let head = format!(
                "--{BOUNDARY}\r\nContent-Disposition: {}\r\n\
                 Content-Type: application/json; charset=utf-8\r\nContent-Length: {}\r\n\r\n",
                download::disposition("form-data; name=\"error\"; ", path),
                body.len(),
            );
            around(head, crate::web::reply::full(Bytes::from(body)))
        }
    }
}

fn around(head: String, body: Body) -> Body {
    let first = futures_util::stream::iter([Ok(Frame::data(Bytes::from(head)))]);
    let last = futures_util::stream::iter([Ok(Frame::data(Bytes::from_static(b"\r\n")))]);
    let frames = first
        .chain(http_body_util::BodyStream::new(body))
        .chain(last);
    StreamBody::new(frames).boxed_unsync()
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "txt" | "log" | "md" => "text/plain; charset=utf-8",
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "xml" => "text/xml; charset=utf-8",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "svg" => "image/svg+xml",
        "pdf" => "application/pdf",
        _ => "application/octet-stream",
    }
}
