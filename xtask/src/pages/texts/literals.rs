//! The string literals of an expression, with what its names stand for.

use std::collections::BTreeMap;

use syn::visit::{self, Visit};
use syn::{Expr, Lit};

use super::finder::Finder;
use super::{OTHERS, arguments};

/// The literals in an expression.
pub(super) struct Literals<'f, 'a> {
    pub(super) finder: &'f Finder<'a>,
    /// How many names were followed.
    pub(super) depth: usize,
    pub(super) found: Vec<(String, bool)>,
}

impl<'a> Visit<'a> for Literals<'_, 'a> {
    fn visit_expr_call(&mut self, call: &'a syn::ExprCall) {
        if self.finder.maker(call).is_none() {
            visit::visit_expr_call(self, call);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'a syn::ExprMethodCall) {
        let name = call.method.to_string();
        if OTHERS.contains(&name.as_str()) {
            self.visit_expr(&call.receiver);
        } else {
            visit::visit_expr_method_call(self, call);
        }
    }

    fn visit_lit_str(&mut self, literal: &'a syn::LitStr) {
        self.found.push((literal.value(), false));
    }

    fn visit_attribute(&mut self, _: &'a syn::Attribute) {}

    fn visit_pat(&mut self, _: &'a syn::Pat) {}

    fn visit_macro(&mut self, call: &'a syn::Macro) {
        let name = call
            .path
            .segments
            .last()
            .map(|segment| segment.ident.to_string())
            .unwrap_or_default();
        let at = match name.as_str() {
            "format" | "anyhow" | "bail" => 0,
            "write" | "writeln" => 1,
            _ => return,
        };
        let mut parts = arguments(&call.tokens).into_iter().skip(at);
        match parts.next() {
            Some(Expr::Lit(syn::ExprLit {
                lit: Lit::Str(text),
                ..
            })) => self.found.push((text.value(), true)),
            Some(Expr::Macro(inner)) if inner.mac.path.is_ident("concat") => {
                let whole: String = arguments(&inner.mac.tokens)
                    .into_iter()
                    .filter_map(|part| match part {
                        Expr::Lit(syn::ExprLit {
                            lit: Lit::Str(text),
                            ..
                        }) => Some(text.value()),
                        _ => None,
                    })
                    .collect();
                self.found.push((whole, true));
            }
            _ => {}
        }
        for part in parts {
            // The words of a choice inside the arguments, which live as long as this call.
            let mut inner = Plain(Vec::new());
            inner.visit_expr(&part);
            self.found
                .extend(inner.0.into_iter().map(|text| (text, false)));
        }
    }

    fn visit_expr_path(&mut self, path: &'a syn::ExprPath) {
        let Some(last) = path.path.segments.last() else {
            return;
        };
        let name = last.ident.to_string();
        let Finder { consts, names, .. } = self.finder;
        let here = consts.get(&name).or_else(|| names.consts.get(&name));
        if let Some([text]) = here.map(Vec::as_slice) {
            self.found.push((text.clone(), false));
        }
        if self.depth < 3
            && path.path.get_ident().is_some()
            && let Some(values) = self.finder.locals.get(&name)
        {
            self.depth += 1;
            for value in values {
                self.visit_expr(value);
            }
            self.depth -= 1;
        }
    }
}

/// Literals and nothing followed.
struct Plain(Vec<String>);

impl<'ast> Visit<'ast> for Plain {
    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        self.0.push(literal.value());
    }

    fn visit_pat(&mut self, _: &'ast syn::Pat) {}
}

/// What the names of a function stand for, in all of its places: two blocks may use one name.
#[derive(Default)]
pub(super) struct Locals<'a>(pub(super) BTreeMap<String, Vec<&'a Expr>>);

impl<'a> Visit<'a> for Locals<'a> {
    fn visit_local(&mut self, local: &'a syn::Local) {
        if let (syn::Pat::Ident(name), Some(value)) = (&local.pat, &local.init) {
            let values = self.0.entry(name.ident.to_string()).or_default();
            values.push(&value.expr);
        }
        visit::visit_local(self, local);
    }
}
