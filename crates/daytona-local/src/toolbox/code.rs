//! `POST /process/code-run`.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Place, process};
use crate::app::App;
use crate::web::Call;
use crate::web::reply::{Failure, Reply};

/// Lines that begin so carry a chart instead of text.
const ARTIFACT: &str = "dtn_artifact_k39fd2:";
/// Tells the figures of matplotlib.
const CHARTS: &str = include_str!("charts.py");
const RUN: &str = include_str!("code/run.py");

pub(super) async fn run(app: &Arc<App>, place: &Place, mut call: Call) -> Result<Reply, Failure> {
    let invalid = |message: String| {
        Failure::new(
            400,
            "INVALID_REQUEST_BODY",
            format!("invalid body request: {message}"),
        )
    };
    let body = call
        .json()
        .await
        .map_err(|failure| invalid(failure.message))?;
    let body = body
        .as_object()
        .ok_or_else(|| invalid("not an object".to_owned()))?;
    let text = |name: &str| match body.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.as_str()),
        _ => Err(invalid(format!("{name} is required"))),
    };
    let (code, language) = (text("code")?, text("language")?);
    let argv = match body.get("argv") {
        None | Some(Value::Null) => String::new(),
        Some(Value::Array(words)) => {
            // Joined by blanks and not quoted, as Daytona does it.
            let words: Option<Vec<&str>> = words.iter().map(Value::as_str).collect();
            words
                .ok_or_else(|| invalid("argv must be a list of strings".to_owned()))?
                .join(" ")
        }
        Some(_) => return Err(invalid("argv must be a list of strings".to_owned())),
    };
    let request = process::Request {
        script: Bytes::from(script(language, code, &argv)?),
        cwd: String::new(),
        env: process::env(body)?,
        timeout: process::timeout(body)?,
    };
    let finished = process::run(app, place, request).await?;
    let (result, charts) = split(&finished.result());
    let mut reply = json!({ "exitCode": finished.code, "result": result });
    if !charts.is_empty()
        && let Some(members) = reply.as_object_mut()
    {
        members.insert("artifacts".to_owned(), json!({ "charts": charts }));
    }
    Ok(Reply::json(200, &reply))
}

fn script(language: &str, code: &str, argv: &str) -> Result<String, Failure> {
    // wrapped as Daytona does it, if it may import matplotlib
    let draws = code.lines().any(|line| {
        let line = line.split('#').next().unwrap_or_default();
        line.contains("matplotlib")
    });
    match language {
        "python" => {
            let mut code = STANDARD.encode(code);
            if draws {
                let charts = STANDARD.encode(CHARTS);
                code = STANDARD.encode(format!("{RUN}run('{charts}', '{code}')\n"));
            }
            Ok(format!(
                "printf %s '{code}' | base64 -d | python3 -u - {argv}\n"
            ))
        }
        "javascript" => {
            let code = STANDARD.encode(format!("process.argv.splice(1, 1);\n{code}"));
            Ok(format!("printf %s '{code}' | base64 -d | node - {argv}\n"))
        }
        "typescript" => {
            let code = STANDARD.encode(code);
            Ok(format!(
                "_dtn_file=/tmp/dtn_$$.ts\n\
                 printf %s '{code}' | base64 -d >\"$_dtn_file\"\n\
                 npx ts-node -T -O '{{\"module\":\"CommonJS\"}}' \"$_dtn_file\" {argv}\n\
                 _dtn_status=$?\n\
                 rm -f \"$_dtn_file\"\n\
                 exit $_dtn_status\n"
            ))
        }
        other => Err(Failure::bad(format!(
            "bad request: unsupported language: {other}"
        ))),
    }
}

/// Takes the charts out of the output.
fn split(output: &str) -> (String, Vec<Value>) {
    if !output.contains(ARTIFACT) {
        return (output.to_owned(), Vec::new());
    }
    let mut charts = Vec::new();
    let mut text = String::new();
    for line in output.split_inclusive('\n') {
        match line.strip_prefix(ARTIFACT) {
            None => text.push_str(line),
            Some(json) => {
                let artifact: Option<Value> = serde_json::from_str(json.trim()).ok();
                charts.extend(artifact.and_then(|artifact| artifact.get("value").cloned()));
            }
        }
    }
    (text, charts)
}
