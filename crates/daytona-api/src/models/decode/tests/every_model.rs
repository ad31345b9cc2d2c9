//! Every generated model reads what an older, a newer and a sloppier server writes, and keeps all that it knows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use crate::generated::shapes;
use crate::models::decode::shape::{Field, Kind, Model, Type};

/// Objects within objects that are filled; what is deeper stays away or empty.
const DEPTH: u32 = 3;
const CASES: u32 = 24;

/// What is sent and what must be left after decoding and encoding. `None`: no such member.
type Case = (Option<Value>, Option<Value>);

struct Document {
    models: &'static [Model],
}

impl Document {
    fn model(&self, wire: &str) -> &'static Model {
        let found = self.models.iter().find(|model| model.wire == wire);
        found.unwrap_or_else(|| panic!("{wire} is not in the list"))
    }

    /// A value of the type in one of the spellings a server may choose, and what it means.
    fn value(&self, ty: &Type, depth: u32) -> BoxedStrategy<(Value, Value)> {
        match ty {
            Type::Text => prop_oneof![
                4 => ".{0,6}".prop_map(|text| (json!(text), json!(text))),
                1 => any::<i32>().prop_map(|number| (json!(number), json!(number.to_string()))),
            ]
            .boxed(),
            Type::Bool => any::<bool>()
                .prop_flat_map(|yes| {
                    let spelled = prop_oneof![Just(json!(yes)), Just(json!(yes.to_string()))];
                    spelled.prop_map(move |spelled| (spelled, json!(yes)))
                })
                .boxed(),
            Type::Integer => (-(1_i64 << 53)..=(1 << 53))
                .prop_flat_map(|number| {
                    let spelled = prop_oneof![
                        Just(json!(number)),
                        Just(json!(number as f64)),
                        Just(json!(number.to_string())),
                    ];
                    spelled.prop_map(move |spelled| (spelled, json!(number)))
                })
                .boxed(),
            Type::Float => prop_oneof![
                any::<f64>()
                    .prop_filter("not of JSON", |number| number.is_finite())
                    .prop_map(|number| (json!(number), json!(number))),
                any::<i32>().prop_map(|number| (json!(number), json!(f64::from(number)))),
            ]
            .boxed(),
            Type::Any => super::json_value()
                .prop_filter("null is not there", |value| !value.is_null())
                .prop_map(|value| (value.clone(), value))
                .boxed(),
            Type::List(inner) => {
                let some = prop::collection::vec(self.element(inner, depth), 0..3);
                some.prop_map(|elements| {
                    let (sent, kept): (Vec<_>, Vec<_>) = elements.into_iter().unzip();
                    (json!(sent), kept.into_iter().flatten().collect())
                })
                .boxed()
            }
            Type::Map(inner) => {
                let some = prop::collection::btree_map(".{0,4}", self.element(inner, depth), 0..3);
                some.prop_map(|entries| {
                    let mut kept = Map::new();
                    let mut sent = Map::new();
                    for (key, (value, meant)) in entries {
                        kept.extend(meant.map(|meant| (key.clone(), meant)));
                        sent.insert(key, value);
                    }
                    (json!(sent), json!(kept))
                })
                .boxed()
            }
            // What it knows itself is tried where it is written.
            Type::Whole => prop::collection::btree_map("[a-z]{0,4}_x", super::json_value(), 0..3)
                .prop_map(|members| (json!(members), json!(members)))
                .boxed(),
            Type::Named(wire) => match &self.model(wire).kind {
                Kind::Choice(known) => choice(known),
                Kind::Alias(ty) => self.value(ty, depth),
                Kind::Object(fields) => self.object(fields, depth.saturating_sub(1)),
            },
        }
    }

    /// An element of a list or map: a null among them is left out.
    fn element(&self, ty: &Type, depth: u32) -> BoxedStrategy<(Value, Option<Value>)> {
        if depth == 0 && self.is_object(ty) {
            return Just((Value::Null, None)).boxed();
        }
        prop_oneof![
            5 => self.value(ty, depth).prop_map(|(sent, kept)| (sent, Some(kept))),
            1 => Just((Value::Null, None)),
        ]
        .boxed()
    }

    fn object(&self, fields: &'static [Field], depth: u32) -> BoxedStrategy<(Value, Value)> {
        let members: Vec<_> = fields
            .iter()
            .map(|field| self.member(field, depth))
            .collect();
        // No member of any document ends so.
        let unknown = prop::collection::btree_map("[a-z]{0,4}_x", super::json_value(), 0..3);
        (members, unknown)
            .prop_map(move |(members, unknown)| {
                let mut sent: Map<String, Value> = unknown.into_iter().collect();
                let mut kept = Map::new();
                for (field, (there, meant)) in fields.iter().zip(members) {
                    sent.extend(there.map(|value| (field.wire.to_owned(), value)));
                    kept.extend(meant.map(|value| (field.wire.to_owned(), value)));
                }
                (json!(sent), json!(kept))
            })
            .boxed()
    }

    fn member(&self, field: &Field, depth: u32) -> BoxedStrategy<Case> {
        let nothing = match (field.required, field.nullable) {
            (true, false) => Some(self.default_of(&field.ty)),
            (true, true) => Some(Value::Null),
            (false, _) => None,
        };
        let away = prop_oneof![Just(None), Just(Some(Value::Null))]
            .prop_map(move |sent| (sent, nothing.clone()));
        if depth == 0 && self.is_object(&field.ty) {
            return away.boxed();
        }
        let there = self.value(&field.ty, depth);
        prop_oneof![
            3 => there.prop_map(|(sent, kept)| (Some(sent), Some(kept))),
            1 => away,
        ]
        .boxed()
    }

    fn is_object(&self, ty: &Type) -> bool {
        match ty {
            Type::Named(wire) => match &self.model(wire).kind {
                Kind::Object(_) => true,
                Kind::Alias(ty) => self.is_object(ty),
                Kind::Choice(_) => false,
            },
            _ => false,
        }
    }

    /// What a required member is when it is not sent.
    fn default_of(&self, ty: &Type) -> Value {
        match ty {
            Type::Text => json!(""),
            Type::Bool => json!(false),
            Type::Integer => json!(0),
            Type::Float => json!(0.0),
            Type::Any => Value::Null,
            Type::List(_) => json!([]),
            Type::Map(_) | Type::Whole => json!({}),
            Type::Named(wire) => match &self.model(wire).kind {
                Kind::Choice(_) => json!(""),
                Kind::Alias(ty) => self.default_of(ty),
                Kind::Object(fields) => {
                    let required = fields.iter().filter(|field| field.required);
                    let members = required.map(|field| {
                        let value = match field.nullable {
                            true => Value::Null,
                            false => self.default_of(&field.ty),
                        };
                        (field.wire.to_owned(), value)
                    });
                    Value::Object(members.collect())
                }
            },
        }
    }
}

