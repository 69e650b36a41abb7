//! A deployed Judge with two participants, their session keys, a token and a bystander.

use alloy::{
    primitives::{Address, B256, Bytes, U256, aliases::U48, keccak256},
    sol_types::{Eip712Domain, SolCall, SolConstructor, SolError, SolStruct, SolValue},
};

use crate::{
    Actor, Chain, Outcome,
    abi::{self, ChannelKey, ChannelView, Judge, SecretRegistry, SignedProof, Token},
    chain, signed,
};

/// The token address that stands for the chain's own coin.
pub const COIN: Address = Address::ZERO;

/// A balance proof before it is signed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Draft {
    /// Counts from 1.
    pub nonce: u64,
    /// Base units.
    pub transferred: u128,
    /// Base units.
    pub locked: u128,
    /// Unix seconds.
    pub last_expiry: u64,
    /// Root of the locks.
    pub root: B256,
    /// Hash of an off-chain message.
    pub context: B256,
}

impl Draft {
    /// A proof without locks.
    pub fn paid(nonce: u64, transferred: u128) -> Self {
        Self { nonce, transferred, context: keccak256(nonce.to_be_bytes()), ..Self::default() }
    }

    /// The typed message.
    pub fn message(&self, id: B256, sender: Address) -> signed::BalanceProof {
        signed::BalanceProof {
            channelId: id,
            sender,
            nonce: U48::from(self.nonce),
            transferred: self.transferred,
            locked: self.locked,
            lastExpiry: U48::from(self.last_expiry),
            locksRoot: self.root,
            context: self.context,
        }
    }

    /// The call's argument, with the signatures given.
    pub fn with(&self, signature: Bytes, acceptance: Bytes) -> SignedProof {
        SignedProof {
            nonce: U48::from(self.nonce),
            transferred: self.transferred,
            locked: self.locked,
            lastExpiry: U48::from(self.last_expiry),
            locksRoot: self.root,
            context: self.context,
            signature,
            acceptance,
        }
    }
}

