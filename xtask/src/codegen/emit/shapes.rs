//! What every model is made of, as data: the property tests of decoding run over it, so no model can be forgotten.

use anyhow::{Context as _, Result, bail};
use proc_macro2::TokenStream;
use quote::quote;

use super::models::reached;
use super::{Files, Source, file};
use crate::codegen::ir::{Document, Field, Kind, Model, Type};

pub(crate) fn emit(sources: &[Source], files: &mut Files) -> Result<()> {
    let mut modules = TokenStream::new();
    for source in sources {
        let document = &source.document;
        let generated = |model: &&Model| !matches!(model.kind, Kind::ByHand(_));
        let mut models: Vec<_> = document.models.iter().filter(generated).collect();
        models.sort_by(|a, b| a.name.cmp(&b.name));
        let mut rows = Vec::new();
        for model in models {
            let (wire, name) = (&model.wire, &model.name);
            let ty = reached(document, source.models, &Type::Named(wire.clone()))?;
            let kind = match &model.kind {
                Kind::Object(fields) => {
                    let fields = fields.iter().map(|one| field(document, one));
                    let fields = fields.collect::<Result<Vec<_>>>();
                    let fields = fields.with_context(|| wire.clone())?;
                    quote!(Kind::Object(&[#(#fields),*]))
                }
                Kind::Choice(values) => quote!(Kind::Choice(&[#(#values),*])),
                Kind::Alias(ty) => {
                    let ty = shape(document, ty)?;
                    quote!(Kind::Alias(#ty))
                }
                Kind::ByHand(_) => continue,
            };
            rows.push(quote! {
                Model { name: #name, wire: #wire, kind: #kind, again: again::<#ty> }
            });
        }
        let uses = used(document);
        file(
            files,
            &format!("shapes/{}.rs", source.models),
            &format!("Shapes of `{}`.", source.models),
            quote! {
                use crate::models::decode::shape::{#uses};
                pub(crate) const ALL: &[Model] = &[#(#rows),*];
            },
        )?;
        let module = quote::format_ident!("{}", source.models);
        modules.extend(quote!(pub(crate) mod #module;));
    }
    file(
        files,
        "shapes.rs",
        "Every model as data, for tests.",
        modules,
    )
}

/// The names a list of this document needs.
fn used(document: &Document) -> TokenStream {
    let has_fields = document
        .models
        .iter()
        .any(|model| matches!(&model.kind, Kind::Object(fields) if !fields.is_empty()));
    let has_types = has_fields
        || document
            .models
            .iter()
            .any(|model| matches!(model.kind, Kind::Alias(_)));
    let fields = has_fields.then(|| quote!(Field,));
    let types = has_types.then(|| quote!(Type,));
    quote!(#fields Kind, Model, #types again)
}

fn field(document: &Document, field: &Field) -> Result<TokenStream> {
    let (wire, required, nullable) = (&field.wire, field.required, field.nullable);
    let ty = shape(document, &field.ty)?;
    Ok(quote!(Field { wire: #wire, ty: #ty, required: #required, nullable: #nullable }))
}

fn shape(document: &Document, ty: &Type) -> Result<TokenStream> {
    Ok(match ty {
        Type::Text => quote!(Type::Text),
        Type::Bool => quote!(Type::Bool),
        Type::Integer => quote!(Type::Integer),
        Type::Float => quote!(Type::Float),
        Type::Any => quote!(Type::Any),
        Type::List(inner) => {
            let inner = shape(document, inner)?;
            quote!(Type::List(&#inner))
        }
        Type::Map(inner) => {
            let inner = shape(document, inner)?;
            quote!(Type::Map(&#inner))
        }
        Type::Named(wire) => match document.model(wire).map(|model| &model.kind) {
            Some(Kind::ByHand(_)) => quote!(Type::Whole),
            _ => quote!(Type::Named(#wire)),
        },
        Type::Choice(_) => bail!("an enumeration was left without a name"),
    })
}
