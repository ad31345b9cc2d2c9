//! The part both dialects share: schema objects.

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::ir::{Field, Kind, Model, Type};
use super::names;

/// `number` members that hold fractions, where the document gives no example that says so.
const FRACTIONS: &[&str] = &[
    "angle",
    "first_quartile",
    "max",
    "median",
    "min",
    "radius",
    "third_quartile",
    "durationSeconds",
    "durationMs",
    "size",
    "value",
    "maxSnapshotSize",
    "cpuUsedPct",
];

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Schema {
    #[serde(rename = "$ref")]
    reference: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    format: Option<String>,
    description: String,
    #[serde(rename = "enum")]
    choices: Vec<Value>,
    properties: Map<String, Value>,
    additional_properties: Option<Value>,
    items: Option<Box<Self>>,
    all_of: Vec<Self>,
    required: Vec<String>,
    #[serde(alias = "x-nullable")]
    nullable: bool,
    deprecated: bool,
    example: Value,
    default: Value,
    minimum: Value,
    maximum: Value,
}

impl Schema {
    pub(crate) fn from_value(value: &Value) -> Result<Self> {
        Self::deserialize(value).with_context(|| format!("not a schema: {value}"))
    }

    /// The type of a member called `name`, which helps to tell counts from fractions.
    pub(crate) fn to_type(&self, name: &str) -> Result<Type> {
        if let Some(reference) = &self.reference {
            return Ok(Type::Named(last_segment(reference)?.to_owned()));
        }
        if let [only] = self.all_of.as_slice() {
            return only.to_type(name);
        }
        if !self.choices.is_empty() {
            return Ok(Type::Choice(self.texts()?));
        }
        Ok(match self.kind.as_deref() {
            Some("string" | "file") => Type::Text,
            Some("boolean") => Type::Bool,
            Some("integer") => Type::Integer,
            Some("number") if self.is_fraction(name) => Type::Float,
            Some("number") => Type::Integer,
            Some("array") => {
                let items = self
                    .items
                    .as_deref()
                    .with_context(|| format!("`{name}` is a list of nothing"))?;
                // A bare list of numbers is data, not counts; except in filters.
                let inner = match items.kind.as_deref() {
                    Some("number") if !matches!(name, "in" | "notIn") => Type::Float,
                    _ => items.to_type(name)?,
                };
                Type::List(Box::new(inner))
            }
            Some("object") => match &self.additional_properties {
                Some(Value::Object(inner)) if !inner.is_empty() => Type::Map(Box::new(
                    Self::from_value(&Value::Object(inner.clone()))?.to_type(name)?,
                )),
                Some(_) => Type::Map(Box::new(Type::Any)),
                None => Type::Any,
            },
            None => Type::Any,
            Some(other) => bail!("`{name}` has the unknown type {other}"),
        })
    }

    /// A named schema.
    pub(crate) fn to_model(&self, wire: &str) -> Result<Model> {
        let kind = if !self.choices.is_empty() {
            Kind::Choice(self.texts()?)
        } else if self.kind.as_deref() == Some("object") && self.additional_properties.is_none() {
            let fields = self
                .properties
                .iter()
                .map(|(name, value)| self.field(name, value));
            Kind::Object(
                fields
                    .collect::<Result<_>>()
                    .with_context(|| wire.to_owned())?,
            )
        } else {
            Kind::Alias(self.to_type(wire).with_context(|| wire.to_owned())?)
        };
        Ok(Model {
            wire: wire.to_owned(),
            name: names::type_name(wire),
            doc: self.description.clone(),
            kind,
            group: String::new(),
        })
    }

    fn field(&self, name: &str, value: &Value) -> Result<Field> {
        let schema = Self::from_value(value)?;
        Ok(Field {
            wire: name.to_owned(),
            doc: schema.doc(),
            ty: schema.to_type(name)?,
            required: self.required.iter().any(|required| required == name),
            nullable: schema.nullable,
            deprecated: schema.deprecated,
            newer: false,
        })
    }

    /// The description with the limits that the schema states.
    fn doc(&self) -> String {
        let mut doc = self.description.trim().to_owned();
        let mut say = |label: &str, value: &Value| {
            if value.is_number() || value.is_boolean() {
                let stop = if doc.is_empty() || doc.ends_with('.') {
                    ""
                } else {
                    "."
                };
                doc.push_str(&format!("{stop} {label}: {value}."));
            }
        };
        say("Minimum", &self.minimum);
        say("Maximum", &self.maximum);
        say("Default", &self.default);
        doc.trim().to_owned()
    }

    fn texts(&self) -> Result<Vec<String>> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        self.choices
            .iter()
            .map(|value| text(value).context("only texts can be enumerated"))
            .collect()
    }

    fn is_fraction(&self, name: &str) -> bool {
        match &self.example {
            Value::Number(example) => example.is_f64(),
            _ => self.format.is_some() || FRACTIONS.contains(&name),
        }
    }
}

fn last_segment(reference: &str) -> Result<&str> {
    let (folder, name) = reference
        .rsplit_once('/')
        .with_context(|| format!("odd reference {reference}"))?;
    if folder != "#/components/schemas" && folder != "#/definitions" {
        bail!("reference {reference} leaves the schemas");
    }
    Ok(name)
}
