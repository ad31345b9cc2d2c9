//! The template grammar.

use super::{Segment, TemplateError, TemplateErrorKind as Kind};

pub(super) fn segments(text: &str) -> Result<Vec<Segment>, TemplateError> {
    let mut segments = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        let at = text.len() - after.len() - 1;
        plain.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            plain.push('$');
            rest = after;
        } else if let Some(inner) = after.strip_prefix('{') {
            let (name, remaining) = reference(text, at, inner)?;
            if !plain.is_empty() {
                segments.push(Segment::Text(std::mem::take(&mut plain)));
            }
            segments.push(name);
            rest = remaining;
        } else {
            return Err(TemplateError::new(Kind::LoneDollar, at..at + 1));
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        segments.push(Segment::Text(plain));
    }
    Ok(segments)
}

/// Reads what follows the `${` at byte `at` of `text`, and returns what follows the `}`.
fn reference<'t>(
    text: &str,
    at: usize,
    inner: &'t str,
) -> Result<(Segment, &'t str), TemplateError> {
    let Some((body, rest)) = inner.split_once('}') else {
        return Err(TemplateError::new(Kind::Unclosed, at..text.len()));
    };
    let body_at = at + 2;
    let (name, default) = match body.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (body, None),
    };
    if name.is_empty() {
        return Err(TemplateError::new(
            Kind::EmptyName,
            at..body_at + body.len() + 1,
        ));
    }
    if let Some(inside) = name.find('$') {
        let kind = if name.split_at(inside).1.starts_with("${") {
            Kind::Nested
        } else {
            Kind::LoneDollar
        };
        return Err(TemplateError::new(
            kind,
            body_at + inside..body_at + inside + 1,
        ));
    }
    let default = default
        .map(|text| default_text(text, body_at + name.len() + 2))
        .transpose()?;
    Ok((
        Segment::Name {
            name: name.to_owned(),
            default,
        },
        rest,
    ))
}

fn default_text(default: &str, at: usize) -> Result<String, TemplateError> {
    let mut plain = String::new();
    let mut rest = default;
    while let Some((before, after)) = rest.split_once('$') {
        plain.push_str(before);
        let dollar = at + default.len() - after.len() - 1;
        let Some(after_both) = after.strip_prefix('$') else {
            let kind = if after.starts_with('{') {
                Kind::Nested
            } else {
                Kind::LoneDollar
            };
            return Err(TemplateError::new(kind, dollar..dollar + 1));
        };
        plain.push('$');
        rest = after_both;
    }
    plain.push_str(rest);
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::{Kind, Segment, segments};

    fn show(text: &str) -> String {
        match segments(text) {
            Err(error) => format!("{:?} {:?}", error.kind(), error.span()),
            Ok(segments) => segments
                .iter()
                .map(|segment| match segment {
                    Segment::Text(text) => format!("[{text}]"),
                    Segment::Name {
                        name,
                        default: None,
                    } => format!("<{name}>"),
                    Segment::Name {
                        name,
                        default: Some(default),
                    } => format!("<{name}|{default}>"),
                })
                .collect(),
        }
    }

    #[test]
    fn grammar() {
        for (text, expect) in [
            ("", ""),
            ("plain {x} }", "[plain {x} }]"),
            ("${a}", "<a>"),
            ("x/${a}:${b:-c}!", "[x/]<a>[:]<b|c>[!]"),
            ("${a:-}", "<a|>"),
            ("${ag:x}", "<ag:x>"),
            ("${a:-b:-c}", "<a|b:-c>"),
            ("$$", "[$]"),
            ("$${a}", "[${a}]"),
            ("$$$$", "[$$]"),
            ("${a:-$$5}", "<a|$5>"),
            ("é${ü}", "[é]<ü>"),
            ("$", "LoneDollar 0..1"),
            ("é$x", "LoneDollar 2..3"),
            ("ab${a", "Unclosed 2..5"),
            ("${}", "EmptyName 0..3"),
            ("${:-x}", "EmptyName 0..6"),
            ("${a${b}}", "Nested 3..4"),
            ("${a$b}", "LoneDollar 3..4"),
            ("${a:-x${b}}", "Nested 6..7"),
            ("${a:-x$}", "LoneDollar 6..7"),
        ] {
            assert_eq!(show(text), expect, "template {text:?}");
        }
    }

    #[test]
    fn messages_read_well() {
        for (kind, expect) in [
            (Kind::Nested, "`${` inside `${`"),
            (Kind::Unclosed, "`${` without `}`"),
        ] {
            assert_eq!(kind.to_string(), expect);
        }
    }
}
