//! Whole lives of a channel by chance, on the bytecode: every wei is where the model says, and no old proof earns more than
//! the newest one.

use std::cmp::Ordering;

use alloy::primitives::I256;
use chit_judge_tests::model::{Figures, owed, raiden_owed};

use crate::{
    chance::Chance,
    locks::{leaf, secret, secret_hash},
    prelude::*,
};

const HISTORIES: u64 = 200;

/// A proof and the locks behind its root.
#[derive(Clone, Debug, Default)]
struct Signed {
    draft: Draft,
    locks: Vec<Lock>,
}

/// One side's newest proof and all before it, the first of which is none.
#[derive(Clone, Debug)]
struct Payer {
    deposited: u128,
    withdrawn: u128,
    past: Vec<Signed>,
    now: Signed,
}

impl Payer {
    fn new(deposited: u128) -> Self {
        Self { deposited, withdrawn: 0, past: Vec::new(), now: Signed::default() }
    }

    fn sign(&mut self, change: impl FnOnce(&mut Signed)) {
        self.past.push(self.now.clone());
        let now = &mut self.now;
        change(now);
        now.draft.nonce += 1;
        now.draft.locked = now.locks.iter().map(|lock| lock.amount).sum();
        now.draft.last_expiry = now.locks.iter().map(|lock| lock.expiry.to()).max().unwrap_or(0);
        now.draft.root = LockTree::new(now.locks.iter().map(leaf).collect()).root();
    }
}

struct History {
    w: World,
    key: ChannelKey,
    sides: [Payer; 2],
    locks: u64,
}

impl History {
    fn new(world: &World, chance: &mut Chance) -> Self {
        let mut w = world.clone();
        let deposits = [chance.below(1000), chance.below(200)].map(u128::from);
        let key = w.open(w.token, deposits[0], deposits[1]);
        Self { w, key, sides: deposits.map(Payer::new), locks: 0 }
    }

    fn available(&self, i: usize) -> u128 {
        let (own, other) = (&self.sides[i], &self.sides[1 - i]);
        own.deposited + other.now.draft.transferred - own.withdrawn - own.now.draft.transferred - own.now.draft.locked
    }

    /// Whether a lock can be claimed once and for all, as the registry sees it.
    fn revealed(w: &mut World, lock: &Lock) -> bool {
        let at = w.chain.view(w.registry, &SecretRegistry::revealedAtCall { secretHash: lock.secretHash });
        at != u48(0) && at <= lock.expiry
    }

    /// Something that honest clients do, or nothing if chance picked what cannot be done now.
    fn step(&mut self, chance: &mut Chance) {
        let i = usize::from(chance.coin());
        let (now, available) = (self.w.chain.now, self.available(i));
        let pending = self.sides[i].now.locks.len() as u64;
        let picked = if pending == 0 { 0 } else { usize::try_from(chance.below(pending)).unwrap() };
        let lock = self.sides[i].now.locks.get(picked).cloned();
        let in_time = lock.as_ref().is_some_and(|lock| now <= lock.expiry.to::<u64>());
        match (chance.below(8), lock) {
            (0..2, _) if available > 0 => {
                let amount = chance.part(available);
                self.sides[i].sign(|signed| signed.draft.transferred += amount);
            }
            (2..4, _) if available > 0 => {
                self.locks += 1;
                let lasts = if chance.coin() { 150 } else { World::CHALLENGE + 150 };
                let lock = Lock {
                    lockId: self.locks,
                    amount: chance.part(available - 1) + 1,
                    expiry: u48(now + chance.below(lasts)),
                    secretHash: secret_hash(self.locks),
                };
                self.sides[i].sign(|signed| signed.locks.push(lock));
            }
            (4, Some(lock)) if in_time => self.w.reveal(secret(lock.lockId)),
            (5, Some(lock)) if in_time || Self::revealed(&mut self.w, &lock) => {
                // The payee may keep the means to claim it from an old proof.
                if in_time && chance.coin() {
                    self.w.reveal(secret(lock.lockId));
                }
                self.sides[i].sign(|signed| {
                    signed.locks.remove(picked);
                    signed.draft.transferred += lock.amount;
                });
            }
            (6, Some(lock)) if !in_time && !Self::revealed(&mut self.w, &lock) => self.sides[i].sign(|signed| {
                signed.locks.remove(picked);
            }),
            (7, _) if available > 0 => {
                self.sides[i].withdrawn += chance.part(available - 1) + 1;
                let wallet = [self.w.a.address, self.w.b.address][i];
                let (a, b) = (self.w.a.clone(), self.w.b.clone());
                let call = self.w.cooperative_withdraw(&self.key, wallet, self.sides[i].withdrawn, now, (&a, &b));
                self.w.call(&a, &call).unwrap();
            }
            _ => self.w.chain.now += chance.below(100),
        }
    }

