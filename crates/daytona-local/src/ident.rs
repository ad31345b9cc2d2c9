//! Ids and tokens.

/// A random version 4 UUID.
pub(crate) fn uuid() -> String {
    let mut bytes = [0_u8; 16];
    random(&mut bytes);
    format_uuid(bytes)
}

/// The id with this number.
pub(crate) fn nth(number: u32) -> String {
    format_uuid((u128::from(number) << 96).to_be_bytes())
}

/// An id that is always the same for a name. It protects nothing.
pub(crate) fn uuid_of(name: &str) -> String {
    let mut bytes = [0_u8; 16];
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for (place, slot) in bytes.iter_mut().enumerate() {
        for byte in name
            .bytes()
            .chain([u8::try_from(place).unwrap_or_default()])
        {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        let [.., top] = hash.to_le_bytes();
        *slot = top;
    }
    format_uuid(bytes)
}

fn format_uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (place, byte) in bytes.into_iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// So many random lower-case letters and digits: a token that may stand in the name of a host.
pub(crate) fn letters(count: usize) -> String {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = String::with_capacity(count);
    while text.len() < count {
        let mut bytes = [0_u8; 32];
        random(&mut bytes);
        let fair = bytes.iter().filter(|&&byte| byte < 36 * 7);
        let letters = fair.filter_map(|byte| LETTERS.get(usize::from(byte % 36)));
        text.extend(
            letters
                .take(count - text.len())
                .map(|&letter| char::from(letter)),
        );
    }
    text
}

/// 256 random bits, as a bearer token.
pub(crate) fn token() -> String {
    use base64::Engine;
    let mut bytes = [0_u8; 32];
    random(&mut bytes);
    format!(
        "dtn_local_{}",
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
    )
}

#[expect(
    clippy::expect_used,
    reason = "a system without randomness cannot be served at all"
)]
fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system gives random bytes");
}
