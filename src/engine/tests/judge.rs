//! A Judge in plain Rust, for tests of the engine: its rules, its blocks, and reorgs by truncation.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{U256, keccak256};

use crate::engine::SecretOnChain;
use crate::protocol::{
    Address, Amount, B256, ChainEvent, ChannelId, ChannelKey, Domain, Grant, Head, JudgeCall, JudgeEvent, Lock, LockId,
    LogPosition, Nonce, Secret, SecretHash, Side, Signature, SignedProof, Timestamp, sol_types,
};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SideState {
    pub(super) deposited: u128,
    pub(super) withdrawn: u128,
    pub(super) nonce: u64,
    pub(super) transferred: u128,
    pub(super) locked: u128,
    pub(super) claimed: u128,
    paid: u128,
    root: B256,
    last_expiry: Timestamp,
    finalized: bool,
}

impl SideState {
    pub(super) fn is_final(&self) -> bool {
        self.finalized || self.claimed == self.locked
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChannelState {
    pub(super) key: ChannelKey,
    pub(super) closed_at: Option<Timestamp>,
    pub(super) done: bool,
    sides: [SideState; 2],
    claims: BTreeSet<(Address, LockId)>,
}

impl ChannelState {
    pub(super) fn side(&self, wallet: Address) -> &SideState {
        &self.sides[usize::from(wallet == self.key.b)]
    }

    fn side_mut(&mut self, wallet: Address) -> &mut SideState {
        &mut self.sides[usize::from(wallet == self.key.b)]
    }

    fn total(&self) -> u128 {
        // One side may have withdrawn what the other paid it.
        let sum = |of: fn(&SideState) -> u128| self.sides.iter().map(of).sum::<u128>();
        sum(|side| side.deposited) - sum(|side| side.withdrawn)
    }
}

#[derive(Clone, Debug, Default)]
struct State {
    channels: BTreeMap<ChannelId, ChannelState>,
    sessions: BTreeMap<(Address, Address), (Timestamp, Timestamp)>,
    /// What each wallet was paid out, less what it put in.
    wallets: BTreeMap<Address, i128>,
    /// Registered secrets, and since when.
    secrets: BTreeMap<SecretHash, (Secret, Timestamp)>,
}

#[derive(Clone, Debug)]
struct Block {
    head: Head,
    events: Vec<ChainEvent>,
    state: State,
    transactions: Vec<Sent>,
}

/// What a wallet can send.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "a test keeps few of them")]
pub(super) enum Call {
    Judge(JudgeCall),
    Delegate { key: Address, until: Timestamp },
    Revoke { key: Address },
}

#[derive(Clone, Debug)]
struct Sent {
    hash: B256,
    from: Address,
    call: Call,
}

pub(super) struct Judge {
    pub(super) domain: Domain,
    pub(super) challenge: Timestamp,
    blocks: Vec<Block>,
    mempool: Vec<Sent>,
    receipts: BTreeMap<B256, bool>,
    sent: u64,
    forks: u64,
}

type Outcome = Result<Vec<JudgeEvent>, &'static str>;

impl Judge {
    pub(super) fn new(domain: Domain, challenge: Timestamp, now: Timestamp) -> Self {
        let head = Head { number: 0, hash: keccak256(b"genesis"), timestamp: now };
        let genesis = Block { head, events: Vec::new(), state: State::default(), transactions: Vec::new() };
        Self {
            domain,
            challenge,
            blocks: vec![genesis],
            mempool: Vec::new(),
            receipts: BTreeMap::new(),
            sent: 0,
            forks: 0,
        }
    }

    pub(super) fn head(&self) -> Head {
        self.blocks.last().unwrap().head
    }

    pub(super) fn hash(&self, number: u64) -> Option<B256> {
        self.blocks.get(usize::try_from(number).unwrap()).map(|block| block.head.hash)
    }

    pub(super) fn events(&self, from: u64, to: u64) -> Vec<ChainEvent> {
        let inside = self.blocks.iter().filter(|block| (from..=to).contains(&block.head.number));
        inside.flat_map(|block| block.events.iter().cloned()).collect()
    }

    pub(super) fn channel(&self, id: ChannelId) -> Option<&ChannelState> {
        self.blocks.last().unwrap().state.channels.get(&id)
    }

    /// A session's record as of the newest block with `confirmations`.
    pub(super) fn session(&self, wallet: Address, key: Address, confirmations: u64) -> (Timestamp, Timestamp) {
        let number = (self.head().number + 1).saturating_sub(confirmations);
        let state = &self.blocks[usize::try_from(number).unwrap()].state;
        state.sessions.get(&(wallet, key)).copied().unwrap_or_default()
    }

    /// The registry as of a block: its time, and what was registered of `hashes`.
    pub(super) fn secrets(&self, hashes: &[SecretHash], block: u64) -> (Timestamp, Vec<SecretOnChain>) {
        let block = &self.blocks[usize::try_from(block).unwrap()];
        let found = hashes.iter().filter_map(|hash| block.state.secrets.get(hash));
        let found = found.map(|(secret, at)| SecretOnChain { secret: secret.clone(), registered: *at });
        (block.head.timestamp, found.collect())
    }

    pub(super) fn receipt(&self, hash: B256) -> Option<bool> {
        self.receipts.get(&hash).copied()
    }

    /// What a wallet got out of all channels, less what it put in.
    pub(super) fn gain(&self, wallet: Address) -> i128 {
        self.blocks.last().unwrap().state.wallets.get(&wallet).copied().unwrap_or_default()
    }

    /// Takes a transaction if it would succeed now, as a wallet's gas estimate tells.
    pub(super) fn submit(&mut self, from: Address, call: Call) -> Result<B256, &'static str> {
        let mut state = self.blocks.last().unwrap().state.clone();
        let at = self.head().timestamp;
        for earlier in &self.mempool {
            let _ = state.execute(earlier.from, &earlier.call, at, self);
        }
        state.execute(from, &call, at, self)?;
        self.sent += 1;
        let hash = keccak256([b"transaction".as_slice(), &self.sent.to_be_bytes()].concat());
        self.mempool.push(Sent { hash, from, call });
        Ok(hash)
    }

    /// Puts what waits into a block.
    pub(super) fn mine(&mut self, now: Timestamp) {
        let parent = self.head();
        let number = parent.number + 1;
        let fork = self.forks.to_be_bytes();
        let hash = keccak256([parent.hash.as_slice(), &number.to_be_bytes(), &fork].concat());
        let timestamp = now.max(parent.timestamp + 1);
        let mut state = self.blocks.last().unwrap().state.clone();
        let mut events = Vec::new();
        let transactions = std::mem::take(&mut self.mempool);
        for sent in &transactions {
            let before = state.clone();
            let outcome = state.execute(sent.from, &sent.call, timestamp, self);
            self.receipts.insert(sent.hash, outcome.is_ok());
            match outcome {
                Ok(new) => events.extend(new.into_iter().map(|event| (sent.hash, event))),
                Err(_) => state = before,
            }
        }
        let place = |(index, (transaction, event))| ChainEvent {
            position: LogPosition { block: number, index: index as u64, block_hash: hash, transaction },
            event,
        };
        let events = events.into_iter().enumerate().map(place).collect();
        self.blocks.push(Block { head: Head { number, hash, timestamp }, events, state, transactions });
    }

    /// Takes away the newest blocks. Their transactions wait again if `keep`, else they are gone.
    pub(super) fn reorg(&mut self, depth: usize, keep: bool) {
        self.forks += 1;
        let removed = self.blocks.split_off(self.blocks.len() - depth);
        let sent: Vec<Sent> = removed.into_iter().flat_map(|block| block.transactions).collect();
        for transaction in &sent {
            self.receipts.remove(&transaction.hash);
        }
        if keep {
            self.mempool.splice(0..0, sent);
        }
    }

    fn signed(&self, state: &State, wallet: Address, digest: B256, signature: &Signature, at: Timestamp) -> bool {
        let Ok(signer) = signature.recover(digest) else { return false };
        let (until, revoked) = state.sessions.get(&(wallet, signer)).copied().unwrap_or_default();
        signer == wallet || (until > at && (revoked == 0 || revoked > at))
    }
}

impl State {
    fn execute(&mut self, from: Address, call: &Call, now: Timestamp, judge: &Judge) -> Outcome {
        match call {
            Call::Judge(call) => self.judge(from, call, now, judge),
            Call::Delegate { key, until } => Ok(self.delegate(from, *key, *until)),
            Call::Revoke { key } => {
                let session = self.sessions.entry((from, *key)).or_default();
                if session.1 != 0 {
                    return Err("NothingToDo");
                }
                session.1 = now + judge.challenge;
                Ok(vec![set(from, *key, *session)])
            }
        }
    }

