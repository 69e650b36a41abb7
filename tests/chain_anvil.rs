//! The chain service against a real node: anvil, with the compiled contracts.
//!
//! `CHIT_ANVIL` is the path of the anvil binary; without it the test says so and passes.

#![cfg(not(target_arch = "wasm32"))]

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use alloy::primitives::{Address, B256, U256, hex};
use alloy::sol_types::{SolCall, SolValue};
use chit_client::chain::bindings::Token;
use chit_client::chain::{
    Alarm, AlarmConfig, ChainConfig, ChainUpdate, ChannelStatus, Provider, RpcError, Submitted, TransactionError,
    channel, receipt, request_grant, session, submit,
};
use chit_client::protocol::{
    Amount, BalanceProof, ChannelKey, Claim, Direction, Domain, JudgeCall, JudgeEvent, Lock, LockTree, Nonce, Secret,
    SessionKey, SignedProof,
};
use serde_json::{Value, json};

alloy::sol! {
    function mint(address to, uint256 amount) external;
}

const CHALLENGE: u64 = 100;

/// A running anvil; it ends with this value.
struct Anvil {
    process: Child,
    address: String,
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Anvil {
    fn start() -> Option<Self> {
        let Some(path) = std::env::var_os("CHIT_ANVIL") else {
            eprintln!("skipped: CHIT_ANVIL does not name an anvil binary");
            return None;
        };
        let mut process =
            Command::new(path).args(["--port", "0"]).stdout(Stdio::piped()).spawn().expect("anvil starts");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| line.unwrap().strip_prefix("Listening on ").map(str::to_owned)).unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { process, address })
    }

    fn send(&self, body: &Value) -> Value {
        let body = body.to_string();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!(
            "POST / HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(!head.to_ascii_lowercase().contains("transfer-encoding"), "{head}");
        serde_json::from_str(body).unwrap()
    }

    fn call(&self, method: &str, params: Value) -> Value {
        match pollster(self.request(method, params)) {
            Ok(answer) => answer,
            Err(error) => panic!("{method}: {error:?}"),
        }
    }

    fn mine(&self, blocks: u64) {
        self.call("anvil_mine", json!([format!("{blocks:#x}")]));
    }

    /// The receipt of a transaction: the node mines it at once, but answers its hash before.
    fn mined(&self, transaction: &Value) -> Value {
        for _ in 0..500 {
            let receipt = self.call("eth_getTransactionReceipt", json!([transaction]));
            if !receipt.is_null() {
                assert_eq!(receipt["status"], "0x1", "{receipt}");
                return receipt;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{transaction} was not mined");
    }

    fn deploy(&self, from: Address, name: &str, arguments: &[u8]) -> Address {
        let path = format!("{}/contracts/artifacts/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let artifact: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let data = format!("{}{}", artifact["bytecode"].as_str().unwrap(), hex::encode(arguments));
        let transaction = self.call("eth_sendTransaction", json!([{ "from": from.to_string(), "data": data }]));
        self.mined(&transaction)["contractAddress"].as_str().unwrap().parse().unwrap()
    }
}

impl Provider for Anvil {
    async fn request(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        let answer = self.send(&json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }));
        match answer.get("error") {
            None => Ok(answer["result"].clone()),
            Some(error) => Err(RpcError {
                code: error["code"].as_i64().unwrap(),
                message: error["message"].as_str().unwrap().to_owned(),
                data: error.get("data").cloned(),
            }),
        }
    }
}

/// A wallet on the node that counts what a person would be asked, and signs typed data or does not know how to.
struct Counting<'a> {
    anvil: &'a Anvil,
    signs: bool,
    prompts: RefCell<Vec<String>>,
}

impl<'a> Counting<'a> {
    fn new(anvil: &'a Anvil, signs: bool) -> Self {
        Self { anvil, signs, prompts: RefCell::default() }
    }
}

impl Provider for Counting<'_> {
    async fn request(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        if ["eth_sendTransaction", "eth_signTypedData_v4", "wallet_sendCalls"].contains(&method) {
            self.prompts.borrow_mut().push(method.to_owned());
        }
        if method == "eth_signTypedData_v4" && !self.signs {
            return Err(RpcError { code: 4200, message: "unsupported".into(), data: None });
        }
        self.anvil.request(method, params).await
    }
}

/// Everything here answers before it returns, so one poll is enough.
fn pollster<T>(future: impl Future<Output = T>) -> T {
    futures::FutureExt::now_or_never(future).expect("requests block")
}

