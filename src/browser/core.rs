//! The one class that JavaScript sees: open, invoke, close.
//!
//! A single `invoke(method, params)` with plain objects keeps the boundary small and lets other tabs ask the same things
//! through a port. All exported methods take `&self`, so overlapping calls never meet a mutable borrow.

use std::cell::RefCell;
use std::time::Duration;

use js_sys::{Function, Object, Reflect};
use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::engine::{Command, EngineError, Reply};
use crate::node::{Node, NodeConfig, NodeError, NodeEvent, PaymentQuery, Services};
use crate::protocol::{Address, ChannelId, Domain, Memo, PaymentId};

use super::error::{PanicWatch, chit_error, is_poisoned};
use super::persistence::{self, Persistence};
use super::runtime::{self, BrowserRuntime};
use super::views::{
    AuthorizationObject, ChannelObject, ConfigObject, EventObject, ModeName, PaymentObject, Request, StatusObject, Text,
};
use super::{Eip1193, IndexedDb, InjectedWallet, LockError, VaultError, WebLock, WebSocketDial, load_or_create};

/// The most payments that one listing returns.
const MAX_LISTED: usize = 1_000;
/// How many milliseconds a partner has to countersign when the caller does not say.
const COUNTERSIGN_WITHIN: u64 = 20_000;

type BrowserNode = Node<IndexedDb, InjectedWallet, WebSocketDial, BrowserRuntime>;

/// A running client in this tab.
#[wasm_bindgen]
#[derive(Debug)]
pub struct ChitCore {
    node: BrowserNode,
    lock: RefCell<Option<WebLock>>,
    _panics: PanicWatch,
}

#[wasm_bindgen]
impl ChitCore {
    /// Takes the account's lock, opens its storage, and starts.
    ///
    /// # Errors
    /// A `ChitError`: `ALREADY_OPEN` when another tab has the account, `STORAGE_*` when storage cannot be opened, `VAULT_*`
    /// when the session key cannot be unsealed, or the chain's error when the Judge cannot be read.
    pub async fn open(config: JsValue, provider: Eip1193, on_event: Function) -> Result<Self, JsValue> {
        let config: ConfigObject = parse(config)?;
        let from_block = config
            .from_block
            .strip_prefix("0x")
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .ok_or_else(|| invalid("fromBlock is not a quantity in hex"))?;
        let (judge, wallet) = (config.judge.0, config.wallet.0);
        let storage = config.storage_name.unwrap_or_else(|| "chit".into());
        let name = format!("{storage}:{}:{judge}:{wallet}", config.chain_id);

        let panics = PanicWatch::new(on_event.clone());
        let domain = Domain::new(config.chain_id, judge);
        let lock = WebLock::acquire(&name, true).await.map_err(|error| lock_error(&error))?;
        let store = IndexedDb::open(&name).await.map_err(|error| node_error(&NodeError::Store(error)))?;
        let key = load_or_create(&store, &domain, wallet).await.map_err(vault_error)?;
        let node_config = NodeConfig {
            domain,
            wallet,
            confirmations: config.confirmations.unwrap_or(crate::engine::Config::CONFIRMATIONS).max(1),
            from_block,
            polling_interval: Duration::from_millis(config.polling_interval.unwrap_or(4_000).max(50)),
            relay_url: config.relay_url,
            window: config.window.unwrap_or(crate::engine::Config::WINDOW).max(1),
        };
        let provider = InjectedWallet::new(provider);
        let services = Services { store, provider, dial: WebSocketDial::default(), runtime: BrowserRuntime };
        let listener = move |event: NodeEvent| {
            if let Ok(object) = to_js(&EventObject::from(&event)) {
                // A listener that throws must not stop the client; the TypeScript above reports it.
                let _ = on_event.call1(&JsValue::NULL, &object);
            }
        };
        let node = Node::start(node_config, services, key, listener).await.map_err(|error| node_error(&error))?;
        Ok(Self { node, lock: RefCell::new(Some(lock)), _panics: panics })
    }

