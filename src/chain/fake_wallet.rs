//! A wallet, a token and a Judge in memory for tests: they answer what real ones would, and remember what they were asked.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use alloy::primitives::{Address, B256, U256, b256, hex, keccak256};
use alloy::sol_types::{Eip712Domain, SolCall, SolError, SolInterface, SolStruct};
use serde_json::{Value, json};

use super::bindings::Judge::{self, JudgeCalls};
use super::bindings::Token::{self, TokenCalls};
use super::{ChainConfig, Provider, RpcError};
use crate::protocol::{Amount, ChannelKey, JudgeCall, SessionKey};

pub(super) const CHAIN: u64 = 31337;
pub(super) const JUDGE: Address = Address::repeat_byte(0x1d);
pub(super) const TOKEN: Address = Address::repeat_byte(0x70);
const TYPEHASH: B256 = b256!("0x6e71edae12b1b97f4d1f60370fef10105fa2faae0126114a169c64845d6126c9");

alloy::sol! {
    struct Permit { address owner; address spender; uint256 value; uint256 nonce; uint256 deadline; }
}

/// What the token says about its permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permits {
    None,
    /// As OpenZeppelin does, with EIP-5267.
    Declared,
    /// As USDC does: `version()` answers 2, and the type's hash is public.
    Versioned,
    /// As the first ones did: only a name, version 1.
    Named,
    /// As DAI does: another type under the same names.
    Dai,
    /// An evil token that declares another contract's domain as its own.
    Foreign,
}

#[derive(Debug)]
pub(super) struct FakeWallet {
    pub(super) key: SessionKey,
    pub(super) chain_id: Cell<u64>,
    pub(super) native: U256,
    pub(super) balance: U256,
    pub(super) allowance: Cell<U256>,
    pub(super) permits: Permits,
    /// The token takes a new allowance only from or to zero, as USDT does.
    pub(super) from_zero: bool,
    /// The status of EIP-5792's atomic capability.
    pub(super) atomic: Option<&'static str>,
    /// The Judge's answer to every call.
    pub(super) revert: Option<Vec<u8>>,
    /// Errors to answer to these methods.
    pub(super) refuse: HashMap<&'static str, RpcError>,
    /// Answers to give to these methods in place of the right ones.
    pub(super) answers: HashMap<&'static str, Value>,
    /// The wallet is switched to this chain when it has sent a transaction.
    pub(super) switch_to: Option<u64>,
    pub(super) requests: RefCell<Vec<(String, Value)>>,
}

fn error(code: i64, message: &str, data: Option<Value>) -> RpcError {
    RpcError { code, message: message.into(), data }
}

pub(super) fn refusal(code: i64) -> RpcError {
    error(code, "no", None)
}

impl FakeWallet {
    pub(super) fn new(permits: Permits) -> Self {
        Self {
            key: SessionKey::from_bytes(&[0x77; 32]).unwrap(),
            chain_id: Cell::new(CHAIN),
            native: U256::from(1_000),
            balance: U256::from(1_000),
            allowance: Cell::new(U256::ZERO),
            permits,
            from_zero: false,
            atomic: None,
            revert: None,
            refuse: HashMap::new(),
            answers: HashMap::new(),
            switch_to: None,
            requests: RefCell::default(),
        }
    }

    pub(super) fn address(&self) -> Address {
        self.key.public_key().address()
    }

    pub(super) fn config(&self) -> ChainConfig {
        ChainConfig { chain_id: CHAIN, judge: JUDGE, wallet: self.address() }
    }

    pub(super) fn open(&self, token: Address, deposit: u128) -> JudgeCall {
        let key = ChannelKey::new(token, self.address(), Address::repeat_byte(0xb0), 1).unwrap();
        JudgeCall::Open { key, deposit: Amount::new(deposit), session_key: Address::repeat_byte(5), valid_until: 9_000 }
    }

    /// The requests with this method.
    pub(super) fn asked(&self, method: &str) -> Vec<Value> {
        let requests = self.requests.borrow();
        requests.iter().filter(|(name, _)| name == method).map(|(_, params)| params.clone()).collect()
    }

    /// The requests that a person sees, in order.
    pub(super) fn prompts(&self) -> Vec<String> {
        let prompts = ["eth_sendTransaction", "eth_signTypedData_v4", "wallet_sendCalls"];
        let requests = self.requests.borrow();
        requests.iter().map(|(name, _)| name.clone()).filter(|name| prompts.contains(&name.as_str())).collect()
    }

    /// What was sent to the Judge.
    pub(super) fn sent_to_judge(&self) -> Vec<JudgeCalls> {
        let sent = self.asked("eth_sendTransaction");
        let judged = sent.iter().filter(|params| params[0]["to"] == hex::encode_prefixed(JUDGE));
        judged.map(|params| JudgeCalls::abi_decode_validate(&data(&params[0])).unwrap()).collect()
    }

