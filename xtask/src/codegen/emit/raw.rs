//! A thin method for each operation that has none by hand.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use proc_macro2::TokenStream;
use quote::quote;

use super::{Files, Source, doc, file, models};
use crate::codegen::ir::{Operation, Query};
use crate::codegen::names;

pub(crate) fn emit(sources: &[Source], files: &mut Files) -> Result<()> {
    let mut modules = TokenStream::new();
    let mut routes = Vec::new();
    for source in sources {
        let mut groups: BTreeMap<String, Vec<&Operation>> = BTreeMap::new();
        for operation in source.document.operations.iter().filter(|one| one.raw) {
            let group = names::snake(&operation.tag);
            groups.entry(group).or_default().push(operation);
        }
        let table = names::ident(source.routes);
        for (group, operations) in &groups {
            let mut methods = TokenStream::new();
            for operation in operations {
                let name = names::ident(&names::screaming(&operation.id));
                routes.push(quote!(&#table::#name));
                methods.extend(method(source, operation).with_context(|| operation.id.clone())?);
            }
            let owner = names::ident(&format!("{}Raw", source.raw));
            let module = format!("{}_{group}", source.routes);
            let body = quote! {
                use crate::api::raw::#owner;
                use crate::error::Error;
                use crate::request::Call;
                use crate::routes::#table as routes;
                impl #owner { #methods }
            };
            let about = format!("The operations of `{group}` that have no method by hand.");
            file(files, &format!("raw/{module}.rs"), &about, body)?;
            let module = names::ident(&module);
            modules.extend(quote!(mod #module;));
        }
    }
    let count = format!(" The {} operations with a generated method.", routes.len());
    let body = quote! {
        use crate::routes::{Route, control_plane, toolbox};
        #modules
        #[doc = #count]
        pub static ROUTES: &[&Route] = &[#(#routes),*];
    };
    file(files, "raw.rs", "Methods without comfort.", body)
}

fn method(source: &Source, operation: &Operation) -> Result<TokenStream> {
    let verb = operation.method.to_ascii_uppercase();
    let end = if operation.doc.is_empty() || operation.doc.ends_with('.') {
        ""
    } else {
        "."
    };
    let about = doc(&format!(
        "`{verb} {}` {}{end}",
        operation.path, operation.doc
    ));
    let route = names::ident(&names::screaming(&operation.id));
    let name = names::ident(&names::snake(&operation.id));
    let params: Vec<_> = operation
        .path_params()
        .into_iter()
        .map(|param| names::ident(&names::snake(param)))
        .collect();
    let mut arguments: Vec<_> = params.iter().map(|param| quote!(#param: &str)).collect();
    let mut steps = TokenStream::new();
    let query = (!operation.query.is_empty()).then(|| {
        arguments.push(quote!(query: &[(&str, &str)]));
        steps.extend(quote!(.queries(query)));
        let known: Vec<_> = operation.query.iter().map(parameter).collect();
        let text = doc(&format!("Query: {}.", known.join(", ")));
        quote!(#[doc = ""] #text)
    });
    if !operation.request_types.is_empty() || operation.request.is_some() {
        let ty = match &operation.request {
            Some(ty) => models::reached(&source.document, source.models, ty)?,
            None => quote!(serde_json::Value),
        };
        arguments.push(quote!(body: &#ty));
        steps.extend(quote!(.json(body)?));
    }
    let (answer, how) = match (&operation.response, operation.response_types.as_slice()) {
        (Some(ty), _) => (
            models::reached(&source.document, source.models, ty)?,
            quote!(fetch),
        ),
        (None, [first, ..]) if first == "application/json" => {
            (quote!(serde_json::Value), quote!(fetch))
        }
        // Where no document says what comes back, a question still has an answer.
        (None, _) if operation.method == "get" => (quote!(bytes::Bytes), quote!(bytes)),
        (None, _) => (quote!(()), quote!(act)),
    };
    let old = operation
        .deprecated
        .then(|| quote!(#[deprecated = "deprecated by the API"]));
    Ok(quote! {
        #about
        #query
        #[doc = ""]
        #[doc = " # Errors"]
        #[doc = ""]
        #[doc = " As for every method here."]
        #old
        pub async fn #name(&self, #(#arguments),*) -> Result<#answer, Error> {
            self.#how(Call::new(&routes::#route, &[#(#params),*])? #steps).await
        }
    })
}

fn parameter(query: &Query) -> String {
    let name = &query.name;
    match (query.required, query.array) {
        (true, _) => format!("`{name}` (required)"),
        (false, true) => format!("`{name}` (may be repeated)"),
        (false, false) => format!("`{name}`"),
    }
}
