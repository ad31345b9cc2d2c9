//! Words and variables in an instruction.

use std::collections::BTreeMap;

/// The most that variables may come to, in bytes: no program could be given more.
const LARGEST: usize = 1 << 20;

#[derive(Clone, Default)]
pub(super) struct Vars {
    known: BTreeMap<String, String>,
    /// Bytes of all that was ever set.
    size: usize,
}

impl<const N: usize> From<[(String, String); N]> for Vars {
    fn from(known: [(String, String); N]) -> Self {
        let known = BTreeMap::from(known);
        Self { known, size: 0 }
    }
}

impl Vars {
    fn get(&self, name: &str) -> Option<&String> {
        self.known.get(name)
    }

    pub(super) fn set(&mut self, name: String, value: String) -> Result<(), &'static str> {
        self.size += name.len() + value.len();
        if self.size > LARGEST {
            return Err("the variables come to more than 1 MiB");
        }
        self.known.insert(name, value);
        Ok(())
    }
}

/// The words of a line with quotes taken off and variables put in, the latter not within single quotes. `None` where a
/// quote is left open, or where what is put in is more than variables may come to.
pub(super) fn words(text: &str, vars: &Vars) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars().peekable();
    let mut quote: Option<char> = None;
    let mut put_in = 0;
    while let Some(char) = chars.next() {
        match (char, quote) {
            ('\'', None) | ('"', None) => {
                quote = Some(char);
                word.get_or_insert_default();
            }
            (char, Some(open)) if char == open => quote = None,
            ('\\', None) => word.get_or_insert_default().push(chars.next()?),
            ('\\', Some('"')) => match chars.next()? {
                next @ ('"' | '\\' | '$') => word.get_or_insert_default().push(next),
                next => word.get_or_insert_default().extend(['\\', next]),
            },
            ('$', None | Some('"')) => {
                let value = variable(&mut chars, vars);
                put_in += value.len();
                if put_in > LARGEST {
                    return None;
                }
                word.get_or_insert_default().push_str(&value);
            }
            (char, None) if char.is_whitespace() => words.extend(word.take()),
            (char, _) => word.get_or_insert_default().push(char),
        }
    }
    if quote.is_some() {
        return None;
    }
    words.extend(word);
    Some(words)
}

/// The text of a variable whose `$` was read; one that is not known is empty.
fn variable(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, vars: &Vars) -> String {
    let mut name = String::new();
    if chars.next_if_eq(&'{').is_some() {
        for char in chars.by_ref() {
            if char == '}' {
                break;
            }
            name.push(char);
        }
        if let Some((name, default)) = name.split_once(":-") {
            let known = vars.get(name).filter(|value| !value.is_empty());
            return known.map_or_else(|| default.to_owned(), String::clone);
        }
        if let Some((name, other)) = name.split_once(":+") {
            let known = vars.get(name).is_some_and(|value| !value.is_empty());
            return if known {
                other.to_owned()
            } else {
                String::new()
            };
        }
    } else {
        while let Some(char) = chars.next_if(|char| char.is_ascii_alphanumeric() || *char == '_') {
            name.push(char);
        }
        if name.is_empty() {
            return "$".to_owned();
        }
    }
    vars.get(&name).cloned().unwrap_or_default()
}

/// `A=b C=d`, or the older `A b`.
pub(super) fn assignments(text: &str, vars: &Vars) -> Option<Vec<(String, String)>> {
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    if !first.contains('=') {
        let value = words(rest, vars)?.join(" ");
        return (!first.is_empty() && !rest.is_empty()).then(|| vec![(first.to_owned(), value)]);
    }
    words(text, vars)?
        .into_iter()
        .map(|word| {
            let (name, value) = word.split_once('=')?;
            (!name.is_empty()).then(|| (name.to_owned(), value.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_variables() {
        let vars = Vars::from([("A".to_owned(), "x y".to_owned())]);
        let check = |text: &str, wanted: &[&str]| {
            assert_eq!(words(text, &vars).unwrap(), wanted, "{text}");
        };
        check("a  'b $A' \"c $A\" $A/d", &["a", "b $A", "c x y", "x y/d"]);
        check(
            r#"'it'"'"'s' \$5 $ "${A}" ${B:-d} ${A:+e}"#,
            &["it's", "$5", "$", "x y", "d", "e"],
        );
        assert_eq!(words("'open", &vars), None);
        assert_eq!(words(&"$A".repeat(LARGEST), &vars), None);
    }

    #[test]
    fn both_spellings_of_env() {
        let vars = Vars::from([("P".to_owned(), "/bin".to_owned())]);
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            assignments("A=b C='d e' PATH=/x:$P", &vars).unwrap(),
            [pair("A", "b"), pair("C", "d e"), pair("PATH", "/x:/bin")]
        );
        assert_eq!(assignments("A b c", &vars).unwrap(), [pair("A", "b c")]);
        assert_eq!(assignments("A", &vars), None);
        assert_eq!(assignments("A=b C", &vars), None);
    }
}
