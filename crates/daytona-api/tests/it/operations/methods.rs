//! Every public method under `src/api` is called by a test that shows the request it makes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use syn::{ImplItem, Item, Type, Visibility};

use super::{Lab, OPERATIONS, further};

const SOURCE: &str = "src/api";

/// What sends nothing, and why. A type alone stands for all its methods.
const SENDS_NOTHING: &[(&str, &str)] = &[
    ("BulkDownload", "reads an answer that is there"),
    (
        "BulkUpload::is_complete",
        "looks at an answer that is there",
    ),
    ("Context::bytes", "tells what was read"),
    ("Context::digest", "tells what was read"),
    ("Context::entries", "tells what was read"),
    ("Context::hashes", "tells what was read"),
    ("Context::refreshed", "reads files of this machine"),
    (
        "Download",
        "reads an answer that is there, and asks again where it breaks: resume.rs",
    ),
    ("Event", "tells what came"),
    ("Files::signed_download_url", "writes an address: files.rs"),
    ("Files::signed_upload_url", "writes an address: files.rs"),
    ("Image", "writes a Dockerfile, which is what `create` shows"),
    ("PipOptions", "writes a line of a Dockerfile"),
    ("SecretText::expose", "tells what came"),
    ("Upload::on_progress", "watches"),
];

/// What is sent over a WebSocket, or by way of one, which the server of these tests does not speak: the snapshot that
/// shows it, beside the test that it is of.
const ON_A_SOCKET: &[(&str, &str)] = &[
    ("Daytona::events", EVENTS),
    ("Events::into_stream", EVENTS),
    ("Events::next", EVENTS),
    ("Sandboxes::watch", EVENTS),
    ("Watch::changed", EVENTS),
    ("Watch::is_live", EVENTS),
    ("Watch::overlooked", EVENTS),
    ("Execution::finish", CODE),
    ("Execution::next_event", CODE),
    ("Terminal::id", TERMINAL),
    ("Terminal::next_event", TERMINAL),
    ("Terminal::resize", TERMINAL),
    ("Terminal::write", TERMINAL),
];
const EVENTS: &str = "events__the_handshake_is_the_wire_s_and_the_token_is_in_the_join_only";
const CODE: &str = "code__the_first_message_says_what_to_run";
const TERMINAL: &str = "terminal__opened_sized_and_with_variables";

/// The public methods with a `self`, as `Type::method`; those that a macro writes as `::method`.
fn methods_of(items: &[Item], found: &mut BTreeSet<String>) {
    for item in items {
        match item {
            Item::Impl(block) if block.trait_.is_none() => {
                let Type::Path(of) = &*block.self_ty else {
                    panic!("an impl of something that has no name");
                };
                let of = &of.path.segments.last().unwrap().ident;
                for item in &block.items {
                    let ImplItem::Fn(method) = item else { continue };
                    let is_public = matches!(method.vis, Visibility::Public(_));
                    if is_public && method.sig.receiver().is_some() {
                        found.insert(format!("{of}::{}", method.sig.ident));
                    }
                }
            }
            Item::Mod(module) => {
                if let Some((_, items)) = &module.content {
                    methods_of(items, found);
                }
            }
            Item::Macro(written) => {
                let text = written.mac.tokens.to_string();
                let words: Vec<&str> = text.split_whitespace().collect();
                for (at, pair) in words.windows(2).enumerate() {
                    let is_public = |word: &&str| *word == "pub" || *word == "async";
                    let before = at.checked_sub(1).and_then(|at| words.get(at));
                    if pair[0] == "fn" && before.is_some_and(is_public) {
                        let name = pair[1].split(['(', '<']).next().unwrap_or_default();
                        found.insert(format!("::{name}"));
                    }
                }
            }
            _ => {}
        }
    }
}

fn methods_in(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    methods_of(&syn::parse_file(source).unwrap().items, &mut found);
    found
}

