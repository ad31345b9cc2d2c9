//! Names that are like no other.

use std::fmt::Write as _;

use crate::error::Error;

/// This many random bytes as hexadecimal text, to make a name unlike every other.
pub(crate) fn hex<const BYTES: usize>() -> Result<String, Error> {
    let mut random = [0u8; BYTES];
    getrandom::fill(&mut random).map_err(|_| Error::build("the system gives no random bytes"))?;
    Ok(random.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
