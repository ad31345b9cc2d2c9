//! What docs/observability.md says.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::recorder::Told;

const EVENT: [&str; 7] = [
    "event",
    "name",
    "id",
    "generation",
    "key",
    "scope",
    "account",
];

/// One span or line, as documented.
#[derive(Debug)]
struct Row {
    is_span: bool,
    name: String,
    level: String,
    of: String,
    fields: BTreeSet<String>,
}

#[derive(Debug)]
pub(crate) struct Tables {
    rows: Vec<Row>,
    /// The fields that are explained.
    explained: BTreeSet<String>,
}

fn code(cell: &str) -> String {
    cell.trim().trim_matches('`').to_owned()
}

impl Tables {
    pub(crate) fn parse(docs: &str) -> Self {
        let mut tables = Self {
            rows: Vec::new(),
            explained: BTreeSet::new(),
        };
        let mut table = "";
        for line in docs.lines() {
            let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
            match (line.starts_with('|'), cells.as_slice()) {
                (false, _) => table = "",
                _ if table.is_empty() => {
                    table = cells.first().map_or("", |cell| cell.trim());
                }
                _ if line.starts_with("|---") => {}
                (_, [name, level, of, fields]) if matches!(table, "span" | "line") => {
                    let mut all = BTreeSet::new();
                    for field in fields
                        .split(',')
                        .map(code)
                        .filter(|field| !field.is_empty())
                    {
                        match field.as_str() {
                            "of an event" => all.extend(EVENT.map(str::to_owned)),
                            _ => {
                                all.insert(field);
                            }
                        }
                    }
                    tables.rows.push(Row {
                        is_span: table == "span",
                        name: code(name),
                        level: code(level),
                        of: code(of),
                        fields: all,
                    });
                }
                (_, [field, _]) if table == "field" => {
                    tables.explained.insert(code(field));
                }
                _ => {}
            }
        }
        tables
    }

    /// Where it does not fit what was written.
    pub(crate) fn wrong(&self, told: &[Told]) -> Vec<String> {
        let mut wrong = BTreeSet::new();
        let mut seen = BTreeMap::<&str, BTreeSet<&str>>::new();
        for told in told {
            let name = told.name.as_str();
            let krate = told.target.split("::").next().unwrap();
            let is_it =
                |row: &&Row| row.is_span == told.is_span && row.name == name && row.of == krate;
            let Some(row) = self.rows.iter().find(is_it) else {
                wrong.insert(format!(
                    "{name} is not documented: {krate}, {}, {:?}",
                    told.level, told.fields
                ));
                continue;
            };
            if row.level != told.level {
                wrong.insert(format!("{name} is {}, not {}", told.level, row.level));
            }
            for field in &told.fields {
                if !row.fields.contains(*field) {
                    wrong.insert(format!("{name} has the field {field}"));
                }
            }
            for field in &row.fields {
                if !told.fields.contains(&field.as_str()) {
                    wrong.insert(format!("{name} has no field {field}"));
                }
            }
            if told.is_span {
                seen.entry(name).or_default().extend(told.values.keys());
            }
        }
        let mut used = BTreeSet::new();
        for row in &self.rows {
            used.extend(row.fields.iter().cloned());
            match seen.get(row.name.as_str()) {
                None if row.is_span => {
                    wrong.insert(format!("{} is documented and never seen", row.name));
                }
                Some(seen) if row.is_span => {
                    for field in &row.fields {
                        if !seen.contains(field.as_str()) {
                            wrong.insert(format!("{}: {field} never has a value", row.name));
                        }
                    }
                }
                _ => {}
            }
        }
        wrong.extend(
            used.difference(&self.explained)
                .map(|field| format!("{field} is not explained")),
        );
        wrong.extend(
            self.explained
                .difference(&used)
                .map(|field| format!("{field} is explained and never used")),
        );
        wrong.into_iter().collect()
    }

    /// Crate, level and message.
    pub(crate) fn lines_in_docs(&self) -> BTreeSet<[String; 3]> {
        let lines = self.rows.iter().filter(|row| !row.is_span);
        lines
            .map(|row| [row.of.clone(), row.level.clone(), row.name.clone()])
            .collect()
    }
}

/// Crate, level and message of each line that the source can write.
pub(crate) fn lines_in_source() -> BTreeSet<[String; 3]> {
    let mut lines = BTreeSet::new();
    for krate in ["daytona-api", "daytona-env", "sandbox-core"] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../crates")
            .join(krate);
        let mut folders = vec![root.join("src")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let text = fs::read_to_string(path).unwrap();
                    for level in ["trace", "debug", "info", "warn", "error"] {
                        // as it is called everywhere, and by the one macro around it
                        for call in [format!("tracing::{level}!("), format!("line!({level},")] {
                            let text: String = text.replace("line!(\n            ", "line!(");
                            for (at, _) in text.match_indices(&call) {
                                let message = message(text.get(at + call.len()..).unwrap());
                                lines.insert([krate.replace('-', "_"), level.to_owned(), message]);
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(lines.len() > 40, "{lines:?}");
    lines
}

/// The one text in a call, up to its end.
fn message(call: &str) -> String {
    let (_, rest) = call.split_once('"').unwrap();
    let (message, _) = rest.split_once('"').unwrap();
    message.to_owned()
}
