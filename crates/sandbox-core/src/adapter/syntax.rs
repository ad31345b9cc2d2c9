//! Shell syntax that a model may try where there is no shell.

/// True if the line holds a redirect, a pipe, chaining or a substitution outside quotes and
/// escapes. What quotes and escapes hide is cut out first, so what stood on both sides of it
/// counts as adjacent.
pub(super) fn has_operator(line: &str) -> bool {
    let mut quote = None;
    let mut before = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match quote {
            Some(open) if c == open => quote = None,
            Some('"') if c == '\\' => {
                chars.next();
            }
            Some(_) => {}
            None => match c {
                '\'' | '"' => quote = Some(c),
                '\\' => {
                    chars.next();
                }
                '>' | '<' | '|' | ';' | '&' | '\n' | '\r' | '`' => return true,
                '(' if before == Some('$') => return true,
                c => before = Some(c),
            },
        }
    }
    false
}
