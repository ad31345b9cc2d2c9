use super::*;

/// Everything that comes out of `text` in pieces of this size; data of one part joined.
fn read(text: &[u8], size: usize) -> Result<Vec<Event>, &'static str> {
    let mut parts = Parts::new("B");
    let mut events: Vec<Event> = Vec::new();
    for piece in text.chunks(size) {
        parts.feed(piece);
        while let Some(event) = parts.next()? {
            match (events.last_mut(), event) {
                (Some(Event::Data(before)), Event::Data(data)) => {
                    *before = [&before[..], &data[..]].concat().into();
                }
                (_, event) => events.push(event),
            }
        }
    }
    assert_eq!(parts.is_done(), events.last() == Some(&Event::End));
    Ok(events)
}

fn part(field: &str, file: &str, length: Option<u64>) -> Event {
    Event::Part(Head {
        field: field.into(),
        file: Some(file.into()),
        length,
    })
}

const ANSWER: &str = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\
    Content-Length: 8\r\n\r\n\r\n--B--x\r\n--B\r\n\
    content-disposition: form-data; name=\"error\"; filename=\"?\"; filename*=utf-8''%C3%A4%20b\r\n\r\n\
    {\"a\":1}\r\n-\r\n--B \r\nContent-Disposition: form-data; name=file; filename=\"q\\\"\\\\;z\"\r\n\
    Content-Length: 0\r\n\r\n\r\n--B--\r\nrest";

#[test]
fn pieces_of_any_size_give_the_same_bytes() {
    let wanted = vec![
        part("file", "a", Some(8)),
        Event::Data("\r\n--B--x".into()),
        Event::Close,
        part("error", "ä b", None),
        Event::Data("{\"a\":1}\r\n-".into()),
        Event::Close,
        part("file", "q\"\\;z", Some(0)),
        Event::Close,
        Event::End,
    ];
    for size in 1..=ANSWER.len() {
        assert_eq!(
            read(ANSWER.as_bytes(), size).as_ref(),
            Ok(&wanted),
            "{size}"
        );
    }
}

#[test]
fn a_cut_answer_is_never_done() {
    let end = ANSWER.rfind("--B--").unwrap_or_default() + 4;
    for cut in 0..=end {
        let events = read(&ANSWER.as_bytes()[..cut], 7).unwrap_or_default();
        assert!(!events.contains(&Event::End), "cut at {cut}");
    }
}

#[test]
fn nonsense_is_an_error() {
    let long = "x".repeat(LONGEST_HEAD + 1);
    for (text, wanted) in [
        (long.clone(), "no boundary where one must be"),
        (format!("--B\r\nA: {long}"), "the headers of a part are too long"),
        ("--Bxy".into(), "something else behind a boundary"),
        ("--B\r\nno colon\r\n\r\n".into(), "a header without a colon"),
        ("--B\r\nA: b\r\n\r\n".into(), "a part without a name"),
        (
            "--B\r\nContent-Disposition: form-data; name=f\r\nContent-Length: -1\r\n\r\n".into(),
            "a length that is no number",
        ),
        (
            "--B\r\nContent-Disposition: form-data; name=f\r\nContent-Length: 1\r\n\r\nxyz\r\n--B--".into(),
            "a part is longer than it says",
        ),
    ] {
        assert_eq!(read(text.as_bytes(), text.len()), Err(wanted));
    }
}

#[test]
fn boundaries() {
    assert_eq!(boundary("multipart/form-data; boundary=B-1"), Some("B-1"));
    assert_eq!(
        boundary("Multipart/Mixed; charset=\"a;b\"; Boundary=\"b 1\""),
        Some("b 1")
    );
    for none in [
        "multipart/form-data",
        "text/plain; boundary=B",
        "multipart/x; boundary=",
    ] {
        assert_eq!(boundary(none), None, "{none}");
    }
}
