//! OpenAPI 3.0.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::ir::{Document, Operation, Query, Type};
use super::schema::Schema;

#[derive(Deserialize)]
struct Root {
    openapi: String,
    info: Info,
    paths: Map<String, Value>,
    components: Components,
}

#[derive(Deserialize)]
pub(crate) struct Info {
    pub(crate) title: String,
    pub(crate) version: String,
}

#[derive(Deserialize)]
struct Components {
    schemas: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawOperation {
    operation_id: String,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    deprecated: bool,
    #[serde(default)]
    parameters: Vec<Parameter>,
    request_body: Option<Body>,
    responses: Map<String, Value>,
}

#[derive(Deserialize)]
struct Parameter {
    name: String,
    #[serde(rename = "in")]
    place: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    schema: Schema,
}

#[derive(Default, Deserialize)]
struct Body {
    #[serde(default)]
    content: Map<String, Value>,
}

#[derive(Default, Deserialize)]
struct Media {
    #[serde(default)]
    schema: Schema,
}

/// Reads a document.
pub(crate) fn read(text: &str) -> Result<Document> {
    let root: Root = serde_json::from_str(text).context("not an OpenAPI 3.0 document")?;
    if !root.openapi.starts_with("3.0") {
        bail!("OpenAPI {} is not 3.0", root.openapi);
    }
    let mut document = Document {
        title: root.info.title,
        version: root.info.version,
        ..Document::default()
    };
    for (wire, schema) in &root.components.schemas {
        document
            .models
            .push(Schema::from_value(schema)?.to_model(wire)?);
    }
    for (path, item) in &root.paths {
        let item = item
            .as_object()
            .with_context(|| format!("{path} is not an object"))?;
        for (method, raw) in item {
            let operation =
                operation(path, method, raw).with_context(|| format!("{method} {path}"))?;
            document.operations.push(operation);
        }
    }
    Ok(document)
}

fn operation(path: &str, method: &str, raw: &Value) -> Result<Operation> {
    let raw = RawOperation::deserialize(raw)?;
    let mut operation = Operation {
        id: raw.operation_id,
        method: method.to_owned(),
        path: path.to_owned(),
        tag: raw.tags.into_iter().next().unwrap_or_default(),
        doc: raw.summary,
        deprecated: raw.deprecated,
        newer: false,
        query: Vec::new(),
        headers: Vec::new(),
        request_types: Vec::new(),
        request: None,
        response_types: Vec::new(),
        response: None,
        success: BTreeSet::new(),
        raw: false,
    };
    for parameter in raw.parameters {
        match parameter.place.as_str() {
            "query" => {
                let ty = parameter.schema.to_type(&parameter.name)?;
                let array = matches!(ty, Type::List(_));
                operation.query.push(Query {
                    name: parameter.name,
                    required: parameter.required,
                    array,
                    ty,
                });
            }
            "header" => operation.headers.push(parameter.name),
            "path" => {}
            other => bail!("a parameter in the {other}"),
        }
    }
    (operation.request_types, operation.request) = content(&raw.request_body.unwrap_or_default())?;
    for (status, response) in &raw.responses {
        let Ok(code) = status.parse::<u16>() else {
            continue;
        };
        if code < 300 {
            operation.success.insert(code);
            let (types, ty) = content(&Body::deserialize(response)?)?;
            operation.response_types.extend(types);
            operation.response = operation.response.or(ty);
        }
    }
    Ok(operation)
}

fn content(body: &Body) -> Result<(Vec<String>, Option<Type>)> {
    let types = body.content.keys().cloned().collect();
    let ty = match body.content.values().next() {
        Some(media) => Some(Media::deserialize(media)?.schema.to_type("body")?),
        None => None,
    };
    Ok((types, ty))
}
