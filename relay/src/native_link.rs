//! A [`Link`] over a native WebSocket, for tests and for clients without a browser.
//!
//! It speaks `ws://` only. A client outside a browser that needs `wss://` puts a TLS stream under it.

use chit_client::transport::relay_protocol::MAX_RELAY_MESSAGE_BYTES;
use chit_client::transport::{Dial, Link, LinkError};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens [`NativeLink`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct NativeDial;

impl Dial for NativeDial {
    type Link = NativeLink;

    async fn dial(&self, url: &str) -> Result<NativeLink, LinkError> {
        NativeLink::connect(url).await
    }
}

/// A WebSocket. Losing a future of `receive` loses no frame.
#[derive(Debug)]
pub struct NativeLink {
    sink: Mutex<SplitSink<Socket, Message>>,
    stream: Mutex<SplitStream<Socket>>,
}

impl NativeLink {
    /// Connects to `url`.
    ///
    /// # Errors
    /// [`LinkError::Connect`].
    pub async fn connect(url: &str) -> Result<Self, LinkError> {
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_RELAY_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_RELAY_MESSAGE_BYTES));
        // Without Nagle's algorithm: every frame is awaited by somebody.
        let (socket, _) = connect_async_with_config(url, Some(config), true)
            .await
            .map_err(|error| LinkError::Connect(error.to_string()))?;
        let (sink, stream) = socket.split();
        Ok(Self { sink: Mutex::new(sink), stream: Mutex::new(stream) })
    }
}

fn closed(reason: impl ToString) -> LinkError {
    LinkError::Closed(reason.to_string())
}

impl Link for NativeLink {
    async fn send(&self, frame: Vec<u8>) -> Result<(), LinkError> {
        if frame.len() > MAX_RELAY_MESSAGE_BYTES {
            return Err(LinkError::TooLarge(frame.len()));
        }
        self.sink.lock().await.send(Message::Binary(frame.into())).await.map_err(closed)
    }

    async fn receive(&self) -> Result<Vec<u8>, LinkError> {
        let mut stream = self.stream.lock().await;
        loop {
            match stream.next().await {
                Some(Ok(Message::Binary(frame))) => return Ok(frame.into()),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Text(_))) => return Err(closed("a text message came where only binary ones belong")),
                Some(Ok(Message::Close(_))) | None => return Err(closed("the other end closed")),
                Some(Err(error)) => return Err(closed(error)),
            }
        }
    }
}
