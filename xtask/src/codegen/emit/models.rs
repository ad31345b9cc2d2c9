//! Structs, enums and aliases.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::{Files, Source, doc, file, humanized};
use crate::codegen::ir::{Document, Field, Kind, Model, Type};
use crate::codegen::{names, redact};

pub(crate) fn emit(source: &Source, files: &mut Files) -> Result<()> {
    let mut groups: BTreeMap<String, Vec<&Model>> = BTreeMap::new();
    let generated = |model: &&Model| !matches!(model.kind, Kind::ByHand(_));
    for model in source.document.models.iter().filter(generated) {
        groups
            .entry(names::snake(&model.group))
            .or_default()
            .push(model);
    }
    let root = source.models;
    let mut list = TokenStream::new();
    for (group, models) in &mut groups {
        models.sort_by(|a, b| a.name.cmp(&b.name));
        let mut body = TokenStream::new();
        if models.iter().any(|model| has_map(model)) {
            body.extend(quote!(
                use std::collections::BTreeMap;
            ));
        }
        if models
            .iter()
            .any(|model| !matches!(model.kind, Kind::Alias(_)))
        {
            body.extend(quote!(
                use crate::models::decode;
            ));
        }
        for model in models {
            body.extend(emit_model(&source.document, model).with_context(|| model.wire.clone())?);
        }
        file(
            files,
            &format!("{root}/{group}.rs"),
            &format!("Objects of `{group}`."),
            body,
        )?;
        let module = names::ident(group);
        list.extend(quote!(mod #module; pub use #module::*;));
    }
    let about = format!(
        "Objects of {} {}.",
        source.document.title, source.document.version
    );
    file(files, &format!("{root}.rs"), &about, list)
}

fn has_map(model: &Model) -> bool {
    match &model.kind {
        Kind::Object(fields) => fields.iter().any(|field| field.ty.has_map()),
        Kind::Alias(ty) => ty.has_map(),
        Kind::Choice(_) | Kind::ByHand(_) => false,
    }
}

fn emit_model(document: &Document, model: &Model) -> Result<TokenStream> {
    match &model.kind {
        Kind::Object(fields) => object(document, model, fields),
        Kind::Choice(values) => choice(model, values),
        Kind::Alias(ty) => {
            let (name, docs) = (names::ident(&model.name), model_doc(model));
            let ty = rust_type(document, model, ty)?;
            Ok(quote!(#docs pub type #name = #ty;))
        }
        Kind::ByHand(path) => bail!("{path} is written by hand"),
    }
}

fn object(document: &Document, model: &Model, fields: &[Field]) -> Result<TokenStream> {
    let (name, docs) = (names::ident(&model.name), model_doc(model));
    let mut members = Vec::new();
    let mut wires = Vec::new();
    let mut arms = Vec::new();
    let mut debug = Vec::new();
    let mut hidden = false;
    for (at, field) in fields.iter().enumerate() {
        let rust = names::snake(&field.wire);
        let ident = names::ident(&rust);
        let wire = &field.wire;
        if field.ty.holds_text() && redact::is_undecided(&model.wire, wire) {
            bail!("{wire} sounds like a secret: hide it or list it as harmless in redact.rs");
        }
        let docs = field_doc(field, &rust);
        let rename = (rust != *wire).then(|| quote!(rename = #wire));
        let ty = rust_type(document, model, &field.ty)?;
        let plain = field.required && !field.nullable;
        let skip = (!field.required).then(|| quote!(skip_serializing_if = "Option::is_none"));
        let serde: Vec<_> = rename.into_iter().chain(skip).collect();
        let serde = (!serde.is_empty()).then(|| quote!(#[serde(#(#serde),*)]));
        let ty = if plain { ty } else { quote!(Option<#ty>) };
        members.push(quote!(#docs #serde pub #ident: #ty));
        let how = if plain {
            quote!(plain)
        } else {
            quote!(optional)
        };
        let index = Literal::usize_unsuffixed(at);
        arms.push(quote!(#index => self.#ident = decode::#how(map)?));
        wires.push(wire);
        debug.push(if !redact::is_hidden(&model.wire, wire) {
            quote!(.field(#rust, &self.#ident))
        } else {
            hidden = true;
            match plain {
                true => quote!(.field(#rust, &decode::Redacted)),
                false => quote!(.field(#rust, &self.#ident.as_ref().map(|_| decode::Redacted))),
            }
        });
    }
    let derived = (!hidden).then(|| quote!(Debug,));
    let text = &model.name;
    let debug = hidden.then(|| {
        quote! {
            impl std::fmt::Debug for #name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.debug_struct(#text) #(#debug)* .finish()
                }
            }
        }
    });
    let set = if fields.is_empty() {
        quote! {
            fn set<'de, A: serde::de::MapAccess<'de>>(&mut self, _: usize, map: &mut A) -> Result<(), A::Error> {
                decode::skip(map)
            }
        }
    } else {
        quote! {
            fn set<'de, A: serde::de::MapAccess<'de>>(&mut self, field: usize, map: &mut A) -> Result<(), A::Error> {
                match field {
                    #(#arms,)*
                    _ => decode::skip(map)?,
                }
                Ok(())
            }
        }
    };
    Ok(quote! {
        #docs
        #[derive(Clone, #derived Default, PartialEq, serde::Serialize)]
        #[non_exhaustive]
        pub struct #name { #(#members),* }
        #debug
        impl decode::Object for #name {
            const FIELDS: &'static [&'static str] = &[#(#wires),*];
            #set
        }
        decode::impl_object!(#name);
    })
}

fn choice(model: &Model, values: &[String]) -> Result<TokenStream> {
    let (name, docs) = (names::ident(&model.name), model_doc(model));
    // `Other` is taken by the values nobody knows.
    let variant = |value: &String| match names::pascal(value) {
        taken if taken == "Other" => "OtherValue".to_owned(),
        free => free,
    };
    let rust: Vec<String> = values.iter().map(variant).collect();
    for (at, variant) in rust.iter().enumerate() {
        if rust.iter().take(at).any(|before| before == variant) {
            bail!("two values become the variant {variant}");
        }
    }
    let variants: Vec<_> = rust.iter().map(|variant| names::ident(variant)).collect();
    let about = values.iter().map(|value| format!(" `{value}`"));
    let count = format!(
        " The {} values the document knows, in its order.",
        values.len()
    );
    Ok(quote! {
        #docs
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum #name {
            #(#[doc = #about] #variants,)*
            /// A value this version does not know, as it was sent; empty in a default.
            Other(String),
        }
        impl #name {
            #[doc = #count]
            pub const ALL: &'static [Self] = &[#(Self::#variants),*];

            /// The value as it is sent.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    #(Self::#variants => #values,)*
                    Self::Other(text) => text,
                }
            }
        }
        impl From<&str> for #name {
            fn from(text: &str) -> Self {
                match text {
                    #(#values => Self::#variants,)*
                    _ => Self::Other(text.to_owned()),
                }
            }
        }
        decode::impl_text!(#name);
    })
}

fn rust_type(document: &Document, owner: &Model, ty: &Type) -> Result<TokenStream> {
    Ok(match ty {
        Type::Text => quote!(String),
        Type::Bool => quote!(bool),
        Type::Integer => quote!(i64),
        Type::Float => quote!(f64),
        Type::Any => quote!(serde_json::Value),
        Type::List(inner) => {
            let inner = rust_type(document, owner, inner)?;
            quote!(Vec<#inner>)
        }
        Type::Map(inner) => {
            let inner = rust_type(document, owner, inner)?;
            quote!(BTreeMap<String, #inner>)
        }
        Type::Named(wire) => {
            let model = document
                .model(wire)
                .with_context(|| format!("there is no schema {wire}"))?;
            if let Kind::ByHand(path) = &model.kind {
                return by_hand(path);
            }
            let name = names::ident(&model.name);
            // A struct that holds itself; aliases cannot.
            if model.name == owner.name {
                quote!(Self)
            } else if model.group == owner.group {
                quote!(#name)
            } else {
                quote!(super::#name)
            }
        }
        Type::Choice(_) => bail!("an enumeration was left without a name"),
    })
}

/// `ty` as code outside of the models names it.
pub(super) fn reached(document: &Document, module: &str, ty: &Type) -> Result<TokenStream> {
    Ok(match ty {
        Type::List(inner) => {
            let inner = reached(document, module, inner)?;
            quote!(Vec<#inner>)
        }
        Type::Map(inner) => {
            let inner = reached(document, module, inner)?;
            quote!(std::collections::BTreeMap<String, #inner>)
        }
        Type::Named(wire) => {
            let model = document
                .model(wire)
                .with_context(|| format!("there is no schema {wire}"))?;
            if let Kind::ByHand(path) = &model.kind {
                return by_hand(path);
            }
            let (module, name) = (names::ident(module), names::ident(&model.name));
            match module == "models" {
                true => quote!(crate::models::#name),
                false => quote!(crate::models::#module::#name),
            }
        }
        Type::Text => quote!(String),
        Type::Bool => quote!(bool),
        Type::Integer => quote!(i64),
        Type::Float => quote!(f64),
        Type::Any => quote!(serde_json::Value),
        Type::Choice(_) => bail!("an enumeration was left without a name"),
    })
}

fn by_hand(path: &str) -> Result<TokenStream> {
    let path: syn::Path = syn::parse_str(path).with_context(|| format!("{path} is no path"))?;
    Ok(quote!(#path))
}

fn model_doc(model: &Model) -> TokenStream {
    match (&model.kind, model.doc.as_str()) {
        (Kind::Choice(_), "") => doc(&format!(
            "{}, as the API spells it",
            humanized(&names::snake(&model.name))
        )),
        (_, "") => doc(&format!("The `{}` object", model.wire)),
        (_, text) => doc(text),
    }
}

fn field_doc(field: &Field, rust: &str) -> TokenStream {
    let mut text = field.doc.clone();
    if text.is_empty() || text.starts_with("Default:") || text.starts_with("Minimum:") {
        text = format!("{}. {text}", humanized(rust));
    }
    let end = if text.trim().ends_with('.') { "" } else { "." };
    if field.deprecated {
        text = format!("{text}{end} Deprecated by the API.");
    }
    if field.newer {
        let end = if text.trim().ends_with('.') { "" } else { "." };
        text = format!("{text}{end} Known from newer clients; older servers leave it out.");
    }
    doc(text.trim())
}
