//! The error texts of our crates, read from their sources.
//!
//! A text is a string literal that reaches a constructor of an error, the `Display` of one, `#[error]`, `Err`, or a hint
//! beside an error. What is put into it when the program runs is shown as `…`.

mod finder;
mod literals;

use std::collections::{BTreeMap, BTreeSet};

use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, Lit, Token};

use self::finder::Finder;

/// What is put in at run time.
pub(crate) const HOLE: &str = "…";
/// Types whose associated functions make an error, and whose `Display` is its text.
const ERRORS: &[&str] = &[
    "CloseError",
    "CloseFailure",
    "CreateError",
    "Duplicate",
    "Error",
    "Failure",
    "FrameError",
    "Invalid",
    "JsonFailure",
    "Leftover",
    "NotEnabled",
    "Problem",
    "Refusal",
    "ResolveError",
    "TemplateError",
    "ToolError",
    "TransportError",
];
/// Functions that give an error its words without making it.
const WORDS: &[&str] = &["own_words", "without_answer", "words"];
/// What gives a failure its hint, as a method or a function.
pub(crate) const HINT: &str = "hint";
/// Functions whose texts become hints, beside those that are called in the argument of [`HINT`].
const ADVISERS: &[&str] = &["advice", "dashes", "hint_for", "not_daytona"];
/// What takes a literal and passes it on as an error.
const PASSERS: &[&str] = &["ok_or", "ok_or_else", "map_err"];

/// Methods whose literals are looked for, or said elsewhere.
const OTHERS: &[&str] = &[
    "contains",
    "ends_with",
    "expect",
    "field",
    "find",
    "hint",
    "replace",
    "split",
    "starts_with",
    "with_operation",
];

/// By crate and kind.
pub(crate) type Texts = BTreeMap<Group, BTreeSet<String>>;

/// What the advice of a page is given for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Group {
    pub(crate) krate: String,
    /// The variant of the error's kind, or the function that makes it.
    pub(crate) kind: String,
}

/// All texts of `sources`, which are paths from the root with what they hold.
pub(crate) fn collect<'a>(sources: impl Iterator<Item = (&'a str, &'a str)>) -> Texts {
    let mut crates: BTreeMap<&str, Vec<syn::File>> = BTreeMap::new();
    for (path, text) in sources {
        let Some((krate, file)) = path
            .strip_prefix("crates/")
            .and_then(|rest| rest.split_once("/src/"))
        else {
            continue;
        };
        let skipped = ["tests", "tests.rs", "conformance"];
        if file.split('/').any(|part| skipped.contains(&part)) {
            continue;
        }
        // What does not parse does not compile, and others say so.
        if let Ok(mut parsed) = syn::parse_file(text) {
            Unpack.visit_file_mut(&mut parsed);
            crates.entry(krate).or_default().push(parsed);
        }
    }
    let mut texts = Texts::new();
    for (krate, files) in crates {
        let mut names = Names::default();
        for file in &files {
            names.visit_file(file);
        }
        for file in &files {
            let mut consts = Names::default();
            consts.visit_file(file);
            let mut finder = Finder {
                krate,
                names: &names,
                consts: consts.consts,
                locals: BTreeMap::new(),
                error: None,
                texts: &mut texts,
            };
            finder.visit_file(file);
        }
    }
    texts
}

/// Makes arrays of `vec!`, into which nothing looks.
struct Unpack;

impl VisitMut for Unpack {
    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        if let Expr::Macro(call) = &expression
            && call.mac.path.is_ident("vec")
        {
            let parts = arguments(&call.mac.tokens);
            *expression = Expr::Array(syn::ExprArray {
                attrs: Vec::new(),
                bracket_token: syn::token::Bracket::default(),
                elems: parts.into_iter().collect(),
            });
        }
        visit_mut::visit_expr_mut(self, expression);
    }
}

