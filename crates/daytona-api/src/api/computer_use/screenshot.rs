use super::ComputerUse;
use crate::api::Toolbox;
use crate::error::Error;
use crate::models::toolbox::ScreenshotResponse;
use crate::request::{Call, flag};
use crate::routes::toolbox as routes;

/// Pictures of the screen.
impl ComputerUse {
    /// Takes a picture of the screen: `GET /computeruse/screenshot`, and its variants. See [`Screenshot`].
    pub fn screenshot(&self) -> Screenshot {
        Screenshot {
            toolbox: self.toolbox.clone(),
            region: None,
            show_cursor: None,
            compressed: None,
        }
    }
}

/// Takes a picture of the screen; from [`ComputerUse::screenshot`].
///
/// ```no_run
/// # async fn example(desktop: daytona_api::api::ComputerUse) -> Result<(), daytona_api::Error> {
/// let picture = desktop.screenshot().region(0, 0, 640, 480).compressed("jpeg", 80, 0.5).send().await?;
/// println!("{:?} bytes", picture.size_bytes);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Screenshot {
    toolbox: Toolbox,
    region: Option<(i32, i32, u32, u32)>,
    show_cursor: Option<bool>,
    compressed: Option<(String, u8, f64)>,
}

impl Screenshot {
    /// Only this part of the screen, in pixels from the top left.
    pub fn region(mut self, x: i32, y: i32, width: u32, height: u32) -> Self {
        self.region = Some((x, y, width, height));
        self
    }

    /// Whether the mouse is in the picture.
    pub fn show_cursor(mut self, show: bool) -> Self {
        self.show_cursor = Some(show);
        self
    }

    /// Smaller: `png` or `jpeg`, with a quality of 1 to 100 (of jpeg), scaled by 0.1 to 1.0.
    pub fn compressed(mut self, format: impl Into<String>, quality: u8, scale: f64) -> Self {
        self.compressed = Some((format.into(), quality, scale));
        self
    }

    /// Takes it. The picture is in Base64.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. Status 400 for a value that is out of range.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    pub async fn send(self) -> Result<ScreenshotResponse, Error> {
        let route = match (self.region.is_some(), self.compressed.is_some()) {
            (false, false) => &routes::TAKE_SCREENSHOT,
            (true, false) => &routes::TAKE_REGION_SCREENSHOT,
            (false, true) => &routes::TAKE_COMPRESSED_SCREENSHOT,
            (true, true) => &routes::TAKE_COMPRESSED_REGION_SCREENSHOT,
        };
        let mut call = Call::new(route, &[])?.maybe("showCursor", self.show_cursor.map(flag));
        if let Some((x, y, width, height)) = self.region {
            call = call.query("x", &x.to_string()).query("y", &y.to_string());
            call = call.query("width", &width.to_string());
            call = call.query("height", &height.to_string());
        }
        if let Some((format, quality, scale)) = &self.compressed {
            call = call.query("format", format);
            call = call.query("quality", &quality.to_string());
            call = call.query("scale", &scale.to_string());
        }
        // a picture is larger than other answers
        let limit = self.toolbox.client.shared.config.limits.output;
        self.toolbox
            .client
            .json(&self.toolbox.base, call, limit)
            .await
    }
}
