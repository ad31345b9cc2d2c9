//! Gives a name to enumerations that stand inside a member.

use anyhow::{Result, bail};

use super::ir::{Document, Kind, Model, Type};
use super::names;

/// Replaces every unnamed enumeration by a named one: an existing one with the same values, or a new one, named
/// after the member alone where several models share it, else after model and member.
pub(crate) fn name_choices(document: &mut Document) -> Result<()> {
    let mut found: Vec<(String, String, Vec<String>, bool)> = Vec::new();
    for model in &document.models {
        let Kind::Object(fields) = &model.kind else {
            continue;
        };
        for field in fields {
            if let Some(values) = choice(&field.ty) {
                let list = matches!(field.ty, Type::List(_));
                found.push((
                    model.name.clone(),
                    field.wire.clone(),
                    values.to_vec(),
                    list,
                ));
            }
        }
    }
    for (owner, member, values, list) in &found {
        if named(document, values).is_some() {
            continue;
        }
        let shared = found
            .iter()
            .filter(|(_, _, other, _)| other == values)
            .count()
            > 1;
        let given = GIVEN
            .iter()
            .find(|(model, field, _)| model == owner && field == member);
        let member = names::pascal(if *list {
            names::singular(member)
        } else {
            member
        });
        let name = match given {
            Some((_, _, name)) => (*name).to_owned(),
            None if shared => member,
            None => format!("{owner}{member}"),
        };
        if document.models.iter().any(|model| model.name == name) {
            bail!("the enumeration {name} exists with other values");
        }
        let kind = Kind::Choice(values.clone());
        let wire = name.clone();
        document.models.push(Model {
            wire,
            name,
            doc: String::new(),
            kind,
            group: String::new(),
        });
    }
    let Document { models, .. } = document;
    let choices: Vec<(String, Vec<String>)> = models
        .iter()
        .filter_map(|model| match &model.kind {
            Kind::Choice(values) => Some((model.wire.clone(), values.clone())),
            Kind::Object(_) | Kind::Alias(_) | Kind::ByHand(_) => None,
        })
        .collect();
    for model in models {
        if let Kind::Object(fields) = &mut model.kind {
            for field in fields {
                resolve(&mut field.ty, &choices);
            }
        }
    }
    Ok(())
}

/// Names by hand, where the rule gives a bad one: first model, member, name.
const GIVEN: &[(&str, &str, &str)] = &[
    ("AuditTargetScenario", "actions", "AuditAction"),
    ("AuditTargetScenario", "targetType", "AuditTargetType"),
    ("DockerRegistry", "registryType", "RegistryType"),
    ("OrganizationInvitation", "role", "OrganizationMemberRole"),
];

fn named<'a>(document: &'a Document, values: &[String]) -> Option<&'a Model> {
    document
        .models
        .iter()
        .find(|model| matches!(&model.kind, Kind::Choice(other) if other == values))
}

fn choice(ty: &Type) -> Option<&[String]> {
    match ty {
        Type::Choice(values) => Some(values),
        Type::List(inner) | Type::Map(inner) => choice(inner),
        Type::Text | Type::Bool | Type::Integer | Type::Float | Type::Any | Type::Named(_) => None,
    }
}

fn resolve(ty: &mut Type, choices: &[(String, Vec<String>)]) {
    match ty {
        Type::Choice(values) => {
            if let Some((wire, _)) = choices.iter().find(|(_, other)| other == values) {
                *ty = Type::Named(wire.clone());
            }
        }
        Type::List(inner) | Type::Map(inner) => resolve(inner, choices),
        Type::Text | Type::Bool | Type::Integer | Type::Float | Type::Any | Type::Named(_) => {}
    }
}
