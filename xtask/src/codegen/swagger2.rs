//! Swagger 2.0.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::ir::{Document, Operation, Query, Type};
use super::oas3::Info;
use super::schema::Schema;

#[derive(Deserialize)]
struct Root {
    swagger: String,
    info: Info,
    paths: Map<String, Value>,
    definitions: Map<String, Value>,
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
    consumes: Vec<String>,
    #[serde(default)]
    produces: Vec<String>,
    #[serde(default)]
    parameters: Vec<Value>,
    responses: Map<String, Value>,
}

/// Except in a body, the parameter is its own schema.
#[derive(Deserialize)]
struct Parameter {
    name: String,
    #[serde(rename = "in")]
    place: String,
    #[serde(default)]
    required: bool,
    schema: Option<Schema>,
}

#[derive(Deserialize)]
struct Response {
    schema: Option<Schema>,
}

/// Reads a document.
pub(crate) fn read(text: &str) -> Result<Document> {
    let root: Root = serde_json::from_str(text).context("not a Swagger 2.0 document")?;
    if root.swagger != "2.0" {
        bail!("Swagger {} is not 2.0", root.swagger);
    }
    let mut document = Document {
        title: root.info.title,
        version: root.info.version,
        ..Document::default()
    };
    for (wire, schema) in &root.definitions {
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
        request_types: raw.consumes,
        request: None,
        response_types: Vec::new(),
        response: None,
        success: BTreeSet::new(),
        raw: false,
    };
    for value in &raw.parameters {
        let parameter = Parameter::deserialize(value)?;
        match parameter.place.as_str() {
            "query" => {
                // `required` of a parameter is a boolean, of a schema a list.
                let mut own = value.as_object().cloned().unwrap_or_default();
                own.remove("required");
                let ty = Schema::from_value(&Value::Object(own))?.to_type(&parameter.name)?;
                let array = matches!(ty, Type::List(_));
                operation.query.push(Query {
                    name: parameter.name,
                    required: parameter.required,
                    array,
                    ty,
                });
            }
            "header" => operation.headers.push(parameter.name),
            "body" => {
                let schema = parameter.schema.context("a body without a schema")?;
                operation.request = Some(schema.to_type("body")?);
            }
            "path" | "formData" => {}
            other => bail!("a parameter in the {other}"),
        }
    }
    for (status, response) in &raw.responses {
        let Ok(code) = status.parse::<u16>() else {
            continue;
        };
        if code < 300 {
            operation.success.insert(code);
            if let Some(schema) = Response::deserialize(response)?.schema {
                // 101 is followed by frames, not by a body.
                if code >= 200 {
                    operation.response = Some(schema.to_type("body")?);
                }
            }
        }
    }
    // The `produces` of an operation also describes its errors.
    if operation.response.is_some() {
        operation.response_types = raw.produces;
    }
    Ok(operation)
}
