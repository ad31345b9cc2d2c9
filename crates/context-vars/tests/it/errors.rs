//! Every problem in one error, in the order of the parameters.

use context_vars::{
    Kind, NoVars, OptParam, Param, ParamMap, ProblemKind, Resolve, Scope, Secret, Template,
    Variable, Vars,
};

#[derive(Resolve)]
struct Params {
    #[resolve(name = "api-key")]
    token: Param<Secret>,
    image: OptParam<String>,
    env_vars: ParamMap,
    scope: Param<Scope>,
    retries: Param<u16>,
}

fn params() -> Params {
    Params {
        token: Variable::unnamed().into(),
        image: Template::parse("${registry}/${team:-base}:${tag}")
            .unwrap()
            .into(),
        env_vars: ParamMap::new()
            .entry("B", Variable::new("b"))
            .entry("A", Variable::new("a")),
        scope: Variable::new("tenant").into(),
        retries: Variable::new("retries").into(),
    }
}

#[test]
fn p017_all_of_them_in_order() {
    let vars = Vars::new()
        .with("tenant", "")
        .with("a", true)
        .with("retries", 70_000)
        .with("tag", 3);
    let params = params();
    let error = params.resolve(&vars).unwrap_err();
    insta::assert_snapshot!(error.to_string().replace("; ", ";\n"), @r"
    cannot resolve 7 values: `api-key`: variable `api-key` is missing and has no default;
    `image`: variable `registry` is missing and has no default;
    `image`: variable `tag` gives int, wanted string;
    `env_vars` key `A`: variable `a` gives bool, wanted string or secret;
    `env_vars` key `B`: variable `b` is missing and has no default;
    `scope`: variable `tenant` is empty;
    `retries`: variable `retries` is out of range
    ");
    let tag = error.problems().nth(2).unwrap();
    assert_eq!(
        (
            tag.parameter(),
            tag.key(),
            tag.variable(),
            tag.wanted(),
            tag.found(),
            tag.kind()
        ),
        (
            "image",
            None,
            Some("tag"),
            "string",
            Some(Kind::Int),
            ProblemKind::WrongType
        ),
    );
    assert_eq!(error.problems().nth(4).unwrap().key(), Some("B"));
    assert!(std::error::Error::source(&error).is_none());
}

#[test]
fn a_null_fills_no_required_parameter() {
    let scope: Param<Scope> = Variable::new("tenant").into();
    let null = Vars::new().with("tenant", None::<&str>);
    insta::assert_snapshot!(
        scope.get("scope", &null).unwrap_err(),
        @"cannot resolve parameter `scope`: variable `tenant` gives null, wanted string"
    );
    let scope: OptParam<Scope> = Variable::new("tenant").into();
    assert_eq!(scope.get("scope", &null).unwrap(), None);
}

#[test]
fn a_bad_constant_is_found_without_a_context() {
    let mut params = params();
    assert!(params.check().is_ok());
    params.scope = "".into();
    insta::assert_snapshot!(
        params.check().unwrap_err(),
        @"cannot resolve parameter `scope`: the value is empty"
    );
    assert_eq!(params.resolve(&NoVars).unwrap_err().problems().len(), 7);
}

#[test]
fn names_cannot_break_the_line() {
    let image: Param<String> = Variable::new("a\nb").into();
    let text = image.get("image", &NoVars).unwrap_err().to_string();
    assert!(!text.contains('\n'), "{text}");
}

#[test]
fn an_error_is_small() {
    assert!(size_of::<context_vars::ResolveError>() <= 16);
}