/// A value the document knows, or one of a later server, which is kept as text.
fn choice(known: &'static [&'static str]) -> BoxedStrategy<(Value, Value)> {
    prop_oneof![
        prop::sample::select(known).prop_map(str::to_owned),
        "[a-zA-Z_ -]{0,12}",
    ]
    .prop_map(|text| (json!(text), json!(text)))
    .boxed()
}

fn documents() -> [(&'static str, Document); 2] {
    let control = Document {
        models: shapes::models::ALL,
    };
    let toolbox = Document {
        models: shapes::toolbox::ALL,
    };
    [("models", control), ("toolbox", toolbox)]
}

#[test]
fn every_model_keeps_what_it_knows() {
    for (name, document) in documents() {
        for model in document.models {
            // An alias is a list or map of serde's at the top; as a member it is tried with its owner.
            let whole = match &model.kind {
                Kind::Object(fields) => document.object(fields, DEPTH),
                Kind::Choice(known) => choice(known),
                Kind::Alias(_) => continue,
            };
            let mut runner = TestRunner::new(ProptestConfig {
                cases: CASES,
                failure_persistence: None,
                ..ProptestConfig::default()
            });
            let outcome = runner.run(&whole, |(sent, kept)| {
                let decoded = (model.again)(&sent.to_string());
                let found = decoded.map_err(|error| TestCaseError::fail(error.to_string()))?;
                prop_assert_eq!(found, kept, "sent {}", sent);
                Ok(())
            });
            if let Err(error) = outcome {
                panic!("{name}::{}: {error}", model.name);
            }
        }
    }
}

#[test]
fn no_model_is_missing_in_the_list() {
    for (folder, document) in documents() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("src/generated")
            .join(folder);
        let mut written = BTreeSet::new();
        for entry in fs::read_dir(&path).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            for line in text.lines() {
                let item = ["pub struct ", "pub enum ", "pub type "]
                    .iter()
                    .find_map(|start| line.strip_prefix(start));
                written.extend(item.map(|rest| {
                    let end = rest.find(|c: char| !c.is_alphanumeric());
                    rest[..end.unwrap_or(rest.len())].to_owned()
                }));
            }
        }
        let listed: BTreeMap<_, _> = document
            .models
            .iter()
            .map(|model| (model.name.to_owned(), model.wire))
            .collect();
        assert_eq!(
            listed.into_keys().collect::<BTreeSet<_>>(),
            written,
            "{folder}"
        );
        assert!(document.models.len() > 100, "{folder}");
    }
}
