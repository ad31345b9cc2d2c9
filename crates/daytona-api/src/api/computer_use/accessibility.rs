use super::ComputerUse;
use crate::error::Error;
use crate::models::toolbox::{
    AccessibilityInvokeRequest, AccessibilityNodeRequest, AccessibilityNodesResponse,
    AccessibilitySetValueRequest, AccessibilityTreeResponse, FindAccessibilityNodesRequest,
};
use crate::request::Call;
use crate::routes::toolbox as routes;

/// What is on the screen, as accessibility tools see it. A node's id is good as long as the node is there.
impl ComputerUse {
    /// What is on the screen, as accessibility tools see it: `GET /computeruse/a11y/tree`. `scope` is `focused`
    /// (the default), `pid` (with a `pid`) or `all`; `max_depth` bounds it (-1, the default, does not).
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. Status 503 where the sandbox has no accessibility bus.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// let tree = desktop.accessibility_tree(Some("all"), None, Some(3)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn accessibility_tree(
        &self,
        scope: Option<&str>,
        pid: Option<u32>,
        max_depth: Option<i32>,
    ) -> Result<AccessibilityTreeResponse, Error> {
        let call = Call::new(&routes::GET_ACCESSIBILITY_TREE, &[])?.maybe("scope", scope);
        let call = call.maybe("pid", pid).maybe("maxDepth", max_depth);
        self.toolbox.fetch(call).await
    }

    /// Finds nodes: `POST /computeruse/a11y/find`. `set` gives what to look for: `scope`, `pid`, `role`, `name`
    /// with `name_match` (`exact`, `substring` or `regex`), `states`, `limit`.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. Status 503 where the sandbox has no accessibility bus.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing changes.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// let found = desktop.find_accessibility_nodes(|node| node.role = Some("button".into())).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn find_accessibility_nodes(
        &self,
        set: impl FnOnce(&mut FindAccessibilityNodesRequest) + Send,
    ) -> Result<AccessibilityNodesResponse, Error> {
        let mut body = FindAccessibilityNodesRequest::default();
        set(&mut body);
        self.toolbox
            .fetch(
                Call::new(&routes::FIND_ACCESSIBILITY_NODES, &[])?
                    .json(&body)?
                    .idempotent(),
            )
            .await
    }

    /// Gives a node the focus: `POST /computeruse/a11y/node/focus`.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. Not found where there is no such node. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be done all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// desktop.focus_accessibility_node(":1.5/org/a11y/atspi/accessible/42").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn focus_accessibility_node(&self, id: &str) -> Result<(), Error> {
        let body = AccessibilityNodeRequest { id: id.to_owned() };
        self.toolbox
            .act(Call::new(&routes::FOCUS_ACCESSIBILITY_NODE, &[])?.json(&body)?)
            .await
    }

    /// Does what a node can do, its first action where none is named: `POST /computeruse/a11y/node/invoke`.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. Not found where there is no such node. Not retried once it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be done all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// desktop.invoke_accessibility_node(":1.5/org/a11y/atspi/accessible/42", Some("click")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn invoke_accessibility_node(
        &self,
        id: &str,
        action: Option<&str>,
    ) -> Result<(), Error> {
        let body = AccessibilityInvokeRequest {
            id: id.to_owned(),
            action: action.map(str::to_owned),
        };
        self.toolbox
            .act(Call::new(&routes::INVOKE_ACCESSIBILITY_NODE, &[])?.json(&body)?)
            .await
    }

    /// Sets the value of a node, such as a field's text: `POST /computeruse/a11y/node/value`.
    ///
    /// # Errors
    ///
    /// See [`ComputerUse`]. Not found where there is no such node. The value is in no error. Not retried once
    /// it may have been sent.
    ///
    /// # Cancel safety
    ///
    /// It may be done all the same.
    ///
    /// ```no_run
    /// # async fn example(toolbox: daytona_api::api::Toolbox) -> Result<(), daytona_api::Error> {
    /// let desktop = toolbox.computer_use();
    /// let id = ":1.5/org/a11y/atspi/accessible/42";
    /// desktop.set_accessibility_node_value(id, "Ada").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn set_accessibility_node_value(&self, id: &str, value: &str) -> Result<(), Error> {
        let body = AccessibilitySetValueRequest {
            id: id.to_owned(),
            value: Some(value.to_owned()),
        };
        let call = Call::new(&routes::SET_ACCESSIBILITY_NODE_VALUE, &[])?.json(&body)?;
        self.toolbox.act(call.hide(&body.value)).await
    }
}