fn send<P: Provider>(provider: &P, config: &ChainConfig, call: &JudgeCall) -> Result<Submitted, TransactionError> {
    let wait = async |time: Duration| std::thread::sleep(time.min(Duration::from_millis(20)));
    // The wait before a wallet's silence is given up is never needed here, and sleeps at most once.
    pollster(submit(provider, wait, config, call))
}

struct Stage {
    anvil: Anvil,
    token: Address,
    judge: Address,
    from_block: u64,
    wallets: [Address; 2],
}

const CHAIN: u64 = 31337;

impl Stage {
    fn start() -> Option<Self> {
        let anvil = Anvil::start()?;
        let accounts = anvil.call("eth_accounts", json!([]));
        let mut wallets: [Address; 2] = [0, 1].map(|index| accounts[index].as_str().unwrap().parse().unwrap());
        wallets.sort();
        let deployer: Address = accounts[2].as_str().unwrap().parse().unwrap();
        let registry = anvil.deploy(deployer, "SecretRegistry", &[]);
        let judge = anvil.deploy(deployer, "Judge", &(registry, U256::from(CHALLENGE)).abi_encode());
        let token = anvil.deploy(deployer, "TestToken", &[]);
        for to in wallets {
            let data = hex::encode_prefixed(mintCall { to, amount: U256::from(1_000) }.abi_encode());
            let transaction = json!([{ "from": deployer.to_string(), "to": token.to_string(), "data": data }]);
            anvil.mined(&anvil.call("eth_sendTransaction", transaction));
        }
        let from_block = 1;
        Some(Self { anvil, token, judge, from_block, wallets })
    }

    fn config(&self, side: usize) -> ChainConfig {
        ChainConfig { chain_id: CHAIN, judge: self.judge, wallet: self.wallets[side] }
    }

    fn domain(&self) -> Domain {
        Domain::new(CHAIN, self.judge)
    }

    fn alarm(&self) -> Alarm<&Anvil> {
        let Self { judge, from_block, .. } = *self;
        Alarm::new(&self.anvil, AlarmConfig { chain_id: CHAIN, judge, confirmations: 5, from_block }, None)
    }

    fn send(&self, side: usize, call: &JudgeCall) -> B256 {
        let hash = send(&self.anvil, &self.config(side), call).unwrap().hash;
        self.anvil.mined(&json!(hash.to_string()));
        assert!(pollster(receipt(&self.anvil, hash)).unwrap().unwrap().success);
        hash
    }

    fn balance(&self, side: usize) -> U256 {
        let data = Token::balanceOfCall { owner: self.wallets[side] }.abi_encode();
        let request = json!([{ "to": self.token.to_string(), "data": hex::encode_prefixed(data) }, "latest"]);
        self.anvil.call("eth_call", request).as_str().unwrap().parse().unwrap()
    }

    fn allowance(&self, side: usize) -> U256 {
        let data = Token::allowanceCall { owner: self.wallets[side], spender: self.judge }.abi_encode();
        let request = json!([{ "to": self.token.to_string(), "data": hex::encode_prefixed(data) }, "latest"]);
        self.anvil.call("eth_call", request).as_str().unwrap().parse().unwrap()
    }

    fn now(&self) -> u64 {
        let block = self.anvil.call("eth_getBlockByNumber", json!(["latest", false]));
        u64::from_str_radix(&block["timestamp"].as_str().unwrap()[2..], 16).unwrap()
    }
}

fn poll(alarm: &mut Alarm<&Anvil>) -> ChainUpdate {
    pollster(alarm.poll()).unwrap()
}

fn confirmed(alarm: &mut Alarm<&Anvil>) -> Vec<JudgeEvent> {
    poll(alarm).confirmed.into_iter().map(|event| event.event).collect()
}

