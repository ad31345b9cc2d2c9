//! What newer clients know and the documents do not have yet; see `overlay.toml`.

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::ir::{Document, Field, Kind, Model, Operation, Query, Type};
use super::names;

/// The overlay of the documents we generate from.
pub(crate) const OVERLAY: &str = include_str!("overlay.toml");

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Overlay {
    model: Vec<NewModel>,
    field: Vec<NewField>,
    value: Vec<NewValue>,
    query: Vec<NewQuery>,
    operation: Vec<NewOperation>,
    raw: Vec<Raw>,
    by_hand: Vec<ByHand>,
}

/// An object that is written by hand, and what the document gives it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ByHand {
    api: String,
    model: String,
    /// Where it is; without one only others by hand hold it.
    path: Option<String>,
    members: Vec<String>,
}

/// Which operations get a generated method: those of the tags and those named, without the excepted ones.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    api: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    operations: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewModel {
    api: String,
    name: String,
    doc: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewField {
    api: String,
    model: String,
    name: String,
    #[serde(rename = "type")]
    ty: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    doc: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewValue {
    api: String,
    model: String,
    value: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewQuery {
    api: String,
    operation: String,
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewOperation {
    api: String,
    id: String,
    method: String,
    path: String,
    tag: String,
    doc: String,
    #[serde(default)]
    query: Vec<String>,
    #[serde(default)]
    request_types: Vec<String>,
    #[serde(default)]
    response_types: Vec<String>,
    #[serde(default)]
    response: Option<String>,
    #[serde(default)]
    success: Vec<u16>,
}

/// Adds what `text` lists for `api`. Refuses what the document has by now, so that the list stays short.
pub(crate) fn apply(document: &mut Document, api: &str, text: &str) -> Result<()> {
    let overlay: Overlay = toml::from_str(text).context("the overlay does not parse")?;
    for new in overlay.model.into_iter().filter(|new| new.api == api) {
        if document.model(&new.name).is_some() {
            bail!(
                "the document has {} by now: drop it from the overlay",
                new.name
            );
        }
        let name = names::type_name(&new.name);
        let kind = Kind::Object(Vec::new());
        document.models.push(Model {
            wire: new.name,
            name,
            doc: new.doc,
            kind,
            group: String::new(),
        });
    }
    for new in overlay.field.into_iter().filter(|new| new.api == api) {
        let Kind::Object(fields) = kind(document, &new.model)? else {
            bail!("{} is not an object", new.model)
        };
        if fields.iter().any(|field| field.wire == new.name) {
            bail!(
                "the document has {}.{} by now: drop it from the overlay",
                new.model,
                new.name
            );
        }
        let ty = parse_type(&new.ty);
        let NewField {
            name,
            doc,
            required,
            ..
        } = new;
        fields.push(Field {
            wire: name,
            doc,
            ty,
            required,
            nullable: false,
            deprecated: false,
            newer: true,
        });
    }
    for new in overlay.value.into_iter().filter(|new| new.api == api) {
        let Kind::Choice(values) = kind(document, &new.model)? else {
            bail!("{} is not an enum", new.model)
        };
        if values.contains(&new.value) {
            bail!(
                "the document has {} in {} by now: drop it from the overlay",
                new.value,
                new.model
            );
        }
        values.push(new.value);
    }
    for new in overlay.query.into_iter().filter(|new| new.api == api) {
        let operation = document
            .operations
            .iter_mut()
            .find(|operation| operation.id == new.operation);
        let operation =
            operation.with_context(|| format!("there is no operation {}", new.operation))?;
        if operation.query.iter().any(|query| query.name == new.name) {
            bail!(
                "the document has {}?{} by now: drop it from the overlay",
                new.operation,
                new.name
            );
        }
        operation.query.push(Query {
            name: new.name,
            required: false,
            array: false,
            ty: Type::Text,
        });
    }
    for new in overlay.operation.into_iter().filter(|new| new.api == api) {
        let known =
            |operation: &Operation| operation.method == new.method && operation.path == new.path;
        if document.operations.iter().any(known) {
            bail!(
                "the document has {} {} by now: drop it from the overlay",
                new.method,
                new.path
            );
        }
        let query = |name: String| Query {
            name,
            required: false,
            array: false,
            ty: Type::Text,
        };
        document.operations.push(Operation {
            id: new.id,
            method: new.method,
            path: new.path,
            tag: new.tag,
            doc: format!("{} Known from newer clients only.", new.doc),
            deprecated: false,
            newer: true,
            query: new.query.into_iter().map(query).collect(),
            headers: Vec::new(),
            request_types: new.request_types,
            request: None,
            response_types: new.response_types,
            response: new.response.map(Type::Named),
            success: new.success.into_iter().collect(),
            raw: false,
        });
    }
    for raw in overlay.raw.iter().filter(|raw| raw.api == api) {
        mark(document, raw)?;
    }
    for model in overlay.by_hand.into_iter().filter(|one| one.api == api) {
        leave_out(document, model)?;
    }
    Ok(())
}

/// Takes out of the document what is written by hand, if it is what the code by hand was made for.
fn leave_out(document: &mut Document, by_hand: ByHand) -> Result<()> {
    let wire = &by_hand.model;
    let Kind::Object(fields) = kind(document, wire)? else {
        bail!("{wire} is not an object")
    };
    let mut known = by_hand.members;
    let mut found: Vec<_> = fields.iter().map(|field| field.wire.clone()).collect();
    known.sort();
    found.sort();
    if known != found {
        bail!(
            "the document gives {wire} the members {found:?}: look at the code by hand, then at the overlay"
        );
    }
    match by_hand.path {
        Some(path) => *kind(document, wire)? = Kind::ByHand(path),
        None => document.models.retain(|model| model.wire != *wire),
    }
    Ok(())
}

fn mark(document: &mut Document, raw: &Raw) -> Result<()> {
    let known = |id: &String| document.operations.iter().any(|one| one.id == *id);
    if let Some(id) = raw
        .operations
        .iter()
        .chain(&raw.except)
        .find(|id| !known(id))
    {
        bail!("there is no operation {id} to make raw");
    }
    for operation in &mut document.operations {
        let tagged = raw.tags.contains(&operation.tag) && !raw.except.contains(&operation.id);
        operation.raw |= tagged || raw.operations.contains(&operation.id);
    }
    Ok(())
}

fn kind<'a>(document: &'a mut Document, wire: &str) -> Result<&'a mut Kind> {
    let model = document.models.iter_mut().find(|model| model.wire == wire);
    Ok(&mut model
        .with_context(|| format!("there is no schema {wire}"))?
        .kind)
}

fn parse_type(text: &str) -> Type {
    if let Some(inner) = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        return Type::List(Box::new(parse_type(inner)));
    }
    match text {
        "text" => Type::Text,
        "boolean" => Type::Bool,
        "integer" => Type::Integer,
        "float" => Type::Float,
        "any" => Type::Any,
        name => Type::Named(name.to_owned()),
    }
}
