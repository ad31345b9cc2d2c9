//! The little XML that is spoken here.

use std::fmt::Write as _;

/// Text as it stands in an element.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            char if char.is_control() => {
                // writing to a String cannot fail
                let _ = write!(escaped, "&#{};", char as u32);
            }
            char => escaped.push(char),
        }
    }
    escaped
}

/// `<name>text</name>`
pub(super) fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escape(text))
}

pub(crate) fn document(root: &str, inside: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root}>{inside}</{root}>")
}

pub(crate) fn error(code: &str, message: &str) -> String {
    let inside = element("Code", code) + &element("Message", message);
    document("Error", &inside)
}

/// The texts of all elements of this name, as they are.
pub(super) fn all<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    text.split(&open)
        .skip(1)
        .filter_map(|after| Some(after.split_once(&close)?.0.trim()))
        .collect()
}