    fn delegate(&mut self, wallet: Address, key: Address, until: Timestamp) -> Vec<JudgeEvent> {
        let session = self.sessions.entry((wallet, key)).or_default();
        if until <= session.0 {
            return Vec::new();
        }
        session.0 = until;
        vec![set(wallet, key, *session)]
    }

    fn bring(&mut self, grants: &[Grant], judge: &Judge) -> Outcome {
        let mut events = Vec::new();
        for grant in grants {
            grant.verify(&judge.domain).map_err(|_| "BadSignature")?;
            events.extend(self.delegate(grant.wallet, grant.session_key, grant.valid_until));
        }
        Ok(events)
    }

    fn pay(&mut self, id: ChannelId, wallet: Address, amount: u128) -> JudgeEvent {
        *self.wallets.entry(wallet).or_default() += i128::try_from(amount).unwrap();
        JudgeEvent::Paid { channel: id, wallet, amount: Amount::new(amount), credited: false }
    }

    fn deposit(&mut self, id: ChannelId, wallet: Address, amount: u128) -> JudgeEvent {
        *self.wallets.entry(wallet).or_default() -= i128::try_from(amount).unwrap();
        let side = self.channels.get_mut(&id).unwrap().side_mut(wallet);
        side.deposited += amount;
        JudgeEvent::Deposited { channel: id, wallet, total: Amount::new(side.deposited) }
    }

