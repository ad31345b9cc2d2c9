//! Words of a Dockerfile's line, as the official client reads them.

/// The words of a line, with quotes and backslashes as a POSIX shell has them; `None` where a quote is left open.
pub(super) fn split(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        char => word.push(char),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '\\' => match chars.next()? {
                            char @ ('"' | '\\') => word.push(char),
                            char => word.extend(['\\', char]),
                        },
                        char => word.push(char),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(chars.next()?),
            char if char.is_ascii_whitespace() => words.extend(word.take()),
            char => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_a_shell() {
        let check = |text: &str, wanted: Option<&[&str]>| {
            let got = split(text);
            let got: Option<Vec<&str>> = got
                .as_ref()
                .map(|words| words.iter().map(String::as_str).collect());
            assert_eq!(got.as_deref(), wanted, "{text}");
        };
        check("a  b\tc", Some(&["a", "b", "c"]));
        check(r#""a b" 'c "d' e\ f"#, Some(&["a b", "c \"d", "e f"]));
        check(r#"a"b"c '' """#, Some(&["abc", "", ""]));
        check(r#""a\"b\n""#, Some(&["a\"b\\n"]));
        check("", Some(&[]));
        check("'open", None);
        check("\"open", None);
        check("a\\", None);
    }
}
