//! The relay as a whole: routes, start, stop.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, State as Shared};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chit_client::transport::relay_protocol::{MAX_RELAY_MESSAGE_BYTES, RELAY_PATH, RELAY_PROTOCOL_VERSION};
use tokio::net::TcpListener;

use crate::config::Config;
use crate::connection;
use crate::listener::{GuardedListener, Peer};
use crate::state::State;

/// TCP connections beyond the WebSockets: for refusals, `/health` and `/metrics`.
const SPARE_CONNECTIONS: usize = 64;

/// How long clients have to be told that the relay stops.
const STOP_WITHIN: Duration = Duration::from_secs(3);

/// What each connection reads at once. The WebSocket library's default is 128 KiB, held for the connection's life.
const READ_BUFFER_BYTES: usize = 16 * 1_024;

/// Up to here a message that is too large is read, so that its sender can be told; anything larger is cut off.
const READABLE_BYTES: usize = 4 * MAX_RELAY_MESSAGE_BYTES;

/// A relay that is bound to its address.
#[derive(Debug)]
pub struct Relay {
    state: Arc<State>,
    listener: TcpListener,
    address: SocketAddr,
}

impl Relay {
    /// Binds to the configured address.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn bind(config: Config) -> io::Result<Self> {
        let listener = TcpListener::bind(&config.listen).await?;
        let address = listener.local_addr()?;
        Ok(Self { state: State::new(config), listener, address })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What clients connect to.
    pub fn url(&self) -> String {
        format!("ws://{}{RELAY_PATH}", self.address)
    }

    /// Serves until `shutdown` resolves, then tells the clients to come back and stops.
    ///
    /// # Errors
    /// When the listener fails for good.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let Self { state, listener, address: _ } = self;
        let Config { max_connections, handshake_timeout, .. } = state.config;
        let listener =
            GuardedListener::new(listener, max_connections.saturating_add(SPARE_CONNECTIONS), handshake_timeout);
        let app = Router::new()
            .route(RELAY_PATH, get(upgrade))
            .route("/health", get(health))
            .route("/metrics", get(metrics))
            .with_state(state.clone())
            .into_make_service_with_connect_info::<Peer>();
        let stopping = state.clone();
        let serving = axum::serve(listener, app).with_graceful_shutdown(async move {
            shutdown.await;
            stopping.stop();
        });
        let stopped = async {
            state.stopped().await;
            tokio::time::sleep(STOP_WITHIN).await;
        };
        let served = async {
            let served = serving.await;
            while state.connections() > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            served
        };
        tokio::select! {
            served = served => served,
            () = stopped => Ok(()),
        }
    }
}

async fn upgrade(
    Shared(state): Shared<Arc<State>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let address = if state.config.trust_forwarded_for { forwarded_for(&headers) } else { None };
    let seat = state.seat(address.unwrap_or_else(|| peer.address.ip()));
    peer.establish();
    upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .max_message_size(READABLE_BYTES)
        .max_frame_size(READABLE_BYTES)
        .on_upgrade(move |socket| async move {
            match seat {
                Ok(seat) => connection::serve(state, socket, seat).await,
                Err(code) => connection::refuse(state, socket, code).await,
            }
        })
}

/// The address that the proxy nearest to the relay saw; what stands before it, the client could have written.
fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?;
    last.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
}

async fn health(Shared(state): Shared<Arc<State>>) -> Response {
    let gauges = state.gauges();
    let body = format!(
        "{{\"status\":\"ok\",\"version\":\"{}\",\"protocol\":{RELAY_PROTOCOL_VERSION},\"connections\":{},\"clients\":{}}}\n",
        env!("CARGO_PKG_VERSION"),
        gauges.connections,
        gauges.clients,
    );
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn metrics(Shared(state): Shared<Arc<State>>) -> Response {
    let body = state.metrics.render(state.gauges());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_nearest_proxy_wrote_is_believed() {
        let address = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", line.parse().unwrap());
            }
            forwarded_for(&headers).map(|address| address.to_string())
        };
        assert_eq!(address(&["1.1.1.1, 2.2.2.2"]).as_deref(), Some("2.2.2.2"));
        assert_eq!(address(&["1.1.1.1", "2.2.2.2, 2001:db8::1"]).as_deref(), Some("2001:db8::1"));
        assert_eq!(address(&["1.1.1.1, nonsense"]), None);
        assert_eq!(address(&[]), None);
    }
}