    /// The channel, if proofs and cooperative closes still count, and the time at which keys must be valid.
    fn undecided(
        &self,
        id: ChannelId,
        now: Timestamp,
        judge: &Judge,
    ) -> Result<(&ChannelState, Timestamp), &'static str> {
        let channel = self.channels.get(&id).filter(|channel| !channel.done).ok_or("NotOpen")?;
        match channel.closed_at {
            Some(closed) if now >= closed + judge.challenge => Err("ChallengeOver"),
            closed => Ok((channel, closed.unwrap_or(now))),
        }
    }

    fn accept(
        &mut self,
        id: ChannelId,
        sender: Address,
        signed: &SignedProof,
        at: Timestamp,
        judge: &Judge,
    ) -> Outcome {
        let proof = &signed.proof;
        if !judge.signed(self, sender, proof.digest(&judge.domain), &signed.signature, at) {
            return Err("BadSignature");
        }
        let side = self.channels.get_mut(&id).unwrap().side_mut(sender);
        if (proof.channel, proof.sender) != (id, sender) || proof.nonce.get() <= side.nonce {
            return Err("StaleNonce");
        }
        (side.nonce, side.transferred) = (proof.nonce.get(), proof.transferred.get());
        (side.locked, side.root, side.last_expiry) = (proof.locked.get(), proof.locks_root, proof.last_expiry);
        Ok(vec![JudgeEvent::ProofAccepted {
            channel: id,
            sender,
            nonce: Nonce::new(side.nonce).unwrap(),
            transferred: proof.transferred,
            locked: proof.locked,
            locks_root: proof.locks_root,
        }])
    }

