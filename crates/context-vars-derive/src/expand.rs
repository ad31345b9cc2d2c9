//! Writes the two structs and their impls.

use proc_macro2::TokenStream;
use quote::quote;

use crate::input::{Param, Params, Role};

pub(crate) fn expand(params: &Params) -> TokenStream {
    let structs = structs(params);
    let resolve = resolve(params);
    let view = view(params);
    let resolved = resolved(params);
    quote! { #structs #resolve #view #resolved }
}

fn docs(param: &Param) -> TokenStream {
    if param.docs.is_empty() {
        let text = format!("The value of `{}`.", param.shown);
        quote!(#[doc = #text])
    } else {
        let docs = &param.docs;
        quote!(#(#docs)*)
    }
}

fn structs(params: &Params) -> TokenStream {
    let Params {
        krate,
        vis,
        name,
        view,
        resolved,
        fields,
    } = params;
    let view_doc = format!("The values of [`{name}`] as a look-up sees them.");
    let resolved_doc = format!("The values of [`{name}`], owned.");
    let view_fields = fields.iter().map(|field| {
        let (vis, docs, ident, ty) = (&field.vis, docs(field), &field.ident, &field.ty);
        match field.role {
            Role::Variable => {
                quote!(#docs #vis #ident: <#ty as #krate::Field>::View<'a>)
            }
            Role::Constant | Role::SkipKey => quote!(#docs #vis #ident: &'a #ty),
        }
    });
    let resolved_fields = fields.iter().map(|field| {
        let (vis, docs, ident, ty) = (&field.vis, docs(field), &field.ident, &field.ty);
        match field.role {
            Role::Variable => quote!(#docs #vis #ident: <#ty as #krate::Field>::Owned),
            Role::Constant | Role::SkipKey => quote!(#docs #vis #ident: #ty),
        }
    });
    quote! {
        #[doc = #view_doc]
        #[derive(Debug)]
        #vis struct #view<'a> { #(#view_fields,)* }

        #[doc = #resolved_doc]
        #[derive(Clone, Debug)]
        #vis struct #resolved { #(#resolved_fields,)* }
    }
}

fn resolve(params: &Params) -> TokenStream {
    let Params {
        krate,
        name,
        view,
        resolved,
        fields,
        ..
    } = params;
    let variables: Vec<_> = fields
        .iter()
        .filter(|field| field.role == Role::Variable)
        .collect();
    let idents: Vec<_> = variables.iter().map(|field| &field.ident).collect();
    let shown = variables.iter().map(|field| &field.shown);
    let checks = variables.iter().map(|field| {
        let (ident, shown) = (&field.ident, &field.shown);
        quote!(#krate::Field::check_field(&self.#ident, #krate::Site::new(#shown), &mut __problems);)
    });
    let values = fields.iter().map(|field| {
        let ident = &field.ident;
        match field.role {
            Role::Variable => quote!(#ident),
            Role::Constant | Role::SkipKey => quote!(#ident: &self.#ident),
        }
    });
    quote! {
        impl #krate::Resolve for #name {
            type View<'a> = #view<'a>;
            type Resolved = #resolved;

            fn resolve<'a>(
                &'a self,
                __source: &'a dyn #krate::Source,
            ) -> ::core::result::Result<#view<'a>, #krate::ResolveError> {
                let mut __problems = #krate::Problems::new();
                // All of them before the first failure counts: the error lists every problem.
                #(let #idents = #krate::Field::resolve_field(
                    &self.#idents,
                    #krate::Site::new(#shown),
                    __source,
                    &mut __problems,
                );)*
                if !__problems.is_empty() {
                    return ::core::result::Result::Err(__problems.into_error());
                }
                #(let ::core::option::Option::Some(#idents) = #idents else {
                    return ::core::result::Result::Err(__problems.into_error());
                };)*
                ::core::result::Result::Ok(#view { #(#values,)* })
            }

            fn check(&self) -> ::core::result::Result<(), #krate::ResolveError> {
                let mut __problems = #krate::Problems::new();
                #(#checks)*
                if __problems.is_empty() {
                    ::core::result::Result::Ok(())
                } else {
                    ::core::result::Result::Err(__problems.into_error())
                }
            }
        }
    }
}

fn view(params: &Params) -> TokenStream {
    let Params {
        krate,
        view,
        resolved,
        fields,
        ..
    } = params;
    let hashes = fields.iter().filter_map(|field| {
        let ident = &field.ident;
        match field.role {
            Role::Variable => Some(quote!(#krate::KeyView::hash_key(&self.#ident, __state);)),
            Role::Constant => Some(quote!(::core::hash::Hash::hash(self.#ident, __state);)),
            Role::SkipKey => None,
        }
    });
    let matches = fields.iter().filter_map(|field| {
        let ident = &field.ident;
        match field.role {
            Role::Variable => Some(quote!(#krate::KeyView::matches(&self.#ident, &__owned.#ident))),
            Role::Constant => Some(quote!(*self.#ident == __owned.#ident)),
            Role::SkipKey => None,
        }
    });
    let owned = fields.iter().map(|field| {
        let ident = &field.ident;
        match field.role {
            Role::Variable => quote!(#ident: #krate::KeyView::to_resolved(&self.#ident)),
            Role::Constant | Role::SkipKey => {
                quote!(#ident: ::core::clone::Clone::clone(self.#ident))
            }
        }
    });
    quote! {
        impl #krate::KeyView for #view<'_> {
            type Owned = #resolved;

            fn hash_key<__H: ::core::hash::Hasher>(&self, __state: &mut __H) {
                #(#hashes)*
            }

            fn matches(&self, __owned: &#resolved) -> bool {
                true #(&& #matches)*
            }

            fn to_resolved(&self) -> #resolved {
                #resolved { #(#owned,)* }
            }
        }
    }
}

fn resolved(params: &Params) -> TokenStream {
    let Params {
        krate,
        resolved,
        fields,
        ..
    } = params;
    let keyed: Vec<_> = fields
        .iter()
        .filter(|field| field.role != Role::SkipKey)
        .collect();
    let hashes: Vec<_> = keyed
        .iter()
        .map(|field| {
            let ident = &field.ident;
            if field.role == Role::Variable {
                quote!(#krate::ResolvedKey::hash_key(&self.#ident, __state))
            } else {
                quote!(::core::hash::Hash::hash(&self.#ident, __state))
            }
        })
        .collect();
    let equal = keyed.iter().map(|field| {
        let ident = &field.ident;
        if field.role == Role::Variable {
            quote!(#krate::ResolvedKey::eq_key(&self.#ident, &__other.#ident))
        } else {
            quote!(self.#ident == __other.#ident)
        }
    });
    let names = keyed.iter().map(|field| &field.shown);
    let positions = 0..keyed.len();
    quote! {
        impl #krate::ResolvedKey for #resolved {
            fn hash_key<__H: ::core::hash::Hasher>(&self, __state: &mut __H) {
                #(#hashes;)*
            }

            fn eq_key(&self, __other: &Self) -> bool {
                true #(&& #equal)*
            }
        }

        impl #krate::ResolvedTuple for #resolved {
            const FIELDS: &'static [&'static str] = &[#(#names),*];

            fn hash_field<__H: ::core::hash::Hasher>(
                &self,
                __field: ::core::primitive::usize,
                __state: &mut __H,
            ) {
                match __field {
                    #(#positions => #hashes,)*
                    _ => {}
                }
            }
        }
    }
}
