//! Instructions of a Dockerfile.

/// One instruction, and the lines it was written on.
pub(super) struct Instruction<'a> {
    /// In capitals.
    pub(super) name: String,
    /// What follows the name, on one line.
    pub(super) rest: String,
    pub(super) lines: Vec<&'a str>,
    /// It has text of its own behind it.
    pub(super) here_document: bool,
}

/// Comments and empty lines are instructions without a name.
pub(super) fn instructions(text: &str) -> Vec<Instruction<'_>> {
    let mut all = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut written = vec![line];
        let mut whole = String::new();
        let mut part = line;
        if !is_comment(line) {
            while let Some(begun) = part.trim_end().strip_suffix('\\') {
                whole.push_str(begun);
                part = "";
                for line in lines.by_ref() {
                    written.push(line);
                    if !line.trim().is_empty() && !is_comment(line) {
                        part = line;
                        break;
                    }
                }
            }
        }
        if !is_comment(part) {
            whole.push_str(part);
        }
        let whole = whole.trim();
        let (name, rest) = whole.split_once(char::is_whitespace).unwrap_or((whole, ""));
        let name = name.to_ascii_uppercase();
        let ends = here_documents(&name, rest);
        for end in &ends {
            for line in lines.by_ref() {
                written.push(line);
                if line.trim_start_matches('\t') == end {
                    break;
                }
            }
        }
        all.push(Instruction {
            name,
            rest: rest.trim().to_owned(),
            lines: written,
            here_document: !ends.is_empty(),
        });
    }
    all
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// What ends each text that an instruction has behind it.
fn here_documents(name: &str, rest: &str) -> Vec<String> {
    if !matches!(name, "RUN" | "COPY" | "ADD") {
        return Vec::new();
    }
    rest.split_whitespace()
        .filter_map(|word| {
            let word = word.trim_start_matches(|char: char| char.is_ascii_digit());
            let end = word.strip_prefix("<<")?;
            let end = end.strip_prefix('-').unwrap_or(end);
            let end = end.trim_matches(['"', '\'']);
            (!end.is_empty() && !end.contains('<')).then(|| end.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_belong_to_instructions() {
        let text = "# c\nFROM a\n\nrun x \\\n# c\n\n  y\nRUN <<E\nCOPY a b\nE\nENV A=b\\";
        let all = instructions(text);
        let all: Vec<_> = all
            .iter()
            .map(|one| (one.name.as_str(), one.rest.as_str(), one.lines.len()))
            .collect();
        assert_eq!(
            all,
            [
                ("", "", 1),
                ("FROM", "a", 1),
                ("", "", 1),
                ("RUN", "x   y", 4),
                ("RUN", "<<E", 3),
                ("ENV", "A=b", 1),
            ]
        );
    }
}
