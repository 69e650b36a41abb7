//! The one class that JavaScript sees: open, invoke, close.
//!
//! A single `invoke(method, params)` with plain objects keeps the boundary small and lets other tabs ask the same things
//! through a port. All exported methods take `&self`, so overlapping calls never meet a mutable borrow.

mod payments;
mod requests;

use std::cell::RefCell;
use std::time::Duration;

use js_sys::{Function, JSON, Object, Reflect};
use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::engine::{CloseMode, Command, Config, EngineError, Reply};
use crate::node::{Node, NodeConfig, NodeError, NodeEvent, Services};
use crate::protocol::{B256, ChannelId, Domain, FeeSchedule};

use super::error::{PanicWatch, chit_error, is_poisoned};
use super::params::{BadParam, Params};
use super::persistence::{self, Persistence};
use super::runtime::{self, BrowserRuntime};
use super::views::{AuthorizationObject, ChannelObject, EventObject, NetworkObject, PaymentObject, StatusObject, Text};
use super::{Eip1193, IndexedDb, InjectedWallet, LockError, VaultError, WebLock, WebSocketDial, load_or_create};

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
        let (storage, config) = read_config(&Params::new(config)?)?;
        let NodeConfig { domain, wallet, .. } = config.clone();
        let name = format!("{storage}:{}:{}:{wallet}", domain.chain_id(), domain.judge());
        let panics = PanicWatch::new(on_event.clone());
        let lock = WebLock::acquire(&name, true).await.map_err(|error| lock_error(&error))?;
        let store = IndexedDb::open(&name).await.map_err(NodeError::Store)?;
        let key = load_or_create(&store, &domain, wallet).await.map_err(vault_error)?;
        let provider = InjectedWallet::new(provider);
        let services = Services { store, provider, dial: WebSocketDial::default(), runtime: BrowserRuntime };
        let listener = move |event: NodeEvent| {
            if let Ok(object) = to_js(&EventObject::from(&event)) {
                // A listener that throws must not stop the client; the TypeScript above reports it.
                let _ = on_event.call1(&JsValue::NULL, &object);
            }
        };
        let node = Node::start(config, services, key, listener).await?;
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
        let params = Params::new(params)?;
        self.carry_out(&method, &params).await
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
    async fn carry_out(&self, method: &str, params: &Params) -> Result<JsValue, JsValue> {
        if let Some(command) = Self::read_command(method, params)? {
            if matches!(command, Command::Open { .. }) {
                // The first deposit is the moment to ask for storage that the browser does not evict.
                persistence::persist().await;
            }
            return match self.node.command(command).await {
                Ok(Reply::Channel(view)) => to_js(&ChannelObject::from(view.as_ref())),
                Ok(Reply::Payment(view)) => to_js(&PaymentObject::from(&view)),
                Ok(Reply::Done | Reply::Request(_) | Reply::Part { .. }) => Ok(JsValue::UNDEFINED),
                Err(error) => Err(error.into()),
            };
        }
        match method {
            "authorize" => {
                let grant = self.node.authorize().await?;
                to_js(&AuthorizationObject::from(&grant))
            }
            "pay" => self.pay(params).await,
            "cancelPayment" => self.cancel_payment(params).await,
            "quote" => self.quote(params).await,
            "estimateCapacity" => self.estimate_capacity(params).await,
            "channels" => {
                let channels = self.node.channels().await?;
                to_js(&channels.iter().map(ChannelObject::from).collect::<Vec<_>>())
            }
            "channel" => self.view(params.required("channel")?).await,
            "payments" => self.payments(params).await,
            "createRequest" => self.create_request(params).await,
            "readRequest" => self.read_request(params).await,
            "requestStatus" => self.request_status(params).await,
            "requests" => self.requests(params).await,
            "payRequest" => self.pay_request(params).await,
            "status" => {
                let persisted = match persistence::persisted().await {
                    Persistence::Granted => Some(true),
                    Persistence::Refused => Some(false),
                    Persistence::Unavailable => None,
                };
                to_js(&StatusObject::new(self.node.status(), persisted))
            }
            "balance" => {
                let balance = self.node.balance(params.required("token")?).await?;
                to_js(&Text(balance))
            }
            "network" => {
                let view = self.node.network(params.optional("token")?).await?;
                to_js(&NetworkObject::from(&view))
            }
            "debugOffline" => {
                self.node.set_offline(params.required("offline")?);
                Ok(JsValue::UNDEFINED)
            }
            "debugCloseWithOldProof" => {
                let channel = params.required("channel")?;
                self.node.close_with_old_proof(channel).await?;
                self.view(channel).await
            }
            unknown => Err(invalid(&format!("there is no method {unknown}"))),
        }
    }

    /// The engine's command for a method that is one.
    fn read_command(method: &str, params: &Params) -> Result<Option<Command>, JsValue> {
        Ok(Some(match method {
            "openChannel" => {
                let salt = match params.optional::<B256>("salt")? {
                    Some(salt) => last_eight(&salt.0),
                    None => random()?,
                };
                Command::Open {
                    operation: params.required("operation")?,
                    partner: params.required("partner")?,
                    token: params.required("token")?,
                    deposit: params.required("deposit")?,
                    salt: u64::from_be_bytes(salt),
                }
            }
            "deposit" => Command::Deposit {
                operation: params.required("operation")?,
                channel: params.required("channel")?,
                amount: params.required("amount")?,
            },
            "withdraw" => Command::Withdraw {
                operation: params.required("operation")?,
                channel: params.required("channel")?,
                amount: params.required("amount")?,
                timeout: seconds(params.optional("timeout")?),
            },
            "closeChannel" => Command::Close {
                operation: params.required("operation")?,
                channel: params.required("channel")?,
                mode: params.optional("mode")?.unwrap_or(CloseMode::Auto),
                timeout: seconds(params.optional("timeout")?),
                force: params.optional("force")?.unwrap_or(false),
            },
            "respond" => {
                Command::Respond { operation: params.required("operation")?, channel: params.required("channel")? }
            }
            "settle" => Command::Settle {
                operation: params.required("operation")?,
                channel: params.required("channel")?,
                force: params.optional("force")?.unwrap_or_default(),
            },
            "debugRefuse" => Command::RefuseLocks { on: params.required("on")? },
            "revealOnChain" => Command::RevealSecrets {
                operation: params.required("operation")?,
                channel: params.required("channel")?,
            },
            _ => return Ok(None),
        }))
    }

    async fn view(&self, id: ChannelId) -> Result<JsValue, JsValue> {
        let view = self.node.channel(id).await?;
        to_js(&ChannelObject::from(&view))
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

/// The prefix of storage names, and what a node is told.
fn read_config(params: &Params) -> Result<(String, NodeConfig), BadParam> {
    let from_block: String = params.required("fromBlock")?;
    let from_block = from_block.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let config = NodeConfig {
        domain: Domain::new(params.required("chainId")?, params.required("judge")?),
        wallet: params.required("wallet")?,
        confirmations: params.optional("confirmations")?.unwrap_or(Config::CONFIRMATIONS).max(1),
        from_block: from_block.ok_or_else(|| BadParam("fromBlock: not a quantity in hex".into()))?,
        polling_interval: Duration::from_millis(params.optional("pollingInterval")?.unwrap_or(4_000).max(50)),
        relay_url: params.required("relayUrl")?,
        window: params.optional("window")?.unwrap_or(Config::WINDOW).max(1),
        mediate: read_fee(params)?,
    };
    Ok((params.optional("storageName")?.unwrap_or_else(|| "chit".into()), config))
}

/// What passing payments on costs; none when none are passed on.
fn read_fee(params: &Params) -> Result<Option<FeeSchedule>, BadParam> {
    let Some(flat) = params.optional("mediateFlat")? else { return Ok(None) };
    let proportional: u64 = params.required("mediateProportional")?;
    let proportional = u32::try_from(proportional).map_err(|_| BadParam("mediateProportional: too large".into()))?;
    Ok(Some(FeeSchedule { flat, proportional }))
}

fn to_js<T: Serialize>(value: &T) -> Result<JsValue, JsValue> {
    JSON::parse(&serde_json::to_string(value).map_err(|error| invalid(&error.to_string()))?)
}

fn invalid(message: &str) -> JsValue {
    BadParam(message.to_owned()).into()
}

impl From<NodeError> for JsValue {
    fn from(error: NodeError) -> Self {
        chit_error(error.code(), &error.to_string(), &details(&error), error.is_retryable()).into()
    }
}

/// What programs may want to know of an error beside its code.
fn details(error: &NodeError) -> JsValue {
    let facts: &[(&str, String)] = match error {
        NodeError::PaymentFailed { reason: Some(reason) } => &[("reason", reason.code().into())],
        NodeError::FeeTooHigh { fee, most } => &[("fee", fee.to_string()), ("maxFee", most.to_string())],
        NodeError::Engine(EngineError::InsufficientCapacity { wanted, available }) => {
            &[("wanted", wanted.to_string()), ("available", available.to_string())]
        }
        NodeError::Engine(_)
        | NodeError::Store(_)
        | NodeError::Chain { .. }
        | NodeError::NoRoute
        | NodeError::PaymentFailed { reason: None }
        | NodeError::Closed => return JsValue::UNDEFINED,
    };
    let details = Object::new();
    for (name, fact) in facts {
        let _ = Reflect::set(&details, &(*name).into(), &fact.into());
    }
    details.into()
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
        VaultError::Store(error) => NodeError::Store(error).into(),
        VaultError::Unavailable(_) | VaultError::Random(_) | VaultError::Damaged(_) | VaultError::Sealed => {
            chit_error("VAULT_LOCKED", &error.to_string(), &JsValue::UNDEFINED, false).into()
        }
    }
}
