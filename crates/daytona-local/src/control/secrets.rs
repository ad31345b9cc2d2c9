//! Secrets: names for values that only the service's egress ever puts in. This server has no such egress, so it looks at
//! a value and keeps none: there is nothing here that could leak.

mod attach;

use std::collections::BTreeMap;

use daytona_api::models::Secret;
use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) use self::attach::{Held, asked, resolve, update};

use super::create::Fields;
use super::view::time;
use crate::app::App;
use crate::ident;
use crate::web::query::{Query, cursor};
use crate::web::reply::{Failure, Reply};

/// How many an organization may have.
pub(crate) const QUOTA: usize = 100;
/// How many one sandbox may have.
pub(crate) const PER_SANDBOX: usize = 50;
/// The longest name and description, in characters.
const MAX_TEXT: usize = 255;
/// The longest value, in bytes.
const MAX_VALUE: usize = 64 * 1024;
const MAX_HOSTS: usize = 100;

/// Without its value.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    id: String,
    name: String,
    description: Option<String>,
    hosts: Vec<String>,
    pub(crate) placeholder: String,
    created_at: Timestamp,
    updated_at: Timestamp,
}

#[derive(Debug, Default)]
pub(crate) struct Secrets {
    rows: BTreeMap<String, Kept>,
}

impl Kept {
    fn view(&self) -> Secret {
        let mut view = Secret::default();
        view.id = self.id.clone();
        view.name = self.name.clone();
        view.description = self.description.clone();
        view.hosts = self.hosts.clone();
        view.placeholder = self.placeholder.clone();
        view.created_at = time(self.created_at);
        view.updated_at = time(self.updated_at);
        view
    }

    /// What it is sorted by, as text that sorts alike.
    fn key(&self, sort: &str) -> (String, String) {
        let key = match sort {
            "name" => self.name.clone(),
            "updatedAt" => time(self.updated_at),
            _ => time(self.created_at),
        };
        (key, self.id.clone())
    }
}