    /// The values that the Judge was approved for, one after the other.
    pub(super) fn approvals(&self) -> Vec<U256> {
        let sent = self.asked("eth_sendTransaction");
        let approved = sent.iter().filter(|params| params[0]["to"] == hex::encode_prefixed(TOKEN));
        approved.map(|params| Token::approveCall::abi_decode_validate(&data(&params[0])).unwrap().value).collect()
    }

    fn domain(&self) -> Eip712Domain {
        let version = if self.permits == Permits::Versioned { "2" } else { "1" };
        let contract = if self.permits == Permits::Foreign { Address::repeat_byte(0xfe) } else { TOKEN };
        Eip712Domain::new(Some("Token".into()), Some(version.into()), Some(U256::from(CHAIN)), Some(contract), None)
    }

    fn approve(&self, value: U256) -> Result<Value, RpcError> {
        if self.from_zero && !value.is_zero() && !self.allowance.get().is_zero() {
            return Err(error(3, "execution reverted", None));
        }
        Ok(json!("0x"))
    }

    fn token(&self, call: TokenCalls) -> Result<Value, RpcError> {
        let none = || Err(error(3, "execution reverted", None));
        let declared = matches!(self.permits, Permits::Declared | Permits::Foreign);
        let returns = match call {
            TokenCalls::balanceOf(_) => Token::balanceOfCall::abi_encode_returns(&self.balance),
            TokenCalls::allowance(call) => {
                assert_eq!((call.owner, call.spender), (self.address(), JUDGE));
                Token::allowanceCall::abi_encode_returns(&self.allowance.get())
            }
            TokenCalls::approve(call) => return self.approve(call.value),
            TokenCalls::name(_) => Token::nameCall::abi_encode_returns(&"Token".to_owned()),
            _ if self.permits == Permits::None => return none(),
            TokenCalls::version(_) if self.permits == Permits::Versioned => {
                Token::versionCall::abi_encode_returns(&"2".to_owned())
            }
            TokenCalls::nonces(_) => Token::noncesCall::abi_encode_returns(&U256::from(4)),
            TokenCalls::DOMAIN_SEPARATOR(_) => {
                Token::DOMAIN_SEPARATORCall::abi_encode_returns(&self.domain().separator())
            }
            TokenCalls::PERMIT_TYPEHASH(_) if self.permits == Permits::Dai => {
                Token::PERMIT_TYPEHASHCall::abi_encode_returns(&keccak256("another"))
            }
            TokenCalls::PERMIT_TYPEHASH(_) if self.permits == Permits::Versioned => {
                Token::PERMIT_TYPEHASHCall::abi_encode_returns(&TYPEHASH)
            }
            TokenCalls::eip712Domain(_) if declared => {
                let domain = self.domain();
                Token::eip712DomainCall::abi_encode_returns(&Token::eip712DomainReturn {
                    fields: [0x0f].into(),
                    name: domain.name.unwrap().into_owned(),
                    version: domain.version.unwrap().into_owned(),
                    chainId: domain.chain_id.unwrap(),
                    verifyingContract: domain.verifying_contract.unwrap(),
                    salt: B256::ZERO,
                    extensions: vec![],
                })
            }
            TokenCalls::permit(call) => {
                let Token::permitCall { owner, spender, value, deadline, v, r, s } = call;
                let permit = Permit { owner, spender, value, nonce: U256::from(4), deadline };
                let mut signature = [0; 65];
                signature[..32].copy_from_slice(r.as_slice());
                signature[32..64].copy_from_slice(s.as_slice());
                signature[64] = v;
                let digest = permit.eip712_signing_hash(&self.domain());
                let signer = crate::protocol::Signature(signature).recover(digest);
                if signer != Ok(self.address()) || deadline < U256::from(5_000) {
                    return none();
                }
                vec![]
            }
            _ => return none(),
        };
        Ok(json!(hex::encode_prefixed(returns)))
    }

    fn judge(&self, call: &JudgeCalls, value: U256) -> Result<Value, RpcError> {
        if let Some(data) = &self.revert {
            return Err(error(3, "execution reverted", Some(json!(hex::encode_prefixed(data)))));
        }
        let (token, amount, permitted) = match call {
            JudgeCalls::open(call) => (call.key.token, call.amount, None),
            JudgeCalls::deposit(call) => (call.key.token, call.amount, None),
            JudgeCalls::openWithPermit(call) => (call.key.token, call.amount, Some(call.permit.value)),
            JudgeCalls::depositWithPermit(call) => (call.key.token, call.amount, Some(call.permit.value)),
            _ => return Ok(json!("0x")),
        };
        let amount = U256::from(amount);
        let paid = if token.is_zero() { value == amount } else { permitted.unwrap_or(self.allowance.get()) >= amount };
        if paid {
            return Ok(json!(B256::ZERO.to_string()));
        }
        let data = Judge::TokenTransfer {}.abi_encode();
        Err(error(3, "execution reverted", Some(json!(hex::encode_prefixed(data)))))
    }