    /// Ends the channel alone: `x` closes with a proof of the other side, which answers with the newest of x. All that can be
    /// claimed is claimed, in some order, with settlements in between. Returns what each side got and the final figures.
    fn end(&self, x: usize, brought: &Signed, chance: &mut Chance) -> ([u128; 2], [Figures; 2]) {
        let mut w = self.w.clone();
        let people = [w.a.clone(), w.b.clone()];
        let wallets = [w.a.address, w.b.address];
        let y = 1 - x;
        let before = wallets.map(|wallet| w.balance(w.token, wallet));
        let mut proofs = [Signed::default(), Signed::default()];
        proofs[y] = brought.clone();
        proofs[x] = self.sides[x].now.clone();
        // The closer makes public what it can still profit from.
        for lock in &brought.locks {
            if w.chain.now <= lock.expiry.to::<u64>() && chance.coin() {
                w.reveal(secret(lock.lockId));
            }
        }
        let proof = w.proof(&self.key, wallets[y], &proofs[y].draft, &people[y], None);
        w.close(&people[x], &self.key, proof);
        if proofs[x].draft.nonce > 0 {
            let proof = w.proof(&self.key, wallets[x], &proofs[x].draft, &people[x], None);
            let call = Judge::updateCall { key: self.key.clone(), sender: wallets[x], proof };
            w.call(&people[y], &call).unwrap();
        }
        w.end_challenge(&self.key);
        let mut figures = [0, 1].map(|i| Figures {
            deposited: self.sides[i].deposited,
            withdrawn: self.sides[i].withdrawn,
            transferred: proofs[i].draft.transferred,
            locked: proofs[i].draft.locked,
            claimed: 0,
            is_final: true,
        });
        for i in [x, y] {
            let tree = LockTree::new(proofs[i].locks.iter().map(leaf).collect());
            let claimable: Vec<usize> =
                (0..proofs[i].locks.len()).filter(|n| Self::revealed(&mut w, &proofs[i].locks[*n])).collect();
            let batch = usize::try_from(1 + chance.below(3)).unwrap();
            for batch in claimable.chunks(batch) {
                let locks: Vec<Lock> = batch.iter().map(|n| proofs[i].locks[*n].clone()).collect();
                figures[i].claimed += locks.iter().map(|lock| lock.amount).sum::<u128>();
                let proofs = batch.iter().map(|n| tree.proof(*n)).collect();
                let call = Judge::unlockCall { key: self.key.clone(), sender: wallets[i], locks, proofs };
                w.call(&people[y], &call).unwrap();
                if chance.coin() {
                    let outcome = w.call(&people[x], &Judge::settleCall { key: self.key.clone() });
                    assert!(outcome.is_ok() || outcome.unwrap_err() == nothing_to_do());
                }
            }
        }
        w.chain.now += 3 * World::CHALLENGE;
        for sender in wallets {
            let view = w.channel(&self.key);
            let side = if sender == wallets[0] { view.a } else { view.b };
            if !side.isFinal {
                w.call(&people[x], &Judge::finalizeCall { key: self.key.clone(), sender }).unwrap();
            }
        }
        if w.channel(&self.key).status == 2 {
            w.call(&people[x], &Judge::settleCall { key: self.key.clone() }).unwrap();
        }
        assert_eq!(w.channel(&self.key).status, 3);
        assert_eq!(w.balance(w.token, w.judge), OTHERS, "the channel left something behind or took from another");
        let got = [0, 1].map(|i| w.balance(w.token, wallets[i]) - before[i]);
        (got, figures)
    }
}

/// What another channel keeps in the Judge.
const OTHERS: u128 = 1_000_000;

fn nothing_to_do() -> Failure {
    Failure::Reverted(Judge::NothingToDo {}.abi_encode().into())
}

#[test]
fn every_wei_goes_where_the_model_says_and_old_proofs_earn_nothing() {
    let mut world = World::new();
    world.open(world.token, OTHERS, 0);
    let (mut cheats, mut raiden_loses) = (0, 0);
    for seed in 0..HISTORIES {
        let chance = &mut Chance::new(seed);
        let mut history = History::new(&world, chance);
        for _ in 0..8 + chance.below(40) {
            history.step(chance);
        }
        let x = usize::from(chance.coin());
        let y = 1 - x;
        // Whoever holds a lock whose secret it knows makes it public in time, as honest clients do.
        for lock in [history.sides[0].now.locks.clone(), history.sides[1].now.locks.clone()].concat() {
            if history.w.chain.now <= lock.expiry.to::<u64>() {
                history.w.reveal(secret(lock.lockId));
            }
        }
        let check = |brought: &Signed, chance: &mut Chance| {
            let (got, figures) = history.end(x, brought, chance);
            for i in [0, 1] {
                let model = owed(&figures[i], &figures[1 - i]);
                assert_eq!(I256::try_from(got[i]).unwrap(), model, "seed {seed} side {i} {figures:?}");
            }
            (got, figures)
        };
        let (honest, honest_figures) = check(&history.sides[y].now, chance);
        let past = &history.sides[y].past;
        if past.is_empty() {
            continue;
        }
        let old = &past[usize::try_from(chance.below(past.len() as u64)).unwrap()];
        let (cheated, figures) = check(old, chance);
        cheats += 1;
        assert_ne!(cheated[x].cmp(&honest[x]), Ordering::Greater, "seed {seed}: {old:?} pays");
        assert_ne!(cheated[y].cmp(&honest[y]), Ordering::Less, "seed {seed}: {old:?} costs the honest side");
        if raiden_owed(&figures[x], &figures[y]) > raiden_owed(&honest_figures[x], &honest_figures[y]) {
            raiden_loses += 1;
        }
    }
    println!("{HISTORIES} histories, {cheats} with an old proof, profitable: 0; under Raiden's rule: {raiden_loses}");
    assert!(cheats > HISTORIES / 2);
    assert!(raiden_loses > 0, "these histories would not have found Raiden's flaw");
}
