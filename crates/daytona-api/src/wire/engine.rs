//! Packets of the event socket: Engine.IO 4, and Socket.IO 5 in it, as text frames. Without any I/O.

use std::fmt;
use std::time::Duration;

use serde::de::{DeserializeSeed, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use zeroize::Zeroizing;

/// What a client answers to a ping.
pub(crate) const PONG: &str = "3";

/// A packet from the server. Without Debug: an event holds what the server knows of a sandbox, its variables too.
#[derive(PartialEq, Eq)]
pub(crate) enum Packet<'a> {
    /// The connection is open.
    Open(Rhythm),
    Ping,
    /// The namespace is joined.
    Joined,
    /// The namespace was refused, with the server's reason.
    Refused(Option<String>),
    /// An event: its name and arguments, a JSON array.
    Event(&'a str),
    /// The server ends the connection or the namespace.
    Close,
    /// Nothing that concerns us: another namespace, an acknowledgement, binary data, a packet of a later version.
    Other,
}

/// How often the server pings, and how late a ping may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rhythm {
    interval: Duration,
    timeout: Duration,
}

impl Rhythm {
    /// Without anything from the server for this long, the connection is dead.
    pub(crate) fn patience(self) -> Duration {
        self.interval + self.timeout
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opened {
    ping_interval: f64,
    ping_timeout: f64,
}

#[derive(Deserialize)]
struct Reason {
    message: Option<String>,
}

/// What a server says that is no packet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// Reads a text frame.
pub(crate) fn read(text: &str) -> Result<Packet<'_>, Malformed> {
    let mut kinds = text.chars();
    match kinds.next() {
        Some('0') => opened(kinds.as_str()).map(Packet::Open),
        Some('1') => Ok(Packet::Close),
        Some('2') => Ok(Packet::Ping),
        Some('4') => message(kinds.as_str()),
        Some('3' | '5' | '6') => Ok(Packet::Other),
        _ => Err(Malformed("the server sent a frame that is no packet")),
    }
}

fn opened(json: &str) -> Result<Rhythm, Malformed> {
    let wrong = Malformed("the server opened the event socket without saying how often it pings");
    let Ok(opened) = serde_json::from_str::<Opened>(json) else {
        return Err(wrong);
    };
    // a server that says nonsense here is not waited for till the end of time
    let sane = |milliseconds: f64| {
        let read = Duration::try_from_secs_f64(milliseconds / 1000.0);
        read.ok().filter(|read| read.as_secs() <= 300)
    };
    match (sane(opened.ping_interval), sane(opened.ping_timeout)) {
        (Some(interval), Some(timeout)) if !interval.is_zero() => Ok(Rhythm { interval, timeout }),
        _ => Err(wrong),
    }
}

fn message(text: &str) -> Result<Packet<'_>, Malformed> {
    let wrong = Err(Malformed("the server sent a message that is no packet"));
    let mut kinds = text.chars();
    let Some(kind) = kinds.next() else {
        return wrong;
    };
    let rest = kinds.as_str();
    // `/name,` before the data is a namespace that nobody joined
    if rest.starts_with('/') {
        return Ok(Packet::Other);
    }
    match kind {
        '0' => Ok(Packet::Joined),
        '1' => Ok(Packet::Close),
        '2' => {
            // an id asks for an acknowledgement, which Daytona's server does not
            let array = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
            if array.starts_with('[') {
                Ok(Packet::Event(array))
            } else {
                wrong
            }
        }
        '4' => {
            let said = serde_json::from_str::<Reason>(rest);
            Ok(Packet::Refused(said.ok().and_then(|said| said.message)))
        }
        '3' | '5' | '6' => Ok(Packet::Other),
        _ => wrong,
    }
}

/// The packet that joins the namespace. It holds the credential.
pub(crate) fn join(token: &str) -> Zeroizing<String> {
    #[derive(Serialize)]
    struct Auth<'a> {
        token: &'a str,
    }
    let json = Zeroizing::new(serde_json::to_string(&Auth { token }).unwrap_or_default());
    Zeroizing::new(["40", &json].concat())
}

/// The name and the first argument of an event; `None` where it is none, or the argument is not a `T`.
pub(crate) fn event<'de, T: Deserialize<'de>>(array: &'de str) -> Option<(String, Option<T>)> {
    struct Arguments<T>(std::marker::PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Arguments<T> {
        type Value = (String, Option<T>);

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the name of an event and its arguments")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let missing = || serde::de::Error::custom("no name");
            let name = seq.next_element()?.ok_or_else(missing)?;
            let payload = seq.next_element()?;
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok((name, payload))
        }
    }
    impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Arguments<T> {
        type Value = (String, Option<T>);

        fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
            from.deserialize_seq(self)
        }
    }
    let mut from = serde_json::Deserializer::from_str(array);
    Arguments(std::marker::PhantomData)
        .deserialize(&mut from)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_read() {
        let rhythm = Rhythm {
            interval: Duration::from_secs(25),
            timeout: Duration::from_secs(20),
        };
        let open =
            r#"0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1}"#;
        let refused = |text: &str| Packet::Refused(Some(text.to_owned()));
        for (text, packet) in [
            (open, Packet::Open(rhythm)),
            ("1", Packet::Close),
            ("2", Packet::Ping),
            ("3", Packet::Other),
            ("6", Packet::Other),
            ("40", Packet::Joined),
            (r#"40{"sid":"y"}"#, Packet::Joined),
            ("41", Packet::Close),
            (r#"44{"message":"Unauthorized"}"#, refused("Unauthorized")),
            (r#"44"no""#, Packet::Refused(None)),
            (r#"42["a",{}]"#, Packet::Event(r#"["a",{}]"#)),
            (r#"4212["a"]"#, Packet::Event(r#"["a"]"#)),
            (r#"42/admin,["a"]"#, Packet::Other),
            (r#"451-["a",{"_placeholder":true}]"#, Packet::Other),
        ] {
            assert!(read(text) == Ok(packet), "{text}");
        }
        for text in [
            "",
            "x",
            "4",
            "49",
            "42",
            "42{}",
            "0",
            "0{}",
            r#"0{"pingInterval":0,"pingTimeout":1}"#,
            r#"0{"pingInterval":1e300,"pingTimeout":1}"#,
            r#"0{"pingInterval":-5,"pingTimeout":1}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_event_has_a_name_and_may_have_arguments() {
        type Any = serde_json::Value;
        assert_eq!(event::<Any>(r#"["a"]"#), Some(("a".to_owned(), None)));
        let one = event::<Any>(r#"["a",{"b":1},2,[3]]"#);
        assert_eq!(
            one,
            Some(("a".to_owned(), Some(serde_json::json!({"b":1}))))
        );
        for array in ["", "[]", "[1]", r#"["a""#, r#"{"a":1}"#] {
            assert_eq!(event::<Any>(array), None, "{array}");
        }
    }

    #[test]
    fn a_token_is_quoted() {
        assert_eq!(*join("a\"b"), r#"40{"token":"a\"b"}"#);
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "[0-9]{0,3}.{0,40}") {
            if let Ok(Packet::Event(array)) = read(&text) {
                event::<serde_json::Value>(array);
            }
        }
    }
}