fn read(folder: &Path, all: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, all);
        } else {
            all.extend(methods_in(&fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Whether an entry names the method. A method that a macro writes is named by its name, for any type.
fn names(entry: &str, method: &str) -> bool {
    entry == method
        || method.starts_with("::") && entry.ends_with(method)
        || method
            .split_once("::")
            .is_some_and(|(of, _)| !of.is_empty() && of == entry)
}

/// The methods that none of the entries names.
fn unnamed<'m>(methods: &'m BTreeSet<String>, entries: &BTreeSet<&str>) -> Vec<&'m str> {
    let lost = methods
        .iter()
        .filter(|method| !entries.iter().any(|entry| names(entry, method)));
    lost.map(String::as_str).collect()
}

#[test]
fn a_method_that_nobody_calls_is_found() {
    let source = r#"
        pub struct Things;
        impl Things {
            pub fn new() -> Self { Self }
            pub async fn called(&self) {}
            pub async fn lost(&self) {}
            pub fn setting(self) -> Self { self }
            pub(crate) fn inner(&self) {}
            fn private(&self) {}
        }
        impl Clone for Things { fn clone(&self) -> Self { Self } }
        mod inside {
            impl<T> super::Other<T> { pub fn deep(&mut self) {} }
        }
        macro_rules! settings {
            ($of:ident) => { impl $of { pub fn written(mut self) -> Self { self } fn hidden(&self) {} } };
        }
        settings!(Things);
    "#;
    let methods = methods_in(source);
    let all = [
        "::written",
        "Other::deep",
        "Things::called",
        "Things::lost",
        "Things::setting",
    ];
    assert!(methods.iter().eq(all), "{methods:?}");
    let entries = BTreeSet::from(["Things::called", "Things::written", "Other"]);
    assert_eq!(
        unnamed(&methods, &entries),
        ["Things::lost", "Things::setting"]
    );
}

#[tokio::test(start_paused = true)]
async fn every_method_by_hand_is_called_and_its_request_is_shown() {
    let mut methods = BTreeSet::new();
    read(Path::new(SOURCE), &mut methods);
    assert!(methods.len() > 300, "{}", methods.len());

    let mut called = BTreeSet::new();
    for (_, group) in OPERATIONS.iter().chain(further::GROUPS) {
        let lab = Lab::new();
        group(&lab).await;
        called.extend(lab.methods());
    }
    let called: BTreeSet<&str> = called.iter().map(String::as_str).collect();
    let excused: BTreeSet<&str> = SENDS_NOTHING
        .iter()
        .chain(ON_A_SOCKET)
        .map(|(method, _)| *method)
        .collect();
    let both: BTreeSet<&str> = called.union(&excused).copied().collect();
    let lost = unnamed(&methods, &both);
    assert!(lost.is_empty(), "no request of these is shown: {lost:#?}");

    let is_there = |entry: &str| methods.iter().any(|method| names(entry, method));
    let gone: Vec<_> = excused.iter().filter(|entry| !is_there(entry)).collect();
    assert!(gone.is_empty(), "no such method: {gone:?}");
    let twice: Vec<_> = excused.intersection(&called).collect();
    assert!(twice.is_empty(), "called all the same: {twice:?}");
    for (method, snapshot) in ON_A_SOCKET {
        let path = format!("tests/it/sockets/snapshots/it__sockets__{snapshot}.snap");
        let shown = fs::read_to_string(&path).unwrap();
        assert!(shown.contains("GET /"), "{path} shows no request");
        let (module, test) = snapshot.split_once("__").unwrap();
        let tests = fs::read_to_string(format!("tests/it/sockets/{module}.rs")).unwrap();
        assert!(tests.contains(&format!("fn {test}()")), "{path} is of old");
        let name = method.split("::").last().unwrap();
        let is_called = tests.contains(&format!(".{name}("));
        assert!(is_called, "{method} is not called in {module}.rs");
    }
}