    fn judge(&mut self, from: Address, call: &JudgeCall, now: Timestamp, judge: &Judge) -> Outcome {
        let domain = &judge.domain;
        match call {
            JudgeCall::Open { key, deposit, session_key, valid_until } => {
                let id = key.id();
                if self.channels.contains_key(&id) || key.side_of(from).is_none() {
                    return Err("ChannelExists");
                }
                let state = ChannelState {
                    key: *key,
                    closed_at: None,
                    done: false,
                    sides: Default::default(),
                    claims: BTreeSet::new(),
                };
                self.channels.insert(id, state);
                let mut events = vec![JudgeEvent::Opened { key: *key }];
                if !session_key.is_zero() {
                    events.extend(self.delegate(from, *session_key, *valid_until));
                }
                if !deposit.is_zero() {
                    events.push(self.deposit(id, from, deposit.get()));
                }
                Ok(events)
            }
            JudgeCall::Deposit { key, amount } => {
                let open = |channel: &&ChannelState| channel.closed_at.is_none() && !channel.done;
                self.channels.get(&key.id()).filter(open).ok_or("NotOpen")?;
                Ok(vec![self.deposit(key.id(), from, amount.get())])
            }
            JudgeCall::Close { key, proof, grant } => {
                let id = key.id();
                let open = |channel: &&ChannelState| channel.closed_at.is_none() && !channel.done;
                self.channels.get(&id).filter(open).ok_or("NotOpen")?;
                let mut events = self.bring(grant.as_slice(), judge)?;
                let partner = key.wallet(key.side_of(from).ok_or("NotParticipant")?.other());
                // As the Judge does: a proof that it knows already cannot make a close fail.
                let known = self.channels.get(&id).map_or(0, |channel| channel.side(partner).nonce);
                if let Some(proof) = proof.filter(|proof| proof.proof.nonce.get() > known) {
                    events.extend(self.accept(id, partner, &proof, now, judge)?);
                }
                self.channels.get_mut(&id).unwrap().closed_at = Some(now);
                events.push(JudgeEvent::Closing { channel: id, closer: from, challenge_end: now + judge.challenge });
                Ok(events)
            }
            JudgeCall::Update { key, proof, grants, acceptance } => {
                let mut events = self.bring(grants, judge)?;
                let (_, at) = self.undecided(key.id(), now, judge)?;
                let partner = key.wallet(key.side_of(from).ok_or("NotParticipant")?.other());
                let sender = match acceptance {
                    None => partner,
                    Some(signature) => {
                        let digest = proof.proof.acceptance_digest(domain);
                        if !judge.signed(self, partner, digest, signature, at) {
                            return Err("BadSignature");
                        }
                        from
                    }
                };
                events.extend(self.accept(key.id(), sender, proof, at, judge)?);
                Ok(events)
            }
            JudgeCall::RegisterSecrets { secrets } => {
                for secret in secrets {
                    self.secrets.entry(secret.hash()).or_insert((secret.clone(), now));
                }
                Ok(Vec::new())
            }
            JudgeCall::Settle { key, claims, finalize } => {
                let id = key.id();
                let channel = self.channels.get(&id).filter(|channel| !channel.done).ok_or("NothingToDo")?;
                let closed = channel.closed_at.ok_or("NotClosing")?;
                if now < closed + judge.challenge {
                    return Err("InChallenge");
                }
                let end = closed + judge.challenge;
                let mut events = Vec::new();
                for claim in claims {
                    if self.channels.get(&id).is_none_or(|known| known.side(claim.sender).finalized) {
                        return Err("NothingToDo");
                    }
                    for (lock, proof) in claim.locks.iter().zip(&claim.proofs) {
                        events.push(self.claim(id, claim.sender, lock, proof)?);
                    }
                }
                for wallet in finalize {
                    let side = self.channels.get_mut(&id).unwrap().side_mut(*wallet);
                    if side.is_final() {
                        return Err("NothingToDo");
                    }
                    if now < end.max(side.last_expiry) + judge.challenge {
                        return Err("TooEarly");
                    }
                    side.finalized = true;
                }
                match self.settle(id) {
                    // Giving back counts even if it frees nothing.
                    Err("NothingToDo") if !finalize.is_empty() => {}
                    paid => events.extend(paid?),
                }
                Ok(events)
            }
            JudgeCall::CooperativeClose { key, balance_a, balance_b, deadline, signature_a, signature_b, grants } => {
                let mut events = self.bring(grants, judge)?;
                let (channel, at) = self.undecided(key.id(), now, judge)?;
                let digest = domain.digest(&sol_types::CooperativeClose {
                    channelId: key.id().0,
                    balanceA: balance_a.get(),
                    balanceB: balance_b.get(),
                    deadline: *deadline,
                });
                if now > *deadline {
                    return Err("DeadlineExpired");
                }
                if balance_a.get() + balance_b.get() != channel.total() {
                    return Err("Conservation");
                }
                if !judge.signed(self, key.a, digest, signature_a, at)
                    || !judge.signed(self, key.b, digest, signature_b, at)
                {
                    return Err("BadSignature");
                }
                events.extend(self.finish(key.id(), true, balance_a.get(), balance_b.get())?);
                Ok(events)
            }
            JudgeCall::CooperativeWithdraw { key, wallet, total, deadline, signature_a, signature_b, grants } => {
                let mut events = self.bring(grants, judge)?;
                let id = key.id();
                let digest = domain.digest(&sol_types::CooperativeWithdraw {
                    channelId: id.0,
                    wallet: *wallet,
                    totalWithdrawn: total.get(),
                    deadline: *deadline,
                });
                if now > *deadline {
                    return Err("DeadlineExpired");
                }
                if !judge.signed(self, key.a, digest, signature_a, now)
                    || !judge.signed(self, key.b, digest, signature_b, now)
                {
                    return Err("BadSignature");
                }
                let open = |channel: &&mut ChannelState| channel.closed_at.is_none() && !channel.done;
                let channel = self.channels.get_mut(&id).filter(open).ok_or("NotOpen")?;
                let side = channel.side_mut(*wallet);
                let more = total.get().checked_sub(side.withdrawn).filter(|more| *more > 0).ok_or("NothingToDo")?;
                side.withdrawn = total.get();
                let [a, b] = &channel.sides;
                if a.withdrawn + b.withdrawn > a.deposited + b.deposited {
                    return Err("Conservation");
                }
                self.pay(id, *wallet, more);
                events.push(JudgeEvent::Withdrawn { channel: id, wallet: *wallet, total: *total });
                Ok(events)
            }
        }
    }

