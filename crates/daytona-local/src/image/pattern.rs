//! Patterns of paths.

/// `*`, `?` and `[a-z]`, within one part of a path.
pub(super) fn fits_part(pattern: &str, name: &str) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    // the pattern after the last star, and what that star has not taken yet
    let mut star: Option<(&str, &str)> = None;
    loop {
        if let Some(after) = pattern.strip_prefix('*') {
            star = Some((after, name));
            pattern = after;
            continue;
        }
        if pattern.is_empty() && name.is_empty() {
            return true;
        }
        if let Some((after, rest)) = one(pattern, name) {
            (pattern, name) = (after, rest);
            continue;
        }
        let Some((after, left)) = star.filter(|(_, left)| !left.is_empty()) else {
            return false;
        };
        let mut left = left.chars();
        left.next();
        star = Some((after, left.as_str()));
        (pattern, name) = (after, left.as_str());
    }
}

/// What is left of both if the first part of the pattern takes the first character.
fn one<'a>(pattern: &'a str, name: &'a str) -> Option<(&'a str, &'a str)> {
    let (mut parts, mut chars) = (pattern.chars(), name.chars());
    let (first, char) = (parts.next()?, chars.next()?);
    let after = match first {
        '?' => parts.as_str(),
        '[' => {
            let (set, after) = parts.as_str().split_once(']')?;
            let negated = set.starts_with(['^', '!']);
            let set: Vec<char> = set.chars().skip(usize::from(negated)).collect();
            (in_set(&set, char) != negated).then_some(after)?
        }
        first => (first == char).then_some(parts.as_str())?,
    };
    Some((after, chars.as_str()))
}

fn in_set(set: &[char], char: char) -> bool {
    match *set {
        [] => false,
        [from, '-', to, ref after @ ..] => (from..=to).contains(&char) || in_set(after, char),
        [one, ref after @ ..] => one == char || in_set(after, char),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_one_part() {
        for (pattern, name, wanted) in [
            ("*", "", true),
            ("*.py", "a.py", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("[!a-c]?", "dx", true),
            ("[^a-c]?", "bx", false),
            ("[a-c]", "b", true),
            (
                "********************b",
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                false,
            ),
            ("caf?", "caf\u{e9}", true),
        ] {
            assert_eq!(fits_part(pattern, name), wanted, "{pattern} {name}");
        }
    }
}