#[test]
fn a_channels_life_on_a_real_node() {
    let Some(stage) = Stage::start() else { return };
    let [a, b] = stage.wallets;
    let mut alarm = stage.alarm();
    let key = ChannelKey::new(stage.token, a, b, 1).unwrap();
    let sessions = [1_u8, 2].map(|seed| SessionKey::from_bytes(&[seed; 32]).unwrap());
    let keys = [0, 1].map(|side| sessions[side].public_key().address());
    let until = stage.now() + 100_000;

    // A opens with a permit: one signature, one transaction, no approval left behind.
    let wallet = Counting::new(&stage.anvil, true);
    let open = JudgeCall::Open { key, deposit: Amount::new(600), session_key: keys[0], valid_until: until };
    let sent = send(&wallet, &stage.config(0), &open).unwrap();
    stage.anvil.mined(&json!(sent.hash.to_string()));
    assert_eq!(*wallet.prompts.borrow(), ["eth_signTypedData_v4", "eth_sendTransaction"]);
    assert_eq!(stage.balance(0), U256::from(400));

    // B deposits through a wallet without typed data: an approval of exactly the amount, then the deposit.
    let wallet = Counting::new(&stage.anvil, false);
    let sent = send(&wallet, &stage.config(1), &JudgeCall::Deposit { key, amount: Amount::new(50) }).unwrap();
    stage.anvil.mined(&json!(sent.hash.to_string()));
    assert_eq!(*wallet.prompts.borrow(), ["eth_signTypedData_v4", "eth_sendTransaction", "eth_sendTransaction"]);
    assert_eq!(stage.allowance(0) + stage.allowance(1), U256::ZERO);

    // What the contracts would refuse is told before the wallet is asked.
    let wallet = Counting::new(&stage.anvil, true);
    let refused = send(&wallet, &stage.config(0), &JudgeCall::Deposit { key, amount: Amount::new(401) });
    assert!(matches!(refused, Err(TransactionError::InsufficientFunds { .. })), "{refused:?}");
    let again = JudgeCall::Open { key, deposit: Amount::ZERO, session_key: Address::ZERO, valid_until: 0 };
    let refused = send(&wallet, &stage.config(0), &again);
    assert!(
        matches!(&refused, Err(TransactionError::Reverted(revert)) if revert.name == "ChannelExists"),
        "{refused:?}"
    );
    assert!(wallet.prompts.borrow().is_empty());

    let update = poll(&mut alarm);
    assert!(update.confirmed.is_empty() && update.complete);
    let pending: Vec<_> = update.pending.into_iter().map(|event| event.event).collect();
    stage.anvil.mine(4);
    assert_eq!(confirmed(&mut alarm), pending);
    let id = key.id();
    let expected = [
        JudgeEvent::Opened { key },
        JudgeEvent::Deposited { channel: id, wallet: a, total: Amount::new(600) },
        JudgeEvent::SessionKeySet { wallet: a, session_key: keys[0], valid_until: until, revoked_from: 0 },
        JudgeEvent::Deposited { channel: id, wallet: b, total: Amount::new(50) },
    ];
    assert_eq!(pending.len(), expected.len());
    for event in &expected {
        assert!(pending.contains(event), "{event:?} is missing in {pending:?}");
    }
    let slot = pollster(session(&stage.anvil, stage.judge, a, keys[0], None)).unwrap();
    assert_eq!((slot.valid_until, slot.revoked_from), (until, 0));

    // B's key is known by a grant only; A closes with B's proof and brings the grant.
    let grant = pollster(request_grant(&stage.anvil, &stage.domain(), b, keys[1], until)).unwrap();
    let proof = |sender: Address, signer: &SessionKey, transferred: u128| {
        let proof = BalanceProof {
            channel: id,
            sender,
            nonce: Nonce::new(1).unwrap(),
            transferred: Amount::new(transferred),
            locked: Amount::ZERO,
            last_expiry: 0,
            locks_root: B256::ZERO,
            context: B256::repeat_byte(3),
        };
        let signature = signer.sign(proof.digest(&stage.domain())).unwrap();
        SignedProof { proof, signature, signer: signer.public_key() }
    };
    let from_b = proof(b, &sessions[1], 20);
    let without = JudgeCall::Close { key, proof: Some(from_b), grant: None };
    let refused = send(&stage.anvil, &stage.config(0), &without);
    assert!(
        matches!(&refused, Err(TransactionError::Reverted(revert)) if revert.name == "BadSignature"),
        "{refused:?}"
    );
    stage.send(0, &JudgeCall::Close { key, proof: Some(from_b), grant: Some(grant) });
    stage.send(1, &JudgeCall::Update { key, proof: proof(a, &sessions[0], 300), grants: vec![], acceptance: None });
    let early = send(&stage.anvil, &stage.config(0), &JudgeCall::Settle { key, claims: vec![], finalize: vec![] });
    assert!(matches!(early, Err(TransactionError::Reverted(_))), "{early:?}");
    let state = pollster(channel(&stage.anvil, stage.judge, &key, None)).unwrap();
    assert_eq!(state.status, ChannelStatus::Closing);
    assert_eq!(state.challenge_end, state.closed_at + CHALLENGE);
    assert_eq!((state.a.deposited, state.a.transferred, state.a.nonce.get()), (Amount::new(600), Amount::new(300), 1));
    assert_eq!((state.b.deposited, state.b.transferred), (Amount::new(50), Amount::new(20)));

    stage.anvil.call("evm_increaseTime", json!([CHALLENGE + 1]));
    stage.anvil.mine(1);
    stage.send(0, &JudgeCall::Settle { key, claims: vec![], finalize: vec![] });
    assert_eq!(stage.balance(0), U256::from(400 + 600 - 300 + 20));
    assert_eq!(stage.balance(1), U256::from(950 + 50 + 300 - 20));
    stage.anvil.mine(5);
    let events = confirmed(&mut alarm);
    for event in [
        JudgeEvent::Closing { channel: id, closer: a, challenge_end: state.challenge_end },
        JudgeEvent::Paid { channel: id, wallet: a, amount: Amount::new(320), credited: false },
        JudgeEvent::Paid { channel: id, wallet: b, amount: Amount::new(330), credited: false },
        JudgeEvent::Done { channel: id, cooperative: false },
    ] {
        assert!(events.contains(&event), "{event:?} is missing in {events:?}");
    }
    let proofs = events.iter().filter(|event| matches!(event, JudgeEvent::ProofAccepted { .. })).count();
    assert_eq!(proofs, 2);
}

