//! The secrets of a sandbox.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{PER_SANDBOX, Secrets};
use crate::app::App;
use crate::control::settings::change;
use crate::web::reply::{Failure, Reply};

/// A variable of a sandbox, and the id of the secret whose placeholder it holds.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) variable: String,
    pub(crate) secret: String,
}

/// What `secrets` of a body says: an array of objects, each from variables to names of secrets.
pub(crate) fn asked(secrets: &Secrets, list: Option<&Value>) -> Result<Vec<Held>, Failure> {
    let list = match list {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(Failure::bad("secrets must be an array")),
    };
    let mut held = BTreeMap::new();
    for value in list {
        let wrong = || Failure::bad("each value in secrets must be an object with string values");
        for (variable, name) in value.as_object().ok_or_else(wrong)? {
            let name = name.as_str().ok_or_else(wrong)?;
            if !is_variable(variable) {
                let message = format!("Invalid environment variable name for a secret: {variable}");
                return Err(Failure::bad(message));
            }
            let found = secrets.rows.values().find(|kept| kept.name == name);
            let found = found.ok_or_else(|| Failure::bad(format!("Secret {name} not found")))?;
            if held.insert(variable.clone(), found.id.clone()).is_some() {
                let message = format!("Environment variable {variable} is given two secrets");
                return Err(Failure::bad(message));
            }
        }
    }
    if held.len() > PER_SANDBOX {
        let message = format!("A sandbox may have at most {PER_SANDBOX} secrets");
        return Err(Failure::bad(message));
    }
    let held = held.into_iter();
    Ok(held
        .map(|(variable, secret)| Held { variable, secret })
        .collect())
}

fn is_variable(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let digit = name.bytes().next().is_none_or(|byte| byte.is_ascii_digit());
    !digit && name.len() <= 255 && name.bytes().all(letter)
}

/// `PUT /sandbox/{..}/secrets`: replaces all.
pub(crate) fn update(app: &App, key: &str, body: &Value) -> Result<Reply, Failure> {
    if body.get("secrets").is_none_or(Value::is_null) {
        return Err(Failure::bad("secrets must be an array"));
    }
    let held = asked(&app.store().secrets, body.get("secrets"))?;
    change(app, key, 200, |row| {
        row.secrets = held;
        Ok(())
    })
}

/// With values: for the service's own runners, which hold no API key.
pub(crate) fn resolve(app: &App, key: &str) -> Result<Reply, Failure> {
    app.store().find(key)?;
    Err(Failure::new(403, "FORBIDDEN", "Access denied"))
}