/// See the module's first line. `a` has the lower address. Clone it to try several futures.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct World {
    pub chain: Chain,
    pub judge: Address,
    pub registry: Address,
    pub token: Address,
    pub a: Actor,
    pub b: Actor,
    pub key_a: Actor,
    pub key_b: Actor,
    /// Has no part in any channel.
    pub tower: Actor,
    salt: u64,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// Challenge period of the deployed Judge, seconds.
    pub const CHALLENGE: u64 = 86_400;
    /// What each person holds of the coin and the token at first.
    pub const WEALTH: u128 = 1_000_000_000_000_000_000_000;

    /// Deploys everything, gives everyone coin and tokens, and lets the Judge take the tokens.
    pub fn new() -> Self {
        let mut chain = Chain::new();
        let deployer = Actor::new("deployer").address;
        let deploy = |chain: &mut Chain, artifact: &str, arguments: Vec<u8>| {
            let receipt = chain.deploy(deployer, &abi::bytecode(artifact), &arguments).expect("deploys");
            receipt.created.expect("has an address")
        };
        let registry = deploy(&mut chain, abi::SECRET_REGISTRY_JSON, Vec::new());
        let arguments = Judge::constructorCall { registry, challenge: U48::from(Self::CHALLENGE) }.abi_encode();
        let judge = deploy(&mut chain, abi::JUDGE_JSON, arguments);
        let token = deploy(&mut chain, abi::TEST_TOKEN_JSON, Vec::new());
        let (a, b) = Actor::pair("participant");
        let (key_a, key_b) = (Actor::new("session key of a"), Actor::new("session key of b"));
        let tower = Actor::new("tower");
        for person in [&a, &b, &tower] {
            chain.set_balance(person.address, U256::from(Self::WEALTH));
            Self::equip(&mut chain, token, judge, person.address);
        }
        Self { chain, judge, registry, token, a, b, key_a, key_b, tower, salt: 0 }
    }

    fn equip(chain: &mut Chain, token: Address, judge: Address, person: Address) {
        let amount = U256::from(Self::WEALTH);
        chain.send(person, token, &Token::mintCall { to: person, amount }).expect("mints");
        chain.send(person, token, &Token::approveCall { spender: judge, amount: U256::MAX }).expect("approves");
    }

    /// Deploys a contract of the test folder.
    pub fn deploy(&mut self, artifact: &str, arguments: &[u8]) -> Address {
        let receipt = self.chain.deploy(self.tower.address, &abi::bytecode(artifact), arguments).expect("deploys");
        receipt.created.expect("has an address")
    }

    /// Deploys a [`abi::WEIRD_TOKEN_JSON`] that the participants hold and the Judge may take.
    pub fn deploy_weird_token(&mut self) -> Address {
        let token = self.deploy(abi::WEIRD_TOKEN_JSON, &[]);
        for person in [self.a.address, self.b.address] {
            Self::equip(&mut self.chain, token, self.judge, person);
        }
        token
    }

    /// Deploys a wallet that is a contract, owned by `owner`, with coin.
    pub fn deploy_wallet(&mut self, owner: &Actor) -> Address {
        let wallet = self.deploy(abi::CONTRACT_WALLET_JSON, &owner.address.abi_encode());
        self.chain.set_balance(wallet, U256::from(Self::WEALTH));
        wallet
    }

    /// A channel of the two participants that was never used.
    pub fn key(&mut self, token: Address) -> ChannelKey {
        self.key_of(token, self.a.address, self.b.address)
    }

    /// A channel of any two accounts that was never used.
    pub fn key_of(&mut self, token: Address, x: Address, y: Address) -> ChannelKey {
        self.salt += 1;
        // As clients choose it: by chance, so that its bytes cost what they cost in life.
        let salt = keccak256(self.salt.to_be_bytes()).0[..8].iter().fold(0, |n, byte| (n << 8) | u64::from(*byte));
        ChannelKey { token, a: x.min(y), b: x.max(y), salt }
    }

    /// A channel's id, computed here and not by the contract.
    pub fn id(key: &ChannelKey) -> B256 {
        keccak256(key.abi_encode())
    }

    /// The typed data domain.
    pub fn domain(&self) -> Eip712Domain {
        signed::judge_domain(self.chain.id, self.judge)
    }

    /// Signs a message for this Judge.
    pub fn sign<T: SolStruct>(&self, signer: &Actor, message: &T) -> Bytes {
        signer.sign(&self.domain(), message)
    }

    /// Calls the Judge.
    pub fn call<C: SolCall>(&mut self, from: &Actor, call: &C) -> Outcome {
        self.chain.send(from.address, self.judge, call)
    }

    /// Calls the Judge and sends coin along.
    pub fn call_value<C: SolCall>(&mut self, from: &Actor, value: u128, call: &C) -> Outcome {
        self.chain.send_value(from.address, self.judge, U256::from(value), call)
    }

    /// Calls the Judge from an account without a known key, with coin.
    pub fn call_as<C: SolCall>(&mut self, from: Address, value: u128, call: &C) -> Outcome {
        self.chain.send_value(from, self.judge, U256::from(value), call)
    }

    /// Opens a channel with both deposits.
    pub fn open(&mut self, token: Address, deposit_a: u128, deposit_b: u128) -> ChannelKey {
        let key = self.key(token);
        let (a, b) = (self.a.clone(), self.b.clone());
        let value = |amount| if token == COIN { amount } else { 0 };
        let open = Judge::openCall { key: key.clone(), amount: deposit_a, sessionKey: Address::ZERO, validUntil: 0 };
        self.call_value(&a, value(deposit_a), &open).expect("opens");
        if deposit_b > 0 {
            let deposit = Judge::depositCall { key: key.clone(), amount: deposit_b };
            self.call_value(&b, value(deposit_b), &deposit).expect("deposits");
        }
        key
    }

    /// Delegates both session keys for a year.
    pub fn delegate_both(&mut self) {
        let until = self.chain.now + 31_536_000;
        for (wallet, key) in [(self.a.clone(), self.key_a.address), (self.b.clone(), self.key_b.address)] {
            self.call(&wallet, &Judge::delegateCall { sessionKey: key, validUntil: until }).expect("delegates");
        }
    }

    /// A proof of `sender`, signed by `signer`, accepted by `acceptor` if there is one.
    pub fn proof(
        &self,
        key: &ChannelKey,
        sender: Address,
        draft: &Draft,
        signer: &Actor,
        acceptor: Option<&Actor>,
    ) -> SignedProof {
        let message = draft.message(Self::id(key), sender);
        let accept = signed::AcceptProof { proofHash: signed::struct_hash(&message) };
        let acceptance = acceptor.map(|acceptor| self.sign(acceptor, &accept)).unwrap_or_default();
        draft.with(self.sign(signer, &message), acceptance)
    }

    /// A proof of a that b may bring.
    pub fn proof_of_a(&self, key: &ChannelKey, draft: &Draft) -> SignedProof {
        self.proof(key, self.a.address, draft, &self.a, None)
    }

    /// A proof of b that a may bring.
    pub fn proof_of_b(&self, key: &ChannelKey, draft: &Draft) -> SignedProof {
        self.proof(key, self.b.address, draft, &self.b, None)
    }

    /// The argument that means: no proof.
    pub fn no_proof() -> SignedProof {
        Draft::default().with(Bytes::new(), Bytes::new())
    }

    /// Closes by a participant with the partner's proof.
    pub fn close(&mut self, closer: &Actor, key: &ChannelKey, proof: SignedProof) {
        self.call(closer, &Judge::closeCall { key: key.clone(), proof }).expect("closes");
    }

    /// Moves the clock to the end of the challenge.
    pub fn end_challenge(&mut self, key: &ChannelKey) {
        self.chain.now = self.channel(key).challengeEnd.to();
    }

    /// An agreed ending, signed by the wallets or other people.
    pub fn cooperative_close(
        &self,
        key: &ChannelKey,
        balances: (u128, u128),
        deadline: u64,
        signers: (&Actor, &Actor),
    ) -> Judge::cooperativeCloseCall {
        let message =
            signed::CooperativeClose { channelId: Self::id(key), balanceA: balances.0, balanceB: balances.1, deadline };
        Judge::cooperativeCloseCall {
            key: key.clone(),
            balanceA: balances.0,
            balanceB: balances.1,
            deadline,
            signatureA: self.sign(signers.0, &message),
            signatureB: self.sign(signers.1, &message),
        }
    }

    /// An agreed withdrawal, signed by the wallets or other people.
    pub fn cooperative_withdraw(
        &self,
        key: &ChannelKey,
        wallet: Address,
        total: u128,
        deadline: u64,
        signers: (&Actor, &Actor),
    ) -> Judge::cooperativeWithdrawCall {
        let message = signed::CooperativeWithdraw { channelId: Self::id(key), wallet, totalWithdrawn: total, deadline };
        Judge::cooperativeWithdrawCall {
            key: key.clone(),
            wallet,
            totalWithdrawn: total,
            deadline,
            signatureA: self.sign(signers.0, &message),
            signatureB: self.sign(signers.1, &message),
        }
    }

    /// The Judge's view of a channel.
    pub fn channel(&mut self, key: &ChannelKey) -> ChannelView {
        self.chain.view(self.judge, &Judge::channelCall { key: key.clone() })
    }

    /// Coin or tokens of an account.
    pub fn balance(&mut self, token: Address, wallet: Address) -> u128 {
        let balance = if token == COIN {
            self.chain.balance(wallet)
        } else {
            self.chain.view(token, &Token::balanceOfCall { wallet })
        };
        balance.to()
    }

    /// What the Judge owes an account after a failed push.
    pub fn credit(&mut self, token: Address, wallet: Address) -> u128 {
        self.chain.view(self.judge, &Judge::creditCall { token, wallet }).to()
    }

    /// Makes a secret public now.
    pub fn reveal(&mut self, secret: B256) {
        let (from, registry) = (self.tower.address, self.registry);
        self.chain.send(from, registry, &SecretRegistry::registerSecretCall { secret }).expect("registers");
    }
}

/// Demands that a transaction was refused with exactly this error.
#[track_caller]
pub fn refused<E: SolError>(outcome: &Outcome, error: &E) {
    chain::assert_reverted(outcome, error);
}
