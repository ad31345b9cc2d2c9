//! The table of operations.

use anyhow::{Result, bail};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::{Files, Source, doc, file};
use crate::codegen::ir::{Document, Operation, Query, Type};
use crate::codegen::names;

pub(crate) fn emit(sources: &[Source], files: &mut Files) -> Result<()> {
    let mut modules = TokenStream::new();
    let mut all = Vec::new();
    for source in sources {
        let module = names::ident(source.routes);
        let mut body = quote! { use crate::routes::{Api, Method, QueryParam, Route}; };
        let mut seen = Vec::new();
        for operation in &source.document.operations {
            let name = names::screaming(&operation.id);
            if seen.contains(&name) {
                bail!("two operations become {name}");
            }
            let ident = names::ident(&name);
            all.push(quote!(#module::#ident));
            seen.push(name);
            body.extend(route(source, operation)?);
        }
        let about = format!(
            "{} operations of {}.",
            source.document.operations.len(),
            source.document.title
        );
        file(files, &format!("routes/{}.rs", source.routes), &about, body)?;
        let about = format!(" {about}");
        modules.extend(quote!(#[doc = #about] pub mod #module;));
    }
    let count = format!(" All {} operations of both APIs.", all.len());
    let body = quote! {
        #modules
        #[doc = #count]
        pub static ALL: &[crate::routes::Route] = &[#(#all),*];
    };
    file(files, "routes.rs", "The table of operations.", body)
}

fn route(source: &Source, operation: &Operation) -> Result<TokenStream> {
    let Operation {
        id,
        path,
        tag,
        deprecated,
        newer,
        headers,
        ..
    } = operation;
    let Operation {
        request_types,
        response_types,
        success,
        ..
    } = operation;
    let name = names::ident(&names::screaming(id));
    let api = names::ident(source.api);
    let verb = operation.method.to_ascii_uppercase();
    let method = match operation.method.as_str() {
        known @ ("delete" | "get" | "head" | "patch" | "post" | "put") => {
            names::ident(&names::pascal(known))
        }
        other => bail!("{path} has the method {other}"),
    };
    let end = if operation.doc.is_empty() || operation.doc.ends_with('.') {
        ""
    } else {
        "."
    };
    let docs = doc(&format!("`{verb} {path}` {}{end}", operation.doc));
    let path_params = operation.path_params();
    let success = success.iter().copied().map(Literal::u16_unsuffixed);
    let query = operation.query.iter().map(
        |Query {
             name,
             required,
             array,
             ..
         }| { quote!(QueryParam { name: #name, required: #required, array: #array }) },
    );
    let request = model(&source.document, operation.request.as_ref());
    let response = model(&source.document, operation.response.as_ref());
    Ok(quote! {
        #docs
        pub const #name: Route = Route {
            id: #id,
            api: Api::#api,
            method: Method::#method,
            path: #path,
            path_params: &[#(#path_params),*],
            query: &[#(#query),*],
            headers: &[#(#headers),*],
            tag: #tag,
            deprecated: #deprecated,
            newer: #newer,
            request_types: &[#(#request_types),*],
            request_model: #request,
            response_types: &[#(#response_types),*],
            response_model: #response,
            success: &[#(#success),*],
        };
    })
}

fn model(document: &Document, ty: Option<&Type>) -> TokenStream {
    let wire = ty.and_then(Type::model);
    match wire.and_then(|wire| document.model(wire)) {
        Some(model) => {
            let name = &model.name;
            quote!(Some(#name))
        }
        None => quote!(None),
    }
}
