//! What language servers answer, in the one shape that clients get.

use serde_json::{Map, Value, json};

/// What of a completion is told.
const MEMBERS: [&str; 7] = [
    "label",
    "kind",
    "detail",
    "documentation",
    "sortText",
    "filterText",
    "insertText",
];

/// A list, a bare array, or null.
pub(super) fn completions(found: Value) -> Value {
    let incomplete = found.get("isIncomplete").and_then(Value::as_bool);
    let items = match found {
        Value::Array(items) => items,
        Value::Object(mut list) => match list.remove("items") {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    let items: Vec<Value> = items.into_iter().filter_map(completion).collect();
    json!({ "isIncomplete": incomplete.unwrap_or(false), "items": items })
}

fn completion(item: Value) -> Option<Value> {
    let Value::Object(mut item) = item else {
        return None;
    };
    item.get("label")?.as_str()?;
    let edit = item
        .get_mut("textEdit")
        .and_then(|edit| edit.get_mut("newText"));
    if let Some(text) = edit.map(Value::take) {
        item.entry("insertText").or_insert(text);
    }
    item.retain(|name, value| MEMBERS.contains(&name.as_str()) && !value.is_null());
    Some(Value::Object(item))
}

/// Symbols with their places, or a tree of symbols of the file `uri`; as a flat list, in the order of the text.
pub(super) fn symbols(found: Value, uri: &str) -> Value {
    let Value::Array(found) = found else {
        return json!([]);
    };
    let mut left: Vec<Value> = found.into_iter().rev().collect();
    let mut symbols = Vec::new();
    while let Some(symbol) = left.pop() {
        let Value::Object(mut symbol) = symbol else {
            continue;
        };
        if let Some(Value::Array(children)) = symbol.remove("children") {
            left.extend(children.into_iter().rev());
        }
        symbols.extend(flat(&symbol, uri));
    }
    symbols.into()
}

fn flat(symbol: &Map<String, Value>, uri: &str) -> Option<Value> {
    let name = symbol.get("name")?.as_str()?;
    let kind = symbol.get("kind")?.as_u64()?;
    let start = || json!({ "line": 0, "character": 0 });
    let location = match (symbol.get("location"), symbol.get("range")) {
        (Some(location), _) => json!({
            "uri": location.get("uri")?,
            // one that would have to be asked for again
            "range": location.get("range").cloned().unwrap_or_else(|| json!({ "start": start(), "end": start() })),
        }),
        (None, Some(range)) => json!({ "uri": uri, "range": range }),
        (None, None) => return None,
    };
    Some(json!({ "name": name, "kind": kind, "location": location }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_completions_is_one() {
        let none = json!({ "isIncomplete": false, "items": [] });
        for odd in [
            json!(null),
            json!([]),
            json!({}),
            json!({ "items": 7 }),
            json!([7, {}, { "label": 7 }]),
        ] {
            assert_eq!(completions(odd), none);
        }
        let item = json!({
            "label": "a", "kind": 3, "data": 1, "detail": null, "textEdit": { "newText": "a()" },
        });
        let told = json!({ "label": "a", "kind": 3, "insertText": "a()" });
        assert_eq!(completions(json!([item]))["items"], json!([told]));
        let list = completions(json!({ "isIncomplete": true, "items": [item] }));
        assert_eq!(list, json!({ "isIncomplete": true, "items": [told] }));
    }

    #[test]
    fn a_tree_of_symbols_is_told_flat() {
        let range =
            json!({ "start": { "line": 1, "character": 0 }, "end": { "line": 2, "character": 0 } });
        let leaf =
            |name: &str| json!({ "name": name, "kind": 6, "range": range, "selectionRange": 0 });
        let tree = json!([
            { "name": "A", "kind": 5, "range": range, "children": [leaf("b"), leaf("c")] },
            { "name": "d", "kind": 12, "location": { "uri": "file:///e", "range": range } },
            { "name": "f", "kind": 12, "location": { "uri": "file:///g" } },
            { "name": "no place", "kind": 1 }, { "kind": 1 }, 7,
        ]);
        let flat = symbols(tree, "file:///x");
        let shown: Vec<_> = flat
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                format!(
                    "{} {}",
                    one["name"].as_str().unwrap(),
                    one["location"]["uri"].as_str().unwrap()
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "A file:///x",
                "b file:///x",
                "c file:///x",
                "d file:///e",
                "f file:///g"
            ]
        );
        assert_eq!(symbols(json!(null), ""), json!([]));
    }
}
