//! From names on the wire to Rust names.

use proc_macro2::{Ident, Span};

/// `organizationId` to `organization_id`.
pub(crate) fn snake(name: &str) -> String {
    // A unit that only looks like two words.
    let name = name.replace("GiB", "Gib");
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (at, &c) in chars.iter().enumerate() {
        if !c.is_ascii_alphanumeric() {
            if !out.is_empty() && !out.ends_with('_') {
                out.push('_');
            }
            continue;
        }
        let before = at
            .checked_sub(1)
            .and_then(|at| chars.get(at))
            .copied()
            .unwrap_or(' ');
        let after = chars.get(at + 1).copied().unwrap_or(' ');
        let starts = before.is_ascii_lowercase()
            || before.is_ascii_digit()
            || (before.is_ascii_uppercase() && after.is_ascii_lowercase());
        if c.is_ascii_uppercase() && starts && !out.ends_with('_') {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out.trim_matches('_').to_owned()
}

/// `linux-vm` to `LinuxVm`.
pub(crate) fn pascal(name: &str) -> String {
    let snake = snake(name);
    let mut out = String::new();
    for word in snake.split('_') {
        let mut chars = word.chars();
        out.extend(chars.next().map(|c| c.to_ascii_uppercase()));
        out.extend(chars);
    }
    out
}

/// `createSandbox` to `CREATE_SANDBOX`.
pub(crate) fn screaming(name: &str) -> String {
    snake(name).to_ascii_uppercase()
}

/// The Rust name of a schema: as it is where that is a type's name already, without the Go package.
pub(crate) fn type_name(wire: &str) -> String {
    let is_package =
        |prefix: &str| prefix.len() > 3 && prefix.chars().all(|c| c.is_ascii_lowercase());
    let name = match wire.split_once('.') {
        Some((prefix, rest)) if is_package(prefix) => rest,
        _ => wire,
    };
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric())
        && name.starts_with(|c: char| c.is_ascii_uppercase());
    if plain { name.to_owned() } else { pascal(name) }
}

/// `permissions` to `permission`.
pub(crate) fn singular(name: &str) -> &str {
    name.strip_suffix('s').unwrap_or(name)
}

/// An identifier, raw where it is a keyword.
pub(crate) fn ident(name: &str) -> Ident {
    match syn::parse_str::<Ident>(name) {
        Ok(ident) => ident,
        Err(_) => Ident::new_raw(name, Span::call_site()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_where_a_reader_would() {
        for (wire, rust) in [
            ("organizationId", "organization_id"),
            ("minMemoryGiB", "min_memory_gib"),
            ("first_quartile", "first_quartile"),
            ("ssoOIDCUrl", "sso_oidc_url"),
            ("HealthController_check", "health_controller_check"),
            ("X-Daytona", "x_daytona"),
        ] {
            assert_eq!(snake(wire), rust);
        }
        for (wire, rust) in [
            ("linux-vm", "LinuxVm"),
            ("RTX-PRO-6000", "RtxPro6000"),
            ("sandbox.state.updated", "SandboxStateUpdated"),
            ("write:registries", "WriteRegistries"),
            ("GIT_AUTH_FAILED", "GitAuthFailed"),
            ("Updated but unmerged", "UpdatedButUnmerged"),
            ("InProgress", "InProgress"),
        ] {
            assert_eq!(pascal(wire), rust);
        }
        assert_eq!(
            type_name("computeruse.AccessibilityNode"),
            "AccessibilityNode"
        );
        assert_eq!(type_name("gin.H"), "GinH");
        assert_eq!(
            type_name("PaginatedSandboxes_deprecated"),
            "PaginatedSandboxesDeprecated"
        );
        assert_eq!(type_name("OidcIdPConfig"), "OidcIdPConfig");
    }

    #[test]
    fn keywords_become_raw() {
        assert_eq!(ident("type").to_string(), "r#type");
        assert_eq!(ident("kind").to_string(), "kind");
    }
}
