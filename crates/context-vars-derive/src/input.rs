//! Reads the struct and its attributes.

use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Error, Fields, Ident, LitStr, Path, Type, Visibility};

/// The struct of parameters.
pub(crate) struct Params {
    pub(crate) krate: Path,
    pub(crate) vis: Visibility,
    pub(crate) name: Ident,
    pub(crate) view: Ident,
    pub(crate) resolved: Ident,
    pub(crate) fields: Vec<Param>,
}

/// One field of it.
pub(crate) struct Param {
    pub(crate) vis: Visibility,
    pub(crate) docs: Vec<Attribute>,
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    /// The name in errors, and of unnamed variables.
    pub(crate) shown: String,
    pub(crate) role: Role,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Variable,
    Constant,
    SkipKey,
}

pub(crate) fn read(item: &DeriveInput) -> Result<Params, Error> {
    let Data::Struct(data) = &item.data else {
        return Err(Error::new(item.ident.span(), "`Resolve` is for structs"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new(
            item.ident.span(),
            "`Resolve` needs named fields",
        ));
    };
    if fields.named.is_empty() {
        return Err(Error::new(
            item.ident.span(),
            "`Resolve` needs at least one field",
        ));
    }
    if !item.generics.params.is_empty() {
        return Err(Error::new(
            item.generics.span(),
            "`Resolve` takes no generic parameters",
        ));
    }
    let mut params = Params {
        krate: syn::parse_quote!(::context_vars),
        vis: item.vis.clone(),
        name: item.ident.clone(),
        view: Ident::new(&format!("{}View", item.ident), item.ident.span()),
        resolved: Ident::new(&format!("{}Resolved", item.ident), item.ident.span()),
        fields: Vec::new(),
    };
    for attr in item
        .attrs
        .iter()
        .filter(|attr| attr.path().is_ident("resolve"))
    {
        attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("view") {
                params.view = meta.value()?.parse::<LitStr>()?.parse()?;
            } else if meta.path.is_ident("resolved") {
                params.resolved = meta.value()?.parse::<LitStr>()?.parse()?;
            } else if meta.path.is_ident("crate") {
                params.krate = meta.value()?.parse::<LitStr>()?.parse()?;
            } else {
                return Err(meta.error("expected `view`, `resolved` or `crate`"));
            }
            Ok(())
        })?;
    }
    for field in &fields.named {
        params.fields.push(read_field(field)?);
    }
    Ok(params)
}

fn read_field(field: &syn::Field) -> Result<Param, Error> {
    let Some(ident) = field.ident.clone() else {
        return Err(Error::new(field.span(), "`Resolve` needs named fields"));
    };
    let mut shown = ident.to_string().trim_start_matches("r#").to_owned();
    let mut role = Role::Variable;
    for attr in field
        .attrs
        .iter()
        .filter(|attr| attr.path().is_ident("resolve"))
    {
        attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("name") {
                shown = meta.value()?.parse::<LitStr>()?.value();
                return Ok(());
            }
            let new = if meta.path.is_ident("constant") {
                Role::Constant
            } else if meta.path.is_ident("skip_key") {
                Role::SkipKey
            } else {
                return Err(meta.error("expected `name`, `constant` or `skip_key`"));
            };
            if role != Role::Variable {
                return Err(meta.error("a field is either `constant` or `skip_key`"));
            }
            role = new;
            Ok(())
        })?;
    }
    let docs = field
        .attrs
        .iter()
        .filter(|attr| attr.path().is_ident("doc"))
        .cloned()
        .collect();
    Ok(Param {
        vis: field.vis.clone(),
        docs,
        ident,
        ty: field.ty.clone(),
        shown,
        role,
    })
}
