//! What both dialects are read into.

use std::collections::BTreeSet;

/// One document.
#[derive(Debug, Default)]
pub(crate) struct Document {
    pub(crate) title: String,
    pub(crate) version: String,
    pub(crate) models: Vec<Model>,
    pub(crate) operations: Vec<Operation>,
}

#[derive(Debug)]
pub(crate) struct Model {
    /// The name in the document.
    pub(crate) wire: String,
    /// The Rust name.
    pub(crate) name: String,
    pub(crate) doc: String,
    pub(crate) kind: Kind,
    /// The tag of the first operation that reaches it; set by [`Document::group`].
    pub(crate) group: String,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Object(Vec<Field>),
    Choice(Vec<String>),
    Alias(Type),
    /// Not generated: the path of a type by hand, which keeps whatever object it is given.
    ByHand(String),
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) wire: String,
    pub(crate) doc: String,
    pub(crate) ty: Type,
    pub(crate) required: bool,
    pub(crate) nullable: bool,
    pub(crate) deprecated: bool,
    /// From the overlay.
    pub(crate) newer: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    Bool,
    Integer,
    Float,
    Any,
    List(Box<Self>),
    Map(Box<Self>),
    /// A model, by the name in the document.
    Named(String),
    /// An enumeration without a name of its own; gone after [`super::inline::name_choices`].
    Choice(Vec<String>),
}

#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) tag: String,
    pub(crate) doc: String,
    pub(crate) deprecated: bool,
    pub(crate) newer: bool,
    pub(crate) query: Vec<Query>,
    pub(crate) headers: Vec<String>,
    pub(crate) request_types: Vec<String>,
    pub(crate) request: Option<Type>,
    pub(crate) response_types: Vec<String>,
    pub(crate) response: Option<Type>,
    pub(crate) success: BTreeSet<u16>,
    /// Whether a method is generated for it; set by the overlay.
    pub(crate) raw: bool,
}

#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) name: String,
    pub(crate) required: bool,
    pub(crate) array: bool,
    /// The schema, for those that name one.
    pub(crate) ty: Type,
}

impl Type {
    /// The model it is or holds.
    pub(crate) fn model(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            Self::List(inner) | Self::Map(inner) => inner.model(),
            Self::Text | Self::Bool | Self::Integer | Self::Float | Self::Any | Self::Choice(_) => {
                None
            }
        }
    }

    /// Whether free text may be in it.
    pub(crate) fn holds_text(&self) -> bool {
        match self {
            Self::Text | Self::Any => true,
            Self::List(inner) | Self::Map(inner) => inner.holds_text(),
            Self::Bool | Self::Integer | Self::Float | Self::Named(_) | Self::Choice(_) => false,
        }
    }

    /// Whether it needs the map type.
    pub(crate) fn has_map(&self) -> bool {
        match self {
            Self::Map(_) => true,
            Self::List(inner) => inner.has_map(),
            Self::Text | Self::Bool | Self::Integer | Self::Float | Self::Any => false,
            Self::Named(_) | Self::Choice(_) => false,
        }
    }
}

impl Operation {
    /// The `{names}` in the path, in order.
    pub(crate) fn path_params(&self) -> Vec<&str> {
        self.path
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split_once('}'))
            .map(|(name, _)| name)
            .collect()
    }
}

impl Document {
    pub(crate) fn model(&self, wire: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.wire == wire)
    }

    /// Puts every model into the group of the first tag that reaches it.
    pub(crate) fn group(&mut self) {
        let mut starts = Vec::new();
        for operation in &self.operations {
            let types = operation.request.iter().chain(&operation.response);
            let types = types.chain(operation.query.iter().map(|query| &query.ty));
            starts.extend(
                types
                    .filter_map(Type::model)
                    .map(|wire| (wire.to_owned(), operation.tag.clone())),
            );
        }
        while let Some((wire, tag)) = pop_front(&mut starts) {
            let Some(model) = self.models.iter_mut().find(|model| model.wire == wire) else {
                continue;
            };
            if !model.group.is_empty() {
                continue;
            }
            model.group.clone_from(&tag);
            let reached: Vec<&Type> = match &model.kind {
                Kind::Object(fields) => fields.iter().map(|field| &field.ty).collect(),
                Kind::Alias(ty) => vec![ty],
                Kind::Choice(_) | Kind::ByHand(_) => Vec::new(),
            };
            let reached = reached
                .into_iter()
                .filter_map(Type::model)
                .map(|wire| (wire.to_owned(), tag.clone()));
            // Depth first: what a model holds belongs to its group rather than to a later tag's.
            starts.splice(0..0, reached.collect::<Vec<_>>());
        }
        for model in &mut self.models {
            if model.group.is_empty() {
                "common".clone_into(&mut model.group);
            }
        }
    }
}

fn pop_front<T>(list: &mut Vec<T>) -> Option<T> {
    if list.is_empty() {
        None
    } else {
        Some(list.remove(0))
    }
}