    /// Does what `method` names with the named parameters in `params`.
    ///
    /// # Errors
    /// A `ChitError` with a stable code.
    pub async fn invoke(&self, method: String, params: JsValue) -> Result<JsValue, JsValue> {
        if is_poisoned() {
            return Err(chit_error("FATAL", "the client crashed; reload the page", &JsValue::UNDEFINED, false).into());
        }
        let request = Object::new();
        Reflect::set(&request, &"method".into(), &method.into())?;
        Reflect::set(&request, &"params".into(), &params)?;
        self.carry_out(parse(request.into())?).await
    }

    /// Stops, and lets another tab take the account over.
    pub async fn close(&self) -> Result<(), JsValue> {
        self.node.close();
        let lock = self.lock.borrow_mut().take();
        if let Some(lock) = lock {
            lock.release().await;
        }
        Ok(())
    }
}

impl ChitCore {
    async fn carry_out(&self, request: Request) -> Result<JsValue, JsValue> {
        match request {
            Request::Authorize {} => {
                let grant = self.node.authorize().await.map_err(|error| node_error(&error))?;
                to_js(&AuthorizationObject::from(&grant))
            }
            Request::OpenChannel { operation, partner, token, deposit, salt } => {
                // The first deposit is the moment to ask for storage that the browser does not evict.
                persistence::persist().await;
                let salt = match salt {
                    Some(Text(salt)) => u64::from_be_bytes(last_eight(&salt.0)),
                    None => u64::from_be_bytes(random()?),
                };
                self.command(Command::Open { operation, partner: partner.0, token: token.0, deposit: deposit.0, salt })
                    .await
            }
            Request::Deposit { operation, channel, amount } => {
                self.command(Command::Deposit { operation, channel: channel.0, amount: amount.0 }).await
            }
            Request::Pay { payment, channel, to, token, amount, memo } => {
                let channel = match (channel, to) {
                    (Some(channel), _) => channel.0,
                    (None, Some(to)) => self.channel_to(to.0, token.map(|token| token.0).unwrap_or_default()).await?,
                    (None, None) => return Err(invalid("pay needs a channel, or to and token")),
                };
                let payment = match payment {
                    Some(payment) => payment.0,
                    None => PaymentId(random()?),
                };
                let memo = memo.map(Memo::new).transpose().map_err(|error| invalid(&error.to_string()))?;
                self.command(Command::Pay { channel, payment, amount: amount.0, memo }).await
            }
            Request::CancelPayment { payment } => {
                for channel in self.node.channels().await.map_err(|error| node_error(&error))? {
                    let command = Command::CancelPayment { channel: channel.id, payment: payment.0 };
                    match self.node.command(command).await {
                        Err(NodeError::Engine(EngineError::UnknownPayment)) => {}
                        Err(error) => return Err(node_error(&error)),
                        Ok(_) => return Ok(JsValue::TRUE),
                    }
                }
                Err(node_error(&NodeError::Engine(EngineError::UnknownPayment)))
            }
            Request::Withdraw { operation, channel, amount, timeout } => {
                let timeout = seconds(timeout);
                self.command(Command::Withdraw { operation, channel: channel.0, amount: amount.0, timeout }).await
            }
            Request::CloseChannel { operation, channel, mode, timeout, force } => {
                let mode = mode.unwrap_or(ModeName::Auto).into();
                let timeout = seconds(timeout);
                self.command(Command::Close { operation, channel: channel.0, mode, timeout, force }).await
            }
            Request::Respond { operation, channel } => {
                self.command(Command::Respond { operation, channel: channel.0 }).await
            }
            Request::Settle { operation, channel } => {
                self.command(Command::Settle { operation, channel: channel.0 }).await
            }
            Request::Channels {} => {
                let channels = self.node.channels().await.map_err(|error| node_error(&error))?;
                to_js(&channels.iter().map(ChannelObject::from).collect::<Vec<_>>())
            }
            Request::Channel { channel } => self.view(channel.0).await,
            Request::Payments { channel, limit, before } => {
                let query = PaymentQuery {
                    channel: channel.map(|channel| channel.0),
                    limit: limit.unwrap_or(MAX_LISTED).min(MAX_LISTED),
                    before: before.map(|payment| payment.0),
                };
                let payments = self.node.payments(&query).await.map_err(|error| node_error(&error))?;
                to_js(&payments.iter().map(PaymentObject::from).collect::<Vec<_>>())
            }
            Request::Status {} => {
                let persisted = match persistence::persisted().await {
                    Persistence::Granted => Some(true),
                    Persistence::Refused => Some(false),
                    Persistence::Unavailable => None,
                };
                to_js(&StatusObject::new(self.node.status(), persisted))
            }
            Request::Balance { token } => {
                let balance = self.node.balance(token.0).await.map_err(|error| node_error(&error))?;
                to_js(&Text(balance))
            }
            Request::DebugOffline { offline } => {
                self.node.set_offline(offline);
                Ok(JsValue::UNDEFINED)
            }
            Request::DebugCloseWithOldProof { channel } => {
                self.node.close_with_old_proof(channel.0).await.map_err(|error| node_error(&error))?;
                self.view(channel.0).await
            }
        }
    }

