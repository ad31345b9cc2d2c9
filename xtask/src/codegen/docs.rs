//! From descriptions to doc comments.

/// One paragraph, safe in rustdoc, in lines of bearable length.
pub(crate) fn lines(description: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words(description) {
        let line = lines.last_mut().map(|line| (line.len() + word.len(), line));
        match line {
            Some((length, line)) if length < 106 || line.is_empty() => {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(&word);
            }
            // A line that begins with a mark would start a list.
            _ if word.starts_with(['-', '+', '*', '#', '>'])
                || word.ends_with(['.', ')']) && word.len() < 4 =>
            {
                if let Some(line) = lines.last_mut() {
                    line.push(' ');
                    line.push_str(&word);
                }
            }
            _ => lines.push(word),
        }
    }
    if let Some(last) = lines.last_mut()
        && !last.ends_with(['.', ':', '!', '?'])
    {
        last.push('.');
    }
    lines
}

fn words(description: &str) -> Vec<String> {
    let mut in_code = false;
    let mut out = Vec::new();
    for word in description.split_whitespace() {
        let ticks = word.matches('`').count();
        if in_code || ticks > 0 {
            in_code ^= ticks % 2 == 1;
            out.push(word.to_owned());
        } else {
            out.push(clean(word));
        }
    }
    if in_code {
        out.iter()
            .map(|word| word.replace('`', "'"))
            .map(|word| clean(&word))
            .collect()
    } else {
        out
    }
}

fn clean(word: &str) -> String {
    if word.contains("://") || word.contains("=<") {
        let end = word.trim_end_matches(['.', ',', ')', ';', ':']);
        let start = end.trim_start_matches('(');
        let open = &end[..end.len() - start.len()];
        return format!("{open}`{start}`{}", &word[end.len()..]);
    }
    let mut out = String::new();
    for c in word.chars() {
        if matches!(c, '[' | ']' | '<' | '>' | '*') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_made_safe() {
        assert_eq!(lines("List [all]\n\nof them"), [r"List \[all\] of them."]);
        assert_eq!(lines("See (https://x.io/a)."), ["See (`https://x.io/a`)."]);
        assert_eq!(lines("keep `Vec<u8>` as is"), ["keep `Vec<u8>` as is."]);
        assert_eq!(lines("an odd ` tick <b>"), [r"an odd ' tick \<b\>."]);
        assert!(
            lines(&"word ".repeat(80))
                .iter()
                .all(|line| line.len() < 112)
        );
    }
}