impl Secrets {
    fn need(&mut self, id: &str) -> Result<&mut Kept, Failure> {
        let missing = || Failure::not_found(format!("Secret with ID {id} not found"));
        self.rows.get_mut(id).ok_or_else(missing)
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<&Kept> {
        self.rows.get(id)
    }
}

/// What of a body may be changed later too.
struct Given {
    description: Option<String>,
    hosts: Option<Vec<String>>,
    /// Whether there is a value, which was looked at.
    value: bool,
}

fn given(body: &Value, problems: &mut Vec<String>) -> Result<Given, Failure> {
    let wrong = || Failure::bad("Invalid JSON in request body");
    let members = body.as_object().ok_or_else(wrong)?;
    let mut fields = Fields::new(members, problems);
    let description = fields.text("description");
    let hosts = fields.texts("hosts");
    if description
        .as_ref()
        .is_some_and(|text| text.chars().count() > MAX_TEXT)
    {
        problems.push("description must be shorter than or equal to 255 characters".to_owned());
    }
    if !hosts.iter().flatten().all(|host| is_host(host)) {
        problems
            .push("each value in hosts must be a host name, maybe with *. before it".to_owned());
    }
    if hosts.as_ref().is_some_and(|hosts| hosts.len() > MAX_HOSTS) {
        problems.push("hosts must contain no more than 100 elements".to_owned());
    }
    let value = match members.get("value") {
        None | Some(Value::Null) => false,
        Some(Value::String(value)) => {
            if value.is_empty() {
                problems.push("value should not be empty".to_owned());
            }
            if value.len() > MAX_VALUE {
                problems.push("value must have at most 65536 bytes".to_owned());
            }
            true
        }
        Some(_) => {
            problems.push("value must be a string".to_owned());
            true
        }
    };
    Ok(Given {
        description,
        hosts,
        value,
    })
}

fn is_host(host: &str) -> bool {
    let name = host.strip_prefix("*.").unwrap_or(host);
    let part = |part: &str| {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !part.is_empty() && part.len() <= 63 && part.bytes().all(letter)
    };
    name.len() <= 253 && name.split('.').all(part)
}

fn is_name(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !name.is_empty() && name.len() <= MAX_TEXT && name.bytes().all(letter)
}

pub(crate) fn create(app: &App, body: &Value) -> Result<Reply, Failure> {
    let mut problems = Vec::new();
    let given = given(body, &mut problems)?;
    if !given.value {
        problems.push("value must be a string".to_owned());
    }
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
    if !is_name(name) {
        problems
            .push("name must be a string of letters, digits, hyphens and underscores".to_owned());
    }
    if !problems.is_empty() {
        return Err(Failure::bad(problems.join(", ")));
    }
    let now = app.clock.now();
    let mut store = app.store();
    let secrets = &mut store.secrets.rows;
    if secrets.values().any(|kept| kept.name == name) {
        let message = format!("Secret with name {name} already exists");
        return Err(Failure::conflict(message));
    }
    if secrets.len() >= QUOTA {
        let message = format!("Secret quota exceeded. Maximum allowed: {QUOTA}");
        return Err(Failure::bad(message));
    }
    let id = app.new_id();
    let kept = Kept {
        id: id.clone(),
        name: name.to_owned(),
        description: given.description,
        hosts: given.hosts.unwrap_or_default(),
        placeholder: format!("dtn_secret_{}", ident::uuid().replace('-', "")),
        created_at: now,
        updated_at: now,
    };
    let view = kept.view();
    secrets.insert(id, kept);
    Ok(Reply::json(201, &view))
}

pub(crate) fn change(app: &App, id: &str, body: &Value) -> Result<Reply, Failure> {
    let mut problems = Vec::new();
    let given = given(body, &mut problems)?;
    if !problems.is_empty() {
        return Err(Failure::bad(problems.join(", ")));
    }
    let now = app.clock.now();
    let mut store = app.store();
    let kept = store.secrets.need(id)?;
    kept.description = given.description.or(kept.description.take());
    if let Some(hosts) = given.hosts {
        kept.hosts = hosts;
    }
    kept.updated_at = now;
    Ok(Reply::json(200, &kept.view()))
}

pub(crate) fn get(app: &App, id: &str) -> Result<Reply, Failure> {
    Ok(Reply::json(200, &app.store().secrets.need(id)?.view()))
}

/// Sandboxes that had it have it no more.
pub(crate) fn delete(app: &App, id: &str) -> Result<Reply, Failure> {
    let mut store = app.store();
    store.secrets.need(id)?;
    store.secrets.rows.remove(id);
    for row in store.rows.values_mut() {
        row.secrets.retain(|held| held.secret != id);
    }
    Ok(Reply::empty(204))
}

/// What older clients use.
pub(crate) fn all(app: &App) -> Reply {
    let store = app.store();
    let mut rows: Vec<_> = store.secrets.rows.values().collect();
    rows.sort_by_key(|kept| std::cmp::Reverse(kept.key("createdAt")));
    let rows: Vec<_> = rows.into_iter().map(Kept::view).collect();
    Reply::json(200, &rows)
}

const SORTS: [&str; 3] = ["createdAt", "name", "updatedAt"];

pub(crate) fn list(app: &App, query: &Query) -> Result<Reply, Failure> {
    let limit = query.limit()?;
    let (sort, ascending) = query.sort(&SORTS)?;
    let after = query.cursor::<(String, String)>()?;
    let part = query.get("name").map(str::to_lowercase);
    let store = app.store();
    let named = |kept: &&Kept| {
        let part = part.as_ref();
        part.is_none_or(|part| kept.name.to_lowercase().contains(part))
    };
    let rows = store.secrets.rows.values().filter(named);
    let mut rows: Vec<_> = rows.map(|kept| (kept.key(sort), kept)).collect();
    rows.sort_by(|(a, _), (b, _)| if ascending { a.cmp(b) } else { b.cmp(a) });
    let total = rows.len();
    if let Some(after) = &after {
        rows.retain(|(key, _)| if ascending { key > after } else { key < after });
    }
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| more);
    let next = last.and_then(|(key, _)| cursor(key));
    let items: Vec<_> = rows.iter().map(|(_, kept)| kept.view()).collect();
    Ok(Reply::json(
        200,
        &json!({ "items": items, "total": total, "nextCursor": next }),
    ))
}
