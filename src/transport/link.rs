//! An ordered pipe of binary frames: a WebSocket to the relay, or a WebRTC data channel.

/// Why a link stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It could not be opened.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// It was closed, by the other end or by the network.
    #[error("the connection closed: {0}")]
    Closed(String),
    /// A frame is larger than the link carries.
    #[error("a frame of {0} bytes is too large")]
    TooLarge(usize),
}

/// An open, ordered pipe. Dropping it closes it.
#[allow(async_fn_in_trait, reason = "links are used on one thread: JavaScript's, or a test's")]
pub trait Link {
    /// Hands a frame to the pipe; waits while too much is unsent. That it was handed over does not mean it arrived.
    ///
    /// # Errors
    /// [`LinkError`] when the link is closed or the frame too large.
    async fn send(&self, frame: Vec<u8>) -> Result<(), LinkError>;

    /// The next frame.
    ///
    /// # Errors
    /// [`LinkError::Closed`] when no more will come.
    async fn receive(&self) -> Result<Vec<u8>, LinkError>;
}

/// Opens links.
#[allow(async_fn_in_trait, reason = "links are used on one thread: JavaScript's, or a test's")]
pub trait Dial {
    /// What it opens.
    type Link: Link;

    /// Opens a link to `url`.
    ///
    /// # Errors
    /// [`LinkError::Connect`] when nothing answers there.
    async fn dial(&self, url: &str) -> Result<Self::Link, LinkError>;
}