#[test]
fn many_locks_are_claimed_on_a_real_node_and_a_side_that_ended_before_holds_up_nothing() {
    const LOCKS: u64 = 120;
    let Some(stage) = Stage::start() else { return };
    let [a, b] = stage.wallets;
    let key = ChannelKey::new(stage.token, a, b, 1).unwrap();
    let sessions = [1_u8, 2].map(|seed| SessionKey::from_bytes(&[seed; 32]).unwrap());
    let until = stage.now() + 1_000_000;
    let delegated = |side: usize| (sessions[side].public_key().address(), until);
    let (session_key, valid_until) = delegated(0);
    stage.send(0, &JudgeCall::Open { key, deposit: Amount::new(600), session_key, valid_until });
    stage.send(1, &JudgeCall::Deposit { key, amount: Amount::new(50) });
    let grant = pollster(request_grant(&stage.anvil, &stage.domain(), b, delegated(1).0, until)).unwrap();

    let secret = |id: u64| Secret(*B256::left_padding_from(&id.to_be_bytes()));
    let expiry = stage.now() + 1_000;
    let mut trees = [LockTree::default(), LockTree::default()];
    // Equal amounts; and of the other side one that nobody will ever claim, which ends later.
    for id in 1..=LOCKS {
        trees[0].insert(Lock { id, amount: Amount::new(2), expiry, secret_hash: secret(id).hash() }).unwrap();
    }
    let unclaimed = Lock { id: 1, amount: Amount::new(20), expiry: expiry + 500, secret_hash: secret(0).hash() };
    trees[1].insert(unclaimed).unwrap();
    let proof = |side: usize| {
        let (nonce, locks) = (Nonce::new(1).unwrap(), trees[side].clone());
        let proof = Direction { nonce, transferred: Amount::ZERO, locks }.proof(key.id(), stage.wallets[side], &[]);
        let signature = sessions[side].sign(proof.digest(&stage.domain())).unwrap();
        SignedProof { proof, signature, signer: sessions[side].public_key() }
    };
    stage.send(0, &JudgeCall::Close { key, proof: Some(proof(1)), grant: Some(grant) });
    stage.send(1, &JudgeCall::Update { key, proof: proof(0), grants: vec![], acceptance: None });
    // All but the last are registered.
    stage.send(1, &JudgeCall::RegisterSecrets { secrets: (1..LOCKS).map(secret).collect() });
    let pass = |seconds: u64| {
        stage.anvil.call("evm_increaseTime", json!([seconds]));
        stage.anvil.mine(1);
    };
    pass(CHALLENGE + 1);
    let claim = |ids: std::ops::Range<u64>| {
        let locks = ids.clone().map(|id| *trees[0].get(id).unwrap()).collect();
        let proofs = ids.map(|id| trees[0].proof(id).unwrap()).collect();
        JudgeCall::Settle { key, claims: vec![Claim { sender: a, locks, proofs }], finalize: vec![] }
    };
    stage.send(1, &claim(1..61));
    stage.send(1, &claim(61..LOCKS));
    let late = send(&stage.anvil, &stage.config(1), &claim(LOCKS..LOCKS + 1));
    assert!(matches!(&late, Err(TransactionError::Reverted(revert)) if revert.name == "SecretNotRevealed"), "{late:?}");
    assert_eq!(stage.balance(1), U256::from(950 + 50 - 20 + 2 * (LOCKS - 1)));

    // A's last lock is given back, B's lock later by a client that cannot know of the first.
    pass(1_000 + CHALLENGE);
    stage.send(0, &JudgeCall::Settle { key, claims: vec![], finalize: vec![a] });
    pass(500);
    stage.send(1, &JudgeCall::Settle { key, claims: vec![], finalize: vec![a, b] });
    let state = pollster(channel(&stage.anvil, stage.judge, &key, None)).unwrap();
    assert_eq!(state.status, ChannelStatus::Done);
    assert_eq!(stage.balance(0), U256::from(400 + 600 - 2 * (LOCKS - 1)));
    assert_eq!(stage.balance(1), U256::from(950 + 50 + 2 * (LOCKS - 1)));
}

