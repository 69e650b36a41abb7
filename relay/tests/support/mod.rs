//! A relay on a free port, clients with fixed keys, and raw WebSockets that break the rules.
#![allow(dead_code, unreachable_pub, reason = "each test program uses its own part")]

use std::net::SocketAddr;
use std::time::Duration;

use chit_client::protocol::{Address, Domain, Grant, SessionKey, Signature};
use chit_client::transport::relay_protocol::{ClientMessage, ErrorCode, ServerMessage, authenticate};
use chit_client::transport::{CloseReason, LinkError, RelayClient, RelayError, RelayEvent};
use chit_relay::native_link::NativeLink;
use chit_relay::{Config, Relay};
use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// A running relay; dropping it kills it without a word.
pub struct TestRelay {
    pub url: String,
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

impl TestRelay {
    pub async fn start(config: Config) -> Self {
        let listen = if config.listen == Config::default().listen { "127.0.0.1:0".into() } else { config.listen };
        let relay = Relay::bind(Config { listen, ..config }).await.unwrap();
        let (url, address) = (relay.url(), relay.address());
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(relay.run(async {
            let _ = stopped.await;
        }));
        Self { url, address, stop: Some(stop), task }
    }

    /// Stops it as a signal would.
    pub async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        (&mut self.task).await.unwrap().unwrap();
    }

    /// The body and the status line of a page.
    pub async fn get(&self, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        within(stream.read_to_string(&mut response)).await.unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    /// The value of a metric.
    pub async fn metric(&self, name: &str) -> u64 {
        let (_, page) = self.get("/metrics").await;
        let line = page.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name} in {page}"));
        line.trim().parse().unwrap()
    }
}

impl Drop for TestRelay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Nothing in these tests may take longer.
pub async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), work).await.expect("it takes too long")
}

pub fn key(seed: u8) -> SessionKey {
    SessionKey::from_bytes(&[seed; 32]).unwrap()
}

pub fn domain() -> Domain {
    Domain::new(31_337, Address::repeat_byte(7))
}

/// The word of the wallet with key `wallet` for the session key `session`.
pub fn grant(wallet: u8, session: u8) -> Grant {
    let wallet = key(wallet);
    let mut grant = Grant {
        wallet: wallet.public_key().address(),
        session_key: key(session).public_key().address(),
        valid_until: 2_000_000_000,
        signature: Signature([0; 65]),
    };
    grant.signature = wallet.sign(domain().digest(&grant.to_sol())).unwrap();
    grant
}

pub type Client = RelayClient<NativeLink>;

pub async fn connect(url: &str, seed: u8) -> Result<Client, RelayError> {
    let link = NativeLink::connect(url).await?;
    within(RelayClient::connect(link, &key(seed))).await
}

/// The next event, which must come soon.
pub async fn next(client: &Client) -> RelayEvent {
    within(client.receive()).await
}

/// The code with which a session ends.
pub async fn refusal(client: &Client) -> ErrorCode {
    match next(client).await {
        RelayEvent::Closed { reason: CloseReason::Refused { code, .. } } => code,
        other => panic!("not refused but {other:?}"),
    }
}

/// Waits until everything sent before was handled: the relay answers in order.
pub async fn settled(client: &Client) {
    let nowhere = domain();
    client.lookup(nowhere.chain_id(), nowhere.judge(), Address::ZERO).await.unwrap();
    match next(client).await {
        RelayEvent::Found { wallet, .. } if wallet == Address::ZERO => {}
        other => panic!("unexpected {other:?}"),
    }
}

/// A WebSocket without a client around it.
pub struct Raw(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Raw {
    /// Connected, and not challenged yet.
    pub async fn connect(url: &str) -> Self {
        Self(connect_async(url).await.unwrap().0)
    }

    /// Connected and challenged.
    pub async fn challenged(url: &str) -> (Self, [u8; 32]) {
        let mut raw = Self::connect(url).await;
        match raw.read().await {
            ServerMessage::Challenge { nonce, .. } => (raw, nonce),
            other => panic!("not challenged but {other:?}"),
        }
    }

    /// Connected and authenticated.
    pub async fn authenticated(url: &str, seed: u8) -> Self {
        let (mut raw, nonce) = Self::challenged(url).await;
        raw.say(&authenticate(&nonce, &key(seed)).unwrap()).await;
        assert_eq!(raw.read().await, ServerMessage::Welcome {});
        raw
    }

    pub async fn say(&mut self, message: &ClientMessage) {
        self.write(Message::Binary(message.to_bytes().into())).await.unwrap();
    }

    pub async fn write(&mut self, message: Message) -> Result<(), LinkError> {
        self.0.send(message).await.map_err(|error| LinkError::Closed(error.to_string()))
    }

    /// The next message of the relay.
    pub async fn read(&mut self) -> ServerMessage {
        loop {
            match within(self.0.next()).await {
                Some(Ok(Message::Binary(bytes))) => return ServerMessage::from_bytes(&bytes).unwrap(),
                Some(Ok(Message::Ping(_))) => {}
                other => panic!("no message but {other:?}"),
            }
        }
    }

    /// The code of the error that the relay says before it closes.
    pub async fn refused(mut self) -> ErrorCode {
        let ServerMessage::Error { code, detail } = self.read().await else { panic!("not refused") };
        assert!(!detail.is_empty());
        loop {
            match within(self.0.next()).await {
                Some(Ok(Message::Close(_))) | None | Some(Err(_)) => return code,
                Some(Ok(Message::Ping(_))) => {}
                Some(Ok(other)) => panic!("{other:?} after the refusal"),
            }
        }
    }
}
