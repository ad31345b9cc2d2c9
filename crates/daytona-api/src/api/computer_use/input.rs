use super::ComputerUse;
use crate::error::Error;
use crate::models::toolbox::{
    KeyboardHotkeyRequest, KeyboardPressRequest, KeyboardTypeRequest, MouseClickRequest,
    MouseClickResponse, MouseDragRequest, MouseDragResponse, MouseMoveRequest,
    MousePositionResponse, MouseScrollRequest, ScrollResponse,
};
use crate::request::Call;
use crate::routes::toolbox as routes;

/// Mouse and keyboard.
impl ComputerUse {
    /// Where the mouse is: `GET /computeruse/mouse/position`.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`].
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// let place = desktop.mouse_position().await?;
    /// println!("{:?}, {:?}", place.x, place.y);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn mouse_position(&self) -> Result<MousePositionResponse, Error> {
        self.toolbox
            .fetch(Call::new(&routes::GET_MOUSE_POSITION, &[])?)
            .await
    }

    /// Moves the mouse: `POST /computeruse/mouse/move`.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may move all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// desktop.move_mouse(100, 200).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn move_mouse(&self, x: i32, y: i32) -> Result<MousePositionResponse, Error> {
        let body = MouseMoveRequest {
            x: Some(i64::from(x)),
            y: Some(i64::from(y)),
        };
        self.toolbox
            .fetch(Call::new(&routes::MOVE_MOUSE, &[])?.json(&body)?)
            .await
    }

    /// Clicks: `POST /computeruse/mouse/click`. `set` may give the `button` (`left`, which is the default,
    /// `right` or `middle`) and `double`; with newer servers `clicks` and `modifiers`.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may click all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// desktop.click(100, 200, |click| click.button = Some("right".into())).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn click(
        &self,
        x: i32,
        y: i32,
        set: impl FnOnce(&mut MouseClickRequest) + Send,
    ) -> Result<MouseClickResponse, Error> {
        let mut body = MouseClickRequest {
            x: Some(i64::from(x)),
            y: Some(i64::from(y)),
            ..MouseClickRequest::default()
        };
        set(&mut body);
        self.toolbox
            .fetch(Call::new(&routes::CLICK, &[])?.json(&body)?)
            .await
    }

    /// Moves the mouse with a button held: `POST /computeruse/mouse/drag`, from one place to another. `set` may
    /// give the `button` (default `left`); with newer servers `modifiers`.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be done all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// desktop.drag((10, 10), (200, 10), |_| {}).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn drag(
        &self,
        from: (i32, i32),
        to: (i32, i32),
        set: impl FnOnce(&mut MouseDragRequest) + Send,
    ) -> Result<MouseDragResponse, Error> {
        let mut body = MouseDragRequest {
            start_x: Some(i64::from(from.0)),
            start_y: Some(i64::from(from.1)),
            end_x: Some(i64::from(to.0)),
            end_y: Some(i64::from(to.1)),
            ..MouseDragRequest::default()
        };
        set(&mut body);
        self.toolbox
            .fetch(Call::new(&routes::DRAG, &[])?.json(&body)?)
            .await
    }

    /// Turns the mouse wheel `up` or `down` at a place: `POST /computeruse/mouse/scroll`. `set` may give the
    /// `amount` (default 1); with newer servers `modifiers`.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be done all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// desktop.scroll(100, 200, "down", |scroll| scroll.amount = Some(3)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn scroll(
        &self,
        x: i32,
        y: i32,
        direction: &str,
        set: impl FnOnce(&mut MouseScrollRequest) + Send,
    ) -> Result<bool, Error> {
        let mut body = MouseScrollRequest {
            x: Some(i64::from(x)),
            y: Some(i64::from(y)),
            direction: Some(direction.to_owned()),
            ..MouseScrollRequest::default()
        };
        set(&mut body);
        let done: ScrollResponse = self
            .toolbox
            .fetch(Call::new(&routes::SCROLL, &[])?.json(&body)?)
            .await?;
        Ok(done.success.unwrap_or_default())
    }

    /// Presses a mouse button and holds it: `POST /computeruse/mouse/down`. Known from newer clients; its
    /// answer is given as it comes.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. Older servers answer 404. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be pressed all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// desktop.mouse_down("left").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn mouse_down(&self, button: &str) -> Result<serde_json::Value, Error> {
        let body = serde_json::json!({ "button": button });
        self.toolbox
            .fetch(Call::new(&routes::MOUSE_DOWN, &[])?.json(&body)?)
            .await
    }

    /// Releases a mouse button: `POST /computeruse/mouse/up`. Known from newer clients; its answer is given as
    /// it comes.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. Older servers answer 404. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be released all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// desktop.mouse_up("left").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn mouse_up(&self, button: &str) -> Result<serde_json::Value, Error> {
        let body = serde_json::json!({ "button": button });
        self.toolbox
            .fetch(Call::new(&routes::MOUSE_UP, &[])?.json(&body)?)
            .await
    }

    /// Types a text, with `delay` milliseconds between the keys (default 0): `POST /computeruse/keyboard/type`.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. The text is in no error. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// Some of it may be typed all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// desktop.type_text("hello", Some(20)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn type_text(&self, text: &str, delay: Option<u32>) -> Result<(), Error> {
        let body = KeyboardTypeRequest {
            text: Some(text.to_owned()),
            delay: delay.map(i64::from),
        };
        let call = Call::new(&routes::TYPE_TEXT, &[])?.json(&body)?;
        self.toolbox.act(call.hide(&body.text)).await
    }

    /// Presses a key, such as `enter`, with modifiers (`ctrl`, `alt`, `shift`, `cmd`): `POST
    /// /computeruse/keyboard/key`.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be pressed all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// desktop.press_key("a", &["ctrl"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn press_key(&self, key: &str, modifiers: &[&str]) -> Result<(), Error> {
        let modifiers = modifiers.iter().map(|name| (*name).to_owned()).collect();
        let body = KeyboardPressRequest {
            key: Some(key.to_owned()),
            modifiers: Some(modifiers),
        };
        self.toolbox
            .act(Call::new(&routes::PRESS_KEY, &[])?.json(&body)?)
            .await
    }

    /// Presses keys together, such as `ctrl+c`: `POST /computeruse/keyboard/hotkey`.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// They may be pressed all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// desktop.press_hotkey("ctrl+c").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn press_hotkey(&self, keys: &str) -> Result<(), Error> {
        let body = KeyboardHotkeyRequest {
            keys: Some(keys.to_owned()),
        };
        self.toolbox
            .act(Call::new(&routes::PRESS_HOTKEY, &[])?.json(&body)?)
            .await
    }

    /// Presses a key and holds it: `POST /computeruse/keyboard/down`. Known from newer clients; its answer is
    /// given as it comes.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. Older servers answer 404. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be pressed all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// desktop.key_down("shift").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn key_down(&self, key: &str) -> Result<serde_json::Value, Error> {
        let body = serde_json::json!({ "key": key });
        self.toolbox
            .fetch(Call::new(&routes::KEY_DOWN, &[])?.json(&body)?)
            .await
    }

    /// Releases a key: `POST /computeruse/keyboard/up`. Known from newer clients; its answer is given as it
    /// comes.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. Older servers answer 404. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be released all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// desktop.key_up("shift").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn key_up(&self, key: &str) -> Result<serde_json::Value, Error> {
        let body = serde_json::json!({ "key": key });
        self.toolbox
            .fetch(Call::new(&routes::KEY_UP, &[])?.json(&body)?)
            .await
    }
}
