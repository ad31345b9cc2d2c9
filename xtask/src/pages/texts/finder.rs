//! Where errors are made.

use std::collections::BTreeMap;

use syn::visit::{self, Visit};
use syn::{Expr, Lit};

use super::literals::{Literals, Locals};
use super::{
    ADVISERS, ERRORS, Group, HINT, Names, PASSERS, Texts, WORDS, arguments, called, is_test,
    kind_of, last_name, makes_error, shown,
};

pub(super) struct Finder<'a> {
    pub(super) krate: &'a str,
    pub(super) names: &'a Names,
    /// Of this file: others may have the same name for something else.
    pub(super) consts: BTreeMap<String, Vec<String>>,
    pub(super) locals: BTreeMap<String, Vec<&'a Expr>>,
    /// The error whose `impl` this is.
    pub(super) error: Option<String>,
    pub(super) texts: &'a mut Texts,
}

impl<'a> Finder<'a> {
    fn add(&mut self, kind: &str, text: &str, is_format: bool) {
        if let Some(text) = shown(text, is_format) {
            let group = Group {
                krate: self.krate.to_owned(),
                kind: kind.to_owned(),
            };
            self.texts.entry(group).or_default().insert(text);
        }
    }

    fn take(&mut self, kind: &str, found: Vec<(String, bool)>) {
        for (text, is_format) in found {
            self.add(kind, &text, is_format);
        }
    }

    /// The literals of an expression, other than those of a maker inside of it, which are that one's.
    fn literals(&self, expression: &'a Expr) -> Vec<(String, bool)> {
        let mut literals = Literals {
            finder: self,
            depth: 0,
            found: Vec::new(),
        };
        literals.visit_expr(expression);
        literals.found
    }

    fn literals_of_block(&self, block: &'a syn::Block) -> Vec<(String, bool)> {
        let mut literals = Literals {
            finder: self,
            depth: 1,
            found: Vec::new(),
        };
        literals.visit_block(block);
        literals.found
    }

    /// The kind of the error that a call makes, if it makes one.
    pub(super) fn maker(&self, call: &syn::ExprCall) -> Option<String> {
        let Expr::Path(path) = &*call.func else {
            return None;
        };
        let names: Vec<String> = path
            .path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        let (last, before) = names.split_last()?;
        let owner = before.last().map(String::as_str);
        let is_maker = match owner {
            Some("Self") => self.error.is_some() && last != "from",
            Some(owner) if ERRORS.contains(&owner) => last != "from" && last != "default",
            _ => self.names.makers.contains_key(last) || last == "Err",
        };
        if !is_maker {
            return None;
        }
        let named = call.args.iter().find_map(kind_of);
        let owner = match owner {
            Some("Self") => self.error.as_deref(),
            other => other,
        };
        Some(named.unwrap_or_else(|| match (owner, last.as_str()) {
            (_, "Err") => "other".to_owned(),
            (Some(owner), "new" | "of" | "new_spanned" | "other") => owner.to_owned(),
            _ => last.clone(),
        }))
    }

    fn hints(&mut self, arguments: impl IntoIterator<Item = &'a Expr>) {
        for argument in arguments {
            let found = self.literals(argument);
            self.take(HINT, found);
        }
    }

    fn function(
        &mut self,
        signature: &'a syn::Signature,
        block: &'a syn::Block,
        attributes: &[syn::Attribute],
    ) -> bool {
        if is_test(attributes) {
            return false;
        }
        let mut locals = Locals::default();
        locals.visit_block(block);
        self.locals = locals.0;
        let name = signature.ident.to_string();
        let is_display = self.error.is_some() && name == "fmt";
        if makes_error(&signature.output, self.error.is_some())
            || (WORDS.contains(&name.as_str()))
            || is_display
        {
            let found = self.literals_of_block(block);
            let kind = match &self.error {
                Some(shown) if is_display => shown.clone(),
                _ => name,
            };
            self.take(&kind, found);
        } else if ADVISERS.contains(&name.as_str()) || self.names.advisers.contains(&name) {
            let found = self.literals_of_block(block);
            self.take(HINT, found);
        }
        true
    }
}

impl<'a> Visit<'a> for Finder<'a> {
    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'a syn::ItemImpl) {
        let name = last_name(&item.self_ty);
        let of = item
            .trait_
            .as_ref()
            .and_then(|(path, _)| path.segments.last())
            .map(|segment| segment.ident.to_string());
        let error =
            name.filter(|name| ERRORS.contains(&name.as_str()) && of.as_deref() != Some("Debug"));
        let before = std::mem::replace(&mut self.error, error);
        visit::visit_item_impl(self, item);
        self.error = before;
    }

    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        if self.function(&item.sig, &item.block, &item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        if self.function(&item.sig, &item.block, &item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_attribute(&mut self, attribute: &'a syn::Attribute) {
        if attribute.path().is_ident("error")
            && let syn::Meta::List(list) = &attribute.meta
            && let Some(Expr::Lit(literal)) = arguments(&list.tokens).first()
            && let Lit::Str(text) = &literal.lit
        {
            self.add("Display", &text.value(), true);
        }
    }

    fn visit_expr_call(&mut self, call: &'a syn::ExprCall) {
        if let Some(kind) = self.maker(call) {
            let operations = match &*call.func {
                Expr::Path(path) => path.path.segments.last(),
                _ => None,
            }
            .and_then(|last| self.names.makers.get(&last.ident.to_string()));
            for (at, argument) in call.args.iter().enumerate() {
                if operations.is_some_and(|places| places.contains(&at)) {
                    continue;
                }
                let found = self.literals(argument);
                self.take(&kind, found);
            }
        } else if called(call).is_some_and(|name| name == HINT) {
            self.hints(&call.args);
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'a syn::ExprMethodCall) {
        if call.method == HINT {
            self.hints(&call.args);
        }
        if PASSERS.contains(&call.method.to_string().as_str()) {
            for argument in &call.args {
                let body = match argument {
                    Expr::Closure(closure) => &closure.body,
                    other => other,
                };
                let found = match body {
                    Expr::Lit(_) | Expr::Macro(_) | Expr::MethodCall(_) => self.literals(body),
                    _ => Vec::new(),
                };
                self.take("other", found);
            }
        }
        visit::visit_expr_method_call(self, call);
    }
}
