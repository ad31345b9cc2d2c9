//! Derive macro of context-vars: a struct of parameters becomes a resolved struct with its key.
//!
//! Use it through `context_vars::Resolve`, where its attributes are documented.

use proc_macro::TokenStream;

mod expand;
mod input;

/// Derives `context_vars::Resolve`, and makes the view and the resolved struct.
///
/// See the trait of the same name for the attributes.
#[proc_macro_derive(Resolve, attributes(resolve))]
pub fn derive_resolve(item: TokenStream) -> TokenStream {
    let item = syn::parse_macro_input!(item as syn::DeriveInput);
    input::read(&item)
        .map(|params| expand::expand(&params))
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