    fn claim(
        &mut self,
        id: ChannelId,
        sender: Address,
        lock: &Lock,
        proof: &[B256],
    ) -> Result<JudgeEvent, &'static str> {
        let registered = self.secrets.get(&lock.secret_hash).map(|(_, at)| *at).ok_or("SecretNotRevealed")?;
        let channel = self.channels.get_mut(&id).unwrap();
        let root = proof.iter().fold(lock.leaf(), |node, sibling| {
            let (one, other) = if node < *sibling { (node, *sibling) } else { (*sibling, node) };
            keccak256([one.as_slice(), other.as_slice()].concat())
        });
        let fresh = channel.claims.insert((sender, lock.id));
        let side = channel.side_mut(sender);
        side.claimed += lock.amount.get();
        if registered > lock.expiry || root != side.root || !fresh || side.claimed > side.locked || side.finalized {
            return Err("BadLock");
        }
        Ok(JudgeEvent::LockClaimed { channel: id, sender, lock: lock.id, amount: lock.amount })
    }

    /// The payout rule, progressive: pays what is owed and not yet paid.
    fn settle(&mut self, id: ChannelId) -> Outcome {
        let channel = self.channels.get(&id).unwrap();
        let (a, b) = (channel.sides[0], channel.sides[1]);
        let total = channel.total();
        let owed = |own: SideState, other: SideState| {
            let held_back = if own.is_final() { own.claimed } else { own.locked };
            let plus = U256::from(own.deposited) + U256::from(other.transferred) + U256::from(other.claimed);
            let minus = U256::from(own.withdrawn) + U256::from(own.transferred) + U256::from(held_back);
            u128::try_from(plus.saturating_sub(minus).min(U256::from(total))).unwrap()
        };
        let (owed_a, owed_b) = (owed(a, b), owed(b, a));
        if a.is_final() && b.is_final() {
            assert_eq!(owed_a + owed_b, total, "the payout is exact");
            return self.finish(id, false, owed_a - a.paid, owed_b - b.paid);
        }
        let (pay_a, pay_b) = (owed_a - a.paid, owed_b - b.paid);
        if pay_a + pay_b == 0 {
            return Err("NothingToDo");
        }
        let channel = self.channels.get_mut(&id).unwrap();
        (channel.sides[0].paid, channel.sides[1].paid) = (owed_a, owed_b);
        let key = channel.key;
        let paid = [(key.a, pay_a), (key.b, pay_b)].into_iter().filter(|(_, amount)| *amount > 0);
        Ok(paid.map(|(wallet, amount)| self.pay(id, wallet, amount)).collect())
    }

    fn finish(&mut self, id: ChannelId, cooperative: bool, pay_a: u128, pay_b: u128) -> Outcome {
        let channel = self.channels.get_mut(&id).unwrap();
        channel.done = true;
        let key = channel.key;
        let paid = [(key.wallet(Side::A), pay_a), (key.wallet(Side::B), pay_b)];
        let mut events: Vec<JudgeEvent> =
            paid.into_iter().map(|(wallet, amount)| self.pay(id, wallet, amount)).collect();
        events.push(JudgeEvent::Done { channel: id, cooperative });
        Ok(events)
    }
}

fn set(wallet: Address, session_key: Address, (valid_until, revoked_from): (Timestamp, Timestamp)) -> JudgeEvent {
    JudgeEvent::SessionKeySet { wallet, session_key, valid_until, revoked_from }
}
