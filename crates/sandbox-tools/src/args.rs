//! Arguments: the schema that a model reads, and the check of what it sends.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ToolError;

/// The longest text that is taken, in characters: a command, code or the content of a file.
pub(crate) const MAX_TEXT: usize = 1024 * 1024;

/// The schema of `T` for a model: one object that allows nothing else, without references and the names of our types.
pub(crate) fn schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    for of_the_type in ["title", "description"] {
        schema.remove(of_the_type);
    }
    RecursiveTransform(plain).transform(&mut schema);
    schema.to_value()
}

/// `format: uint` and the like are of no use to a model, and not known to every service.
fn plain(schema: &mut Schema) {
    schema.remove("format");
}

/// Reads what a model sent.
pub(crate) fn read<T: DeserializeOwned>(arguments: Value) -> Result<T, ToolError> {
    serde_json::from_value(arguments)
        .map_err(|error| ToolError::arguments(words(&error.to_string())))
}

/// The words of serde without what only a Rust programmer understands.
fn words(message: &str) -> String {
    message
        .split(" at line ")
        .next()
        .unwrap_or(message)
        .replace("struct ", "")
        .replace('`', "'")
}

/// Refuses a text that is too long for any tool.
pub(crate) fn bounded(name: &str, text: &str) -> Result<(), ToolError> {
    if text.chars().nth(MAX_TEXT).is_some() {
        return Err(ToolError::arguments(format!(
            "{name} is longer than {MAX_TEXT} characters"
        )));
    }
    Ok(())
}
