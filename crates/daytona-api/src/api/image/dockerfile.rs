//! Which local files the lines of a Dockerfile copy.

/// The sources of one `COPY` or `ADD` of local files.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Copied {
    /// As they are written.
    Sources(Vec<String>),
    /// They cannot be known here; why not.
    Unknown(&'static str),
}

/// Every instruction of `text` that copies local files, in order.
pub(super) fn copies(text: &str) -> Vec<Copied> {
    instructions(text)
        .iter()
        .filter_map(|line| copied(line))
        .collect()
}

/// Instructions, each on one line: continued lines are joined, comments and here-documents left out.
fn instructions(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut current: Option<String> = None;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let is_comment = line.trim_start().starts_with('#');
        if is_comment || (current.is_some() && line.trim().is_empty()) {
            // within a continued instruction too
            continue;
        }
        let stripped = line.trim_end();
        let continued = stripped.strip_suffix('\\');
        let part = continued.unwrap_or(line);
        current.get_or_insert_default().push_str(part);
        if continued.is_some() {
            continue;
        }
        let whole = current.take().unwrap_or_default();
        for end in here_documents(&whole) {
            let ends = |line: &str| line.trim_start_matches('\t') == end;
            for line in lines.by_ref() {
                if ends(line) {
                    break;
                }
            }
        }
        if !whole.trim().is_empty() {
            all.push(whole);
        }
    }
    all.extend(current.filter(|rest| !rest.trim().is_empty()));
    all
}

/// What ends each here-document that an instruction opens.
fn here_documents(line: &str) -> Vec<String> {
    let first = line.split_whitespace().next().unwrap_or_default();
    let takes = ["RUN", "COPY", "ADD"]
        .iter()
        .any(|name| first.eq_ignore_ascii_case(name));
    if !takes {
        return Vec::new();
    }
    line.split_whitespace()
        .filter(|word| opens_here_document(word))
        .filter_map(|word| Some(word.split_once("<<")?.1))
        .map(|name| {
            let name = name.strip_prefix('-').unwrap_or(name);
            name.trim_matches(['"', '\'']).to_owned()
        })
        .filter(|name| !name.is_empty())
        .collect()
}

pub(super) fn opens_here_document(word: &str) -> bool {
    word.trim_start_matches(|char: char| char.is_ascii_digit())
        .strip_prefix("<<")
        .is_some_and(|name| !name.contains('<'))
}

fn copied(line: &str) -> Option<Copied> {
    let (name, rest) = line.trim_start().split_once(char::is_whitespace)?;
    let rest = rest.trim();
    if name.eq_ignore_ascii_case("ONBUILD") {
        // it is for another build, which will not have these files
        return copied(rest)
            .map(|_| Copied::Unknown("`ONBUILD` copies files of a build that is yet to come"));
    }
    let add = name.eq_ignore_ascii_case("ADD");
    if !add && !name.eq_ignore_ascii_case("COPY") {
        return None;
    }
    let mut parts = rest;
    while parts.starts_with("--") {
        let (flag, after) = parts.split_once(char::is_whitespace).unwrap_or((parts, ""));
        if !add && flag.starts_with("--from=") {
            return None;
        }
        parts = after.trim_start();
    }
    if parts.split_whitespace().any(opens_here_document) {
        return None;
    }
    let words = if parts.starts_with('[') {
        serde_json::from_str::<Vec<String>>(parts).ok()
    } else {
        super::words::split(parts)
    };
    let Some(mut words) = words.filter(|words| words.len() >= 2) else {
        return Some(Copied::Unknown(
            "`COPY` and `ADD` need at least a source and a destination, in words or as a JSON array",
        ));
    };
    words.pop();
    if add {
        words.retain(|source| !is_address(source));
    }
    if words.iter().any(|source| source.contains('$')) {
        return Some(Copied::Unknown(
            "a source with a variable in it is known to the build only: write it out",
        ));
    }
    (!words.is_empty()).then_some(Copied::Sources(words))
}

fn is_address(source: &str) -> bool {
    ["http://", "https://", "git@", "git://"]
        .iter()
        .any(|scheme| source.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(text: &str) -> Vec<Vec<String>> {
        copies(text)
            .into_iter()
            .map(|copied| match copied {
                Copied::Sources(sources) => sources,
                Copied::Unknown(why) => vec![format!("? {why}")],
            })
            .collect()
    }

    #[test]
    fn sources_are_found_however_they_are_written() {
        let text = "# COPY no /\n\
            FROM a AS b\n\
            COPY --chown=me:us --link one two/ /x/\n\
            copy [\"th ree\", \"/x\"]\n\
            COPY --from=b /a /b\n\
            COPY fo\\\n# comment\n\nur /x\n\
            ADD https://example.org/a five /x/\n\
            ADD https://example.org/a /x\n\
            RUN <<EOF cat\nCOPY not this\nEOF\n\
            COPY <<-\"END\" /x\nCOPY nor this\n\tEND\n\
            COPY 'si x' /x\n\
            RUN COPY seven /x\n";
        assert_eq!(
            sources(text),
            [
                vec!["one", "two/"],
                vec!["th ree"],
                vec!["four"],
                vec!["five"],
                vec!["si x"],
            ]
        );
    }

    #[test]
    fn what_cannot_be_known_is_told() {
        for text in [
            "COPY a",
            "COPY",
            "COPY 'a b",
            "COPY [\"a\"]",
            "COPY [\"a\", 1]",
            "COPY $A /x",
            "ONBUILD COPY . .",
        ] {
            let found = sources(text);
            if text == "COPY" {
                assert!(found.is_empty());
            } else {
                assert!(found[0][0].starts_with("? "), "{text}: {found:?}");
            }
        }
    }
}