    async fn command(&self, command: Command) -> Result<JsValue, JsValue> {
        match self.node.command(command).await {
            Ok(Reply::Channel(view)) => to_js(&ChannelObject::from(view.as_ref())),
            Ok(Reply::Payment(view)) => to_js(&PaymentObject::from(&view)),
            Err(error) => Err(node_error(&error)),
        }
    }

    async fn view(&self, id: ChannelId) -> Result<JsValue, JsValue> {
        let view = self.node.channel(id).await.map_err(|error| node_error(&error))?;
        to_js(&ChannelObject::from(&view))
    }

    /// The open channel with a partner that can pay the most.
    async fn channel_to(&self, partner: Address, token: Address) -> Result<ChannelId, JsValue> {
        let channels = self.node.channels().await.map_err(|error| node_error(&error))?;
        let candidates = channels.iter().filter(|view| view.partner == partner && view.key.token == token);
        let best = candidates.max_by_key(|view| (view.ready, view.capacity));
        best.map(|view| view.id).ok_or_else(|| node_error(&NodeError::Engine(EngineError::UnknownChannel)))
    }
}

fn seconds(milliseconds: Option<u64>) -> u64 {
    milliseconds.unwrap_or(COUNTERSIGN_WITHIN).div_ceil(1_000)
}

fn random<const N: usize>() -> Result<[u8; N], JsValue> {
    let mut bytes = [0; N];
    runtime::random(&mut bytes)
        .map_err(|error| JsValue::from(chit_error("INTERNAL", &error.to_string(), &JsValue::UNDEFINED, false)))?;
    Ok(bytes)
}

fn last_eight(bytes: &[u8; 32]) -> [u8; 8] {
    let mut last = [0; 8];
    last.copy_from_slice(&bytes[24..]);
    last
}

fn parse<T: serde::de::DeserializeOwned>(value: JsValue) -> Result<T, JsValue> {
    serde_wasm_bindgen::from_value(value).map_err(|error| invalid(&error.to_string()))
}

fn to_js<T: Serialize>(value: &T) -> Result<JsValue, JsValue> {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    value.serialize(&serializer).map_err(|error| invalid(&error.to_string()))
}

fn invalid(message: &str) -> JsValue {
    chit_error("INVALID_ARGUMENT", message, &JsValue::UNDEFINED, false).into()
}

fn node_error(error: &NodeError) -> JsValue {
    chit_error(error.code(), &error.to_string(), &JsValue::UNDEFINED, error.is_retryable()).into()
}

fn lock_error(error: &LockError) -> JsValue {
    match error {
        LockError::Busy => {
            let message = "another tab has this account open";
            chit_error("ALREADY_OPEN", message, &JsValue::UNDEFINED, true).into()
        }
        LockError::Unavailable(_) => {
            chit_error("LOCKS_UNAVAILABLE", &error.to_string(), &JsValue::UNDEFINED, false).into()
        }
    }
}

fn vault_error(error: VaultError) -> JsValue {
    match error {
        VaultError::Store(error) => node_error(&NodeError::Store(error)),
        VaultError::Unavailable(_) | VaultError::Random(_) | VaultError::Damaged(_) | VaultError::Sealed => {
            chit_error("VAULT_LOCKED", &error.to_string(), &JsValue::UNDEFINED, false).into()
        }
    }
}
