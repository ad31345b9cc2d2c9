//! A parameter type of another crate: an image by name or by recipe.

use std::hash::Hasher;

use context_vars::{
    FromText, Invalid, KeyView, Mismatch, OptParam, Param, ParamType, ParamValue, ResolvedKey,
    Template, Value, ValueRef, Variable, Vars, hash_text,
};

#[derive(Clone, Debug, PartialEq)]
enum Image {
    Name(String),
    Recipe(Vec<String>),
}

#[derive(Debug)]
enum ImageView<'a> {
    Borrowed(&'a Image),
    Name(&'a str),
    Owned(Image),
}

impl ResolvedKey for Image {
    fn hash_key<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Name(name) => {
                state.write_u8(0);
                hash_text(name, state);
            }
            Self::Recipe(steps) => {
                state.write_u8(1);
                state.write_u64(steps.len() as u64);
                steps.iter().for_each(|step| hash_text(step, state));
            }
        }
    }

    fn eq_key(&self, other: &Self) -> bool {
        self == other
    }
}

impl KeyView for ImageView<'_> {
    type Owned = Image;

    fn hash_key<H: Hasher>(&self, state: &mut H) {
        self.to_resolved().hash_key(state);
    }

    fn matches(&self, owned: &Image) -> bool {
        self.to_resolved() == *owned
    }

    fn to_resolved(&self) -> Image {
        match self {
            Self::Borrowed(image) => (*image).clone(),
            Self::Name(name) => Image::Name((*name).to_owned()),
            Self::Owned(image) => image.clone(),
        }
    }
}

impl ParamType for Image {
    const WANTED: &'static str = "string or image";
    type View<'a> = ImageView<'a>;

    fn view(&self) -> ImageView<'_> {
        ImageView::Borrowed(self)
    }

    fn into_view<'a>(self) -> ImageView<'a> {
        ImageView::Owned(self)
    }

    fn from_value(value: ValueRef<'_>) -> Result<ImageView<'_>, Mismatch> {
        match value {
            ValueRef::Str(name) => Ok(ImageView::Name(name)),
            ValueRef::Opaque(any) => any
                .downcast_ref()
                .map(ImageView::Borrowed)
                .ok_or(Mismatch::Type),
            _ => Err(Mismatch::Type),
        }
    }
}

impl ParamValue for Image {}

impl FromText for Image {
    fn from_text(text: String) -> Result<Self, Invalid> {
        if text.contains(' ') {
            Err(Invalid::new("contains a space"))
        } else {
            Ok(Self::Name(text))
        }
    }
}

fn get(image: impl Into<OptParam<Image>>, vars: &Vars) -> Result<Option<Image>, String> {
    image
        .into()
        .get("image", vars)
        .map_err(|error| error.to_string())
}

#[test]
fn every_way_to_give_one() {
    let recipe = Image::Recipe(vec!["FROM x".to_owned()]);
    let name = Image::Name("node:20".to_owned());
    let vars = Vars::new()
        .with("name", "node:20")
        .with("recipe", Value::opaque(recipe.clone()))
        .with("other", Value::opaque(3_u8))
        .with("tag", "20");
    assert_eq!(get("node:20", &vars), Ok(Some(name.clone())));
    assert_eq!(get("node:20".to_owned(), &vars), Ok(Some(name.clone())));
    assert_eq!(get(recipe.clone(), &vars), Ok(Some(recipe.clone())));
    assert_eq!(
        get(Some(Param::from("node:20")), &vars),
        Ok(Some(name.clone()))
    );
    assert_eq!(get(None::<&str>, &vars), Ok(None));
    assert_eq!(
        get(Template::parse("node:${tag}").unwrap(), &vars),
        Ok(Some(name.clone()))
    );
    assert_eq!(get(Variable::new("name"), &vars), Ok(Some(name.clone())));
    assert_eq!(
        get(Variable::new("recipe"), &vars),
        Ok(Some(recipe.clone()))
    );
    assert_eq!(
        get(Variable::new("none").default(recipe.clone()), &vars),
        Ok(Some(recipe))
    );
    insta::assert_snapshot!(
        get(Variable::new("other"), &vars).unwrap_err(),
        @"cannot resolve parameter `image`: variable `other` gives opaque, wanted string or image"
    );
    insta::assert_snapshot!(
        get("a b", &vars).unwrap_err(),
        @"cannot resolve parameter `image`: the value contains a space"
    );
}