#[test]
fn a_reorg_of_a_real_node_is_rolled_back() {
    let Some(stage) = Stage::start() else { return };
    let [a, b] = stage.wallets;
    let mut alarm = stage.alarm();
    let native = |salt| ChannelKey::new(Address::ZERO, a, b, salt).unwrap();
    let open = |salt| JudgeCall::Open {
        key: native(salt),
        deposit: Amount::new(5),
        session_key: Address::ZERO,
        valid_until: 0,
    };
    stage.send(0, &open(1));
    stage.anvil.mine(5);
    assert_eq!(confirmed(&mut alarm).len(), 2);
    let before = poll(&mut alarm).confirmed_to;

    let snapshot = stage.anvil.call("evm_snapshot", json!([]));
    stage.send(0, &open(2));
    stage.anvil.mine(5);
    assert_eq!(confirmed(&mut alarm).len(), 2);
    let shallow = stage.anvil.call("evm_snapshot", json!([]));
    stage.anvil.mine(2);
    poll(&mut alarm);
    // Back by less than the confirmations: nothing to roll back.
    stage.anvil.call("evm_revert", json!([shallow]));
    stage.send(0, &open(3));
    stage.anvil.mine(2);
    let update = poll(&mut alarm);
    assert_eq!(update.rollback, None);
    assert_eq!(update.pending.len(), 2);

    // Back below what was confirmed, and on with other blocks.
    stage.anvil.call("evm_revert", json!([snapshot]));
    stage.send(0, &open(4));
    stage.anvil.mine(20);
    let update = poll(&mut alarm);
    let ancestor = update.rollback.unwrap();
    assert!(ancestor >= before - 1, "{ancestor} {before}");
    let events: Vec<_> = update.confirmed.into_iter().map(|event| event.event).collect();
    let deposited = JudgeEvent::Deposited { channel: native(4).id(), wallet: a, total: Amount::new(5) };
    assert_eq!(events, [JudgeEvent::Opened { key: native(4) }, deposited]);
}

#[test]
fn a_wallet_without_ether_is_told_so() {
    let Some(stage) = Stage::start() else { return };
    let poor = Address::repeat_byte(0x99);
    let key = ChannelKey::new(Address::ZERO, poor, stage.wallets[0], 1).unwrap();
    let config = ChainConfig { wallet: poor, ..stage.config(0) };
    stage.anvil.call("anvil_impersonateAccount", json!([poor.to_string()]));
    let open =
        |amount| JudgeCall::Open { key, deposit: Amount::new(amount), session_key: Address::ZERO, valid_until: 0 };
    let missing = send(&stage.anvil, &config, &open(7)).unwrap_err();
    let expected =
        TransactionError::InsufficientFunds { token: Address::ZERO, needed: U256::from(7), have: U256::ZERO };
    assert_eq!(missing, expected);
    // Without a deposit only the fee is missing, which the node says in words.
    assert_eq!(send(&stage.anvil, &config, &open(0)).unwrap_err().code(), "INSUFFICIENT_FUNDS");
    let elsewhere = send(&stage.anvil, &ChainConfig { chain_id: 1, ..config }, &open(0)).unwrap_err();
    assert_eq!(elsewhere, TransactionError::WrongChain { expected: 1, actual: CHAIN });
}
