//! Lists of sandboxes.

use std::collections::BTreeMap;
use std::time::Duration;

use daytona_api::models::{SandboxDesiredState, SandboxState};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::row::Row;
use crate::app::App;
use crate::clock;
use crate::web::query::{Query, cursor};
use crate::web::reply::{Failure, Reply};

/// What a list can be sorted by; the first is the default.
const FIELDS: [&str; 6] = [
    "lastActivityAt",
    "createdAt",
    "name",
    "cpu",
    "memoryGib",
    "diskGib",
];
/// The same for the older list.
const PAGE_FIELDS: [&str; 8] = [
    "createdAt",
    "updatedAt",
    "lastActivityAt",
    "id",
    "name",
    "state",
    "snapshot",
    "region",
];

/// What a list is sorted by, with the id to decide ties.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Place {
    Number(i64, String),
    Text(String, String),
}

type Placed<'a> = Vec<(Place, &'a Row)>;

struct Filter {
    id: String,
    name: String,
    labels: BTreeMap<String, String>,
    states: Vec<String>,
    snapshots: Vec<String>,
    targets: Vec<String>,
    errored: bool,
    public: Option<bool>,
    created: (Option<Timestamp>, Option<Timestamp>),
    event: (Option<Timestamp>, Option<Timestamp>),
    ends: (Option<Timestamp>, Option<Timestamp>),
    amounts: [(Option<i64>, Option<i64>); 4],
}

impl Filter {
    fn parse(query: &Query, regions: &str) -> Result<Self, Failure> {
        let labels = match query.get("labels") {
            None | Some("") => BTreeMap::new(),
            Some(text) => serde_json::from_str(text)
                .map_err(|_| Failure::bad("Invalid labels JSON format"))?,
        };
        let states = query.all("states");
        let known = |state: &String| {
            SandboxState::ALL
                .iter()
                .any(|known| known.as_str() == state)
                && state != "destroyed"
        };
        if !states.iter().all(known) {
            return Err(Failure::bad(
                "each value in states must be one of the valid states",
            ));
        }
        Ok(Self {
            id: query.get("id").unwrap_or_default().to_lowercase(),
            name: query.get("name").unwrap_or_default().to_lowercase(),
            labels,
            states,
            snapshots: query.all("snapshots"),
            targets: query.all(regions),
            errored: query.flag("includeErroredDeleted").unwrap_or(false),
            public: query.flag("isPublic"),
            created: (
                query.time("createdAtAfter")?,
                query.time("createdAtBefore")?,
            ),
            event: (
                query.time("lastEventAfter")?,
                query.time("lastEventBefore")?,
            ),
            ends: (
                query.time("autoDestroyAtAfter")?,
                query.time("autoDestroyAtBefore")?,
            ),
            amounts: [
                (query.number("minCpu")?, query.number("maxCpu")?),
                (query.number("minMemoryGiB")?, query.number("maxMemoryGiB")?),
                (query.number("minDiskGiB")?, query.number("maxDiskGiB")?),
                (query.number("minGpu")?, query.number("maxGpu")?),
            ],
        })
    }

    fn fits(&self, row: &Row) -> bool {
        let failed = matches!(row.state, SandboxState::Error | SandboxState::BuildFailed);
        let hidden = failed && row.desired == SandboxDesiredState::Destroyed && !self.errored;
        let within = |at: Timestamp, (after, before): (Option<Timestamp>, Option<Timestamp>)| {
            after.is_none_or(|after| at >= after) && before.is_none_or(|before| at <= before)
        };
        let one_of = |list: &[String], value: Option<&str>| {
            list.is_empty() || value.is_some_and(|value| list.iter().any(|item| item == value))
        };
        let amounts = [row.cpu, row.memory, row.disk, row.gpu];
        !row.destroyed()
            && !hidden
            && row.id.to_lowercase().starts_with(&self.id)
            && row.name.to_lowercase().starts_with(&self.name)
            && self
                .labels
                .iter()
                .all(|(name, value)| row.labels.get(name) == Some(value))
            && one_of(&self.states, Some(row.state.as_str()))
            && one_of(&self.snapshots, row.snapshot.as_deref())
            && one_of(&self.targets, Some(&row.target))
            && self.public.is_none_or(|public| row.public == public)
            && within(row.created_at, self.created)
            && within(row.last_activity_at, self.event)
            && (self.ends == (None, None)
                || row.auto_destroy_at.is_some_and(|at| within(at, self.ends)))
            && amounts
                .iter()
                .zip(self.amounts)
                .all(|(&amount, (min, max))| {
                    min.is_none_or(|min| amount >= min) && max.is_none_or(|max| amount <= max)
                })
    }
}