    fn call(&self, transaction: &Value) -> Result<Value, RpcError> {
        let data = data(transaction);
        let value = transaction.get("value").map(|value| super::rpc::wide_quantity(value).unwrap()).unwrap_or_default();
        match super::rpc::address(&transaction["to"]).unwrap() {
            JUDGE => self.judge(&JudgeCalls::abi_decode_validate(&data).unwrap(), value),
            TOKEN => self.token(TokenCalls::abi_decode_validate(&data).unwrap()),
            other => panic!("unexpected contract {other}"),
        }
    }

    fn answer(&self, method: &str, params: &Value) -> Result<Value, RpcError> {
        self.requests.borrow_mut().push((method.to_owned(), params.clone()));
        if let Some(refusal) = self.refuse.get(method) {
            return Err(refusal.clone());
        }
        if let Some(answer) = self.answers.get(method) {
            return Ok(answer.clone());
        }
        match method {
            "eth_chainId" => Ok(json!(format!("{:#x}", self.chain_id.get()))),
            "eth_getBalance" => Ok(json!(format!("{:#x}", self.native))),
            "eth_gasPrice" => Ok(json!("0x2")),
            "eth_getBlockByNumber" => {
                Ok(json!({ "number": "0x9", "hash": B256::repeat_byte(9).to_string(), "timestamp": "0x1388" }))
            }
            "eth_call" => self.call(&params[0]),
            "eth_sendTransaction" => {
                let transaction = params[0].as_object().unwrap();
                let mut fields: Vec<_> = transaction.keys().map(String::as_str).collect();
                fields.sort_unstable();
                assert_eq!(fields, ["data", "from", "to", "value"]);
                self.call(&params[0])?;
                if transaction["to"] == hex::encode_prefixed(TOKEN) {
                    self.allowance.set(Token::approveCall::abi_decode_validate(&data(&params[0])).unwrap().value);
                }
                if let Some(chain) = self.switch_to {
                    self.chain_id.set(chain);
                }
                Ok(json!(keccak256(params.to_string()).to_string()))
            }
            "eth_getTransactionReceipt" => Ok(json!({
                "transactionHash": params[0], "blockNumber": "0xa", "blockHash": B256::repeat_byte(10).to_string(),
                "status": "0x1",
            })),
            "eth_signTypedData_v4" => {
                assert_eq!(params[0], hex::encode_prefixed(self.address()));
                let shown: Value = serde_json::from_str(params[1].as_str().unwrap()).unwrap();
                let signature = self.key.sign(self.digest(&shown)).unwrap();
                Ok(json!(hex::encode_prefixed(signature.0)))
            }
            "wallet_getCapabilities" => match self.atomic {
                None => Err(refusal(-32601)),
                Some(status) => Ok(json!({ "0x7a69": { "atomic": { "status": status } } })),
            },
            "wallet_sendCalls" => Ok(json!({ "id": "0xba7c4" })),
            "wallet_getCallsStatus" => Ok(json!({
                "version": "2.0.0", "id": params[0], "status": 200, "atomic": true,
                "receipts": [{ "transactionHash": B256::repeat_byte(0xca).to_string(), "status": "0x1" }],
            })),
            other => panic!("unexpected request {other}"),
        }
    }

    /// What a wallet would sign for the typed data that it is shown.
    fn digest(&self, shown: &Value) -> B256 {
        let message = &shown["message"];
        let at = |name: &str| super::rpc::address(&message[name]).unwrap();
        let number = |name: &str| message[name].as_str().unwrap().parse::<U256>().unwrap();
        match shown["primaryType"].as_str().unwrap() {
            "Permit" => {
                assert_eq!(shown["domain"]["verifyingContract"], hex::encode_prefixed(TOKEN));
                let permit = Permit {
                    owner: at("owner"),
                    spender: at("spender"),
                    value: number("value"),
                    nonce: number("nonce"),
                    deadline: number("deadline"),
                };
                permit.eip712_signing_hash(&self.domain())
            }
            "Delegate" => crate::protocol::Domain::new(CHAIN, JUDGE).digest(&crate::protocol::sol_types::Delegate {
                wallet: at("wallet"),
                sessionKey: at("sessionKey"),
                validUntil: number("validUntil").to(),
            }),
            other => panic!("unexpected type {other}"),
        }
    }
}

fn data(transaction: &Value) -> Vec<u8> {
    hex::decode(transaction["data"].as_str().unwrap()).unwrap()
}

impl Provider for FakeWallet {
    async fn request(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        self.answer(method, &params)
    }
}
