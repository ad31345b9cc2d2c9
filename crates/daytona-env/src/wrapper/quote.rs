//! Words and bytes as shell text that the shell can neither expand nor assign.

/// Appends `word` in single quotes.
pub(super) fn push_word(out: &mut String, word: &str) {
    out.push('\'');
    for (i, piece) in word.split('\'').enumerate() {
        if i > 0 {
            out.push_str("'\\''");
        }
        out.push_str(piece);
    }
    out.push('\'');
}

/// `word` in single quotes.
pub(super) fn word(word: &str) -> String {
    let mut out = String::with_capacity(word.len() + 2);
    push_word(&mut out, word);
    out
}

/// How many bytes one `printf` takes: where `printf` is a program, one argument is limited to
/// 128 KiB, and a byte is at most four characters.
const CHUNK: usize = 24 * 1024;

/// Appends `printf` commands that write exactly `bytes`. No program is needed where `printf` is
/// built in, and the text stays valid UTF-8 whatever the bytes are.
pub(super) fn push_printf(out: &mut String, bytes: &[u8]) {
    for chunk in bytes.chunks(CHUNK) {
        out.push_str("printf '");
        for &byte in chunk {
            match byte {
                b'%' => out.push_str("%%"),
                // A dash is escaped too: as the first character it would be an option.
                b' '..=b'~' if !matches!(byte, b'\'' | b'\\' | b'-') => out.push(char::from(byte)),
                _ => {
                    out.push('\\');
                    for shift in [6, 3, 0] {
                        out.push(char::from(b'0' + ((byte >> shift) & 7)));
                    }
                }
            }
        }
        out.push_str("'\n");
    }
}