fn place(row: &Row, sort: &str) -> Option<Place> {
    let number = |number| Some(Place::Number(number, row.id.clone()));
    let text = |text: &str| Some(Place::Text(text.to_owned(), row.id.clone()));
    match sort {
        "lastActivityAt" => number(row.last_activity_at.as_microsecond()),
        "createdAt" => number(row.created_at.as_microsecond()),
        "updatedAt" => number(row.updated_at.as_microsecond()),
        "cpu" => number(row.cpu),
        "memoryGib" => number(row.memory),
        "diskGib" => number(row.disk),
        "name" => text(&row.name),
        "id" => text(&row.id),
        "state" => text(row.state.as_str()),
        "snapshot" => text(row.snapshot.as_deref().unwrap_or_default()),
        "region" => text(&row.target),
        _ => None,
    }
}

/// The rows that fit, sorted.
fn select<'a>(
    rows: impl Iterator<Item = &'a Row>,
    query: &Query,
    filter: &Filter,
    fields: &[&str],
) -> Result<(Placed<'a>, bool), Failure> {
    let (sort, ascending) = query.sort(fields)?;
    let mut found = Vec::new();
    for row in rows.filter(|row| filter.fits(row)) {
        found.extend(place(row, sort).map(|place| (place, row)));
    }
    found.sort_by(|(a, _), (b, _)| if ascending { a.cmp(b) } else { b.cmp(a) });
    Ok((found, ascending))
}

/// The sandboxes; with a `lag` as they were so long ago.
pub(crate) fn list(app: &App, query: &Query, lag: Option<Duration>) -> Result<Reply, Failure> {
    let limit = query.limit()?;
    let filter = Filter::parse(query, "regionIds")?;
    let before = query.cursor::<Place>()?;
    let proxy = app.proxy_url();
    let store = app.store();
    let rows = store.at(lag.map(|lag| clock::before(app.clock.now(), lag)));
    let (found, ascending) = select(rows.iter().map(AsRef::as_ref), query, &filter, &FIELDS)?;
    let after = |place: &Place| match &before {
        None => true,
        Some(before) if ascending => place > before,
        Some(before) => place < before,
    };
    let mut rest = found
        .into_iter()
        .filter(|(place, _)| after(place))
        .peekable();
    let mut items = Vec::new();
    let mut last = None;
    while items.len() < limit
        && let Some((place, row)) = rest.next()
    {
        items.push(row.item(&proxy));
        last = Some(place);
    }
    let next = rest.peek().and(last).and_then(|place| cursor(&place));
    Ok(Reply::json(
        200,
        &json!({ "items": items, "nextCursor": next }),
    ))
}

/// What older clients use.
pub(crate) fn paginated(app: &App, query: &Query, lag: Option<Duration>) -> Result<Reply, Failure> {
    let (page, limit) = query.page()?;
    let filter = Filter::parse(query, "regions")?;
    let proxy = app.proxy_url();
    let store = app.store();
    let rows = store.at(lag.map(|lag| clock::before(app.clock.now(), lag)));
    let (found, _) = select(rows.iter().map(AsRef::as_ref), query, &filter, &PAGE_FIELDS)?;
    let total = found.len();
    let items: Vec<_> = found
        .into_iter()
        .skip((page - 1) * limit)
        .take(limit)
        .map(|(_, row)| row.view(&proxy))
        .collect();
    Ok(Reply::json(
        200,
        &json!({
            "items": items,
            "total": total,
            "page": page,
            "totalPages": total.div_ceil(limit),
        }),
    ))
}
