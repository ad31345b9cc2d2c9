//! What may be called a snapshot, and what one may be made of.

use serde_json::{Map, Value};

use super::{Amounts, DEFAULT_AMOUNTS};
use crate::control::create::Fields;
use crate::web::reply::Failure;

/// The longest name or image, in bytes.
const MAX_NAME: usize = 255;

/// What `POST /snapshots` asks for.
pub(super) struct Asked<'a> {
    pub(super) name: String,
    pub(super) image: Option<String>,
    pub(super) build: Option<&'a Map<String, Value>>,
    pub(super) entrypoint: Vec<String>,
    pub(super) amounts: Amounts,
}

pub(super) fn asked(body: &Value) -> Result<Asked<'_>, Failure> {
    let invalid = || Failure::bad("Invalid JSON in request body");
    let body = body.as_object().ok_or_else(invalid)?;
    let mut problems = Vec::new();
    let mut fields = Fields::new(body, &mut problems);
    let name = fields.text("name");
    let image = fields.text("imageName").filter(|image| !image.is_empty());
    let build = fields.object("buildInfo");
    let entrypoint = fields.texts("entrypoint").unwrap_or_default();
    let [cpu, gpu, memory, disk] =
        ["cpu", "gpu", "memory", "disk"].map(|name| fields.number(name).unwrap_or_default());
    fields.text("regionId");
    let class = fields.text("sandboxClass");
    if !problems.is_empty() {
        return Err(Failure::bad(problems.join(", ")));
    }
    let name = check_name(name.as_deref())?;
    match (&image, build) {
        (Some(_), Some(_)) => {
            let message = "Cannot specify both imageName and buildInfo";
            return Err(Failure::bad(message));
        }
        (None, None) => {
            return Err(Failure::bad("Must specify either imageName or buildInfo"));
        }
        (Some(image), None) => check_image(image)?,
        (None, Some(build)) => check_build(build)?,
    }
    if class.is_some_and(|class| class != "container") {
        let message = "sandboxClass: this embedded server has containers only";
        return Err(Failure::bad(message));
    }
    if [cpu, gpu, memory, disk].iter().any(|&amount| amount < 0) {
        return Err(Failure::bad("Sandbox resources must be non-negative"));
    }
    let or = |amount: i64, default: i64| if amount == 0 { default } else { amount };
    let amounts = Amounts {
        cpu: or(cpu, DEFAULT_AMOUNTS.cpu),
        gpu,
        memory: or(memory, DEFAULT_AMOUNTS.memory),
        disk: or(disk, DEFAULT_AMOUNTS.disk),
    };
    Ok(Asked {
        name,
        image,
        build,
        entrypoint,
        amounts,
    })
}

/// Parts of letters, digits and `_.:-`, with slashes between them, and maybe a digest.
pub(super) fn check_name(name: Option<&str>) -> Result<String, Failure> {
    let name = name.map(str::trim).unwrap_or_default();
    if name.is_empty() {
        let message = "name must be a string, name should not be empty";
        return Err(Failure::bad(message));
    }
    if !is_reference(name) {
        let message = "Invalid snapshot name: it may have letters, digits and _ . : - in parts with slashes \
                       between them, and at its end @sha256: and a digest";
        return Err(Failure::bad(message));
    }
    Ok(name.to_owned())
}

fn check_image(image: &str) -> Result<(), Failure> {
    if !is_reference(image) {
        return Err(Failure::bad("Invalid image name"));
    }
    if image.contains('@') {
        return Ok(());
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    match last.split_once(':') {
        Some((_, "latest")) => Err(Failure::bad(
            "Images with tag \":latest\" are not allowed: name a version",
        )),
        Some((_, tag)) if !tag.is_empty() => Ok(()),
        _ => Err(Failure::bad(
            "Image name must have a tag (such as debian:12) or a digest",
        )),
    }
}

fn check_build(build: &Map<String, Value>) -> Result<(), Failure> {
    match build.get("dockerfileContent") {
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(()),
        _ => Err(Failure::bad(
            "buildInfo.dockerfileContent must be a string, and not empty",
        )),
    }
}

fn is_reference(name: &str) -> bool {
    let (name, digest) = match name.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (name, None),
    };
    let hex = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let digest_fits = digest.is_none_or(|digest| digest.strip_prefix("sha256:").is_some_and(hex));
    let fits = |part: &str| {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
        !part.is_empty() && part.bytes().all(letter)
    };
    name.len() <= MAX_NAME && digest_fits && name.split('/').all(fits)
}