/// What a literal of a format looks like on the screen; `None` for what is no text.
fn shown(literal: &str, is_format: bool) -> Option<String> {
    let mut text = String::new();
    let mut chars = literal.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' | '}' if is_format && chars.peek() == Some(&c) => {
                chars.next();
                text.push(c);
            }
            '{' if is_format => {
                for inside in chars.by_ref() {
                    if inside == '}' {
                        break;
                    }
                }
                text.push_str(HOLE);
            }
            '\n' => text.push(' '),
            c => text.push(c),
        }
    }
    let text = text.trim_start_matches([':', ';', ' ']).trim_end();
    let holes = text.matches(HOLE).count().min(1);
    let words = text
        .split_whitespace()
        .filter(|word| word.chars().any(char::is_alphabetic))
        .count();
    (words > 0 && words + holes > 1 && text.contains(' ')).then(|| text.to_owned())
}

/// Constants with a text, and functions that make an error.
#[derive(Default)]
struct Names {
    /// All that have this name: of several nobody knows which one is meant.
    consts: BTreeMap<String, Vec<String>>,
    /// With the places of arguments that say what was being done, which is no text of its own.
    makers: BTreeMap<String, Vec<usize>>,
    /// Functions whose value is given as a hint.
    advisers: BTreeSet<String>,
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        if let Expr::Lit(syn::ExprLit {
            lit: Lit::Str(text),
            ..
        }) = &*item.expr
        {
            let same = self.consts.entry(item.ident.to_string()).or_default();
            same.push(text.value());
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test(&item.attrs) && makes_error(&item.sig.output, false) {
            let operations = item.sig.inputs.iter().enumerate().filter(|(_, input)| {
                matches!(input, syn::FnArg::Typed(typed)
                    if matches!(&*typed.pat, syn::Pat::Ident(name) if name.ident == "operation"))
            });
            let places = operations.map(|(at, _)| at).collect();
            self.makers.insert(item.sig.ident.to_string(), places);
        }
        if !is_test(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if call.method == HINT {
            for argument in &call.args {
                match argument {
                    Expr::MethodCall(inner) => {
                        self.advisers.insert(inner.method.to_string());
                    }
                    Expr::Call(inner) => self.advisers.extend(called(inner)),
                    _ => {}
                }
            }
        }
        visit::visit_expr_method_call(self, call);
    }
}

/// The last name of what is called.
fn called(call: &syn::ExprCall) -> Option<String> {
    let Expr::Path(path) = &*call.func else {
        return None;
    };
    Some(path.path.segments.last()?.ident.to_string())
}

fn arguments(tokens: &proc_macro2::TokenStream) -> Vec<Expr> {
    Punctuated::<Expr, Token![,]>::parse_terminated
        .parse2(tokens.clone())
        .map(|parts| parts.into_iter().collect())
        .unwrap_or_default()
}

/// `ErrorKind::X` anywhere in the expression.
fn kind_of(expression: &Expr) -> Option<String> {
    struct Kind(Option<String>);
    impl<'ast> Visit<'ast> for Kind {
        fn visit_path(&mut self, path: &'ast syn::Path) {
            let names: Vec<String> = path
                .segments
                .iter()
                .map(|segment| segment.ident.to_string())
                .collect();
            if let [.., kind, variant] = names.as_slice()
                && kind.ends_with("ErrorKind")
                && self.0.is_none()
            {
                self.0 = Some(variant.clone());
            }
            visit::visit_path(self, path);
        }
    }
    let mut kind = Kind(None);
    kind.visit_expr(expression);
    kind.0
}

fn makes_error(output: &syn::ReturnType, is_error: bool) -> bool {
    let syn::ReturnType::Type(_, kind) = output else {
        return false;
    };
    last_name(kind)
        .is_some_and(|name| ERRORS.contains(&name.as_str()) || (is_error && name == "Self"))
}

fn last_name(kind: &syn::Type) -> Option<String> {
    let syn::Type::Path(path) = kind else {
        return None;
    };
    Some(path.path.segments.last()?.ident.to_string())
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is_cfg = attribute.path().is_ident("cfg")
            && matches!(&attribute.meta, syn::Meta::List(list) if list.tokens.to_string() == "test");
        is_cfg || attribute.path().is_ident("test")
    })
}
