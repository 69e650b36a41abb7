//! A signature is worth one thing in one place: every signed type against every other place, and against bad encodings.

use alloy::sol_types::Eip712Domain;
use k256::{
    Scalar,
    elliptic_curve::{PrimeField, ops::Neg},
};

use crate::prelude::*;

/// Where a signature of a is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Site {
    Proof,
    Acceptance,
    Close,
    CooperativeClose,
    CooperativeWithdraw,
    Delegate,
}

const SITES: [Site; 6] =
    [Site::Proof, Site::Acceptance, Site::Close, Site::CooperativeClose, Site::CooperativeWithdraw, Site::Delegate];

/// A channel in which any of the calls would succeed.
struct Scene {
    w: World,
    key: ChannelKey,
    other: ChannelKey,
    deadline: u64,
}

impl Scene {
    const BALANCES: (u128, u128) = (70, 80);
    const TOTAL: u128 = 33;

    fn new() -> Self {
        let mut w = World::new();
        let (key, other) = (w.open(COIN, 100, 50), w.open(COIN, 100, 50));
        let deadline = w.chain.now + 10;
        Self { w, key, other, deadline }
    }

    fn draft(&self) -> Draft {
        let (root, context) = (keccak256("root"), keccak256("context"));
        Draft { nonce: 3, transferred: 20, locked: 5, last_expiry: self.deadline, root, context }
    }

    /// What a signs at a site, in a channel, as if `side` were the one who sends, closes, withdraws or delegates.
    fn digest(&self, site: Site, domain: &Eip712Domain, key: &ChannelKey, side: Address) -> B256 {
        let (id, draft, deadline) = (World::id(key), self.draft(), self.deadline);
        let partner = if side == self.w.a.address { self.w.b.address } else { self.w.a.address };
        match site {
            Site::Proof => draft.message(id, side).eip712_signing_hash(domain),
            Site::Acceptance => {
                let proof_hash = signed::struct_hash(&draft.message(id, partner));
                signed::AcceptProof { proofHash: proof_hash }.eip712_signing_hash(domain)
            }
            Site::Close => signed::CloseChannel { channelId: id, closer: side, deadline }.eip712_signing_hash(domain),
            Site::CooperativeClose => {
                let (x, y) = Self::BALANCES;
                let (x, y) = if side == self.w.a.address { (x, y) } else { (y, x) };
                signed::CooperativeClose { channelId: id, balanceA: x, balanceB: y, deadline }
                    .eip712_signing_hash(domain)
            }
            Site::CooperativeWithdraw => {
                let total = Self::TOTAL;
                signed::CooperativeWithdraw { channelId: id, wallet: side, totalWithdrawn: total, deadline }
                    .eip712_signing_hash(domain)
            }
            Site::Delegate => signed::Delegate { wallet: side, sessionKey: self.w.key_a.address, validUntil: deadline }
                .eip712_signing_hash(domain),
        }
    }

    fn right(&self, site: Site) -> B256 {
        self.digest(site, &self.w.domain(), &self.key, self.w.a.address)
    }

    /// Tries a signature at a site, everything else being right, in a future of its own.
    fn attempt(&self, site: Site, signature: Bytes) -> Outcome {
        let mut w = self.w.clone();
        let (a, b, tower) = (w.a.clone(), w.b.clone(), w.tower.clone());
        let (key, draft, deadline) = (self.key.clone(), self.draft(), self.deadline);
        match site {
            Site::Proof => {
                let proof = draft.with(signature, Bytes::new());
                w.call(&b, &Judge::updateCall { key, sender: a.address, proof })
            }
            Site::Acceptance => {
                let by_b = w.sign(&b, &draft.message(World::id(&key), b.address));
                w.call(&tower, &Judge::updateCall { key, sender: b.address, proof: draft.with(by_b, signature) })
            }
            Site::Close => {
                let (closer, proof) = (a.address, World::no_proof());
                w.call(&tower, &Judge::closeForCall { key, closer, deadline, closerSignature: signature, proof })
            }
            Site::CooperativeClose => {
                let call = w.cooperative_close(&key, Self::BALANCES, deadline, (&a, &b));
                w.call(&tower, &Judge::cooperativeCloseCall { signatureA: signature, ..call })
            }
            Site::CooperativeWithdraw => {
                let call = w.cooperative_withdraw(&key, a.address, Self::TOTAL, deadline, (&a, &b));
                w.call(&tower, &Judge::cooperativeWithdrawCall { signatureA: signature, ..call })
            }
            Site::Delegate => {
                let (wallet, session_key) = (a.address, w.key_a.address);
                let call = Judge::delegateForCall { wallet, sessionKey: session_key, validUntil: deadline, signature };
                w.call(&tower, &call)
            }
        }
    }

    #[track_caller]
    fn refuses(&self, site: Site, signature: Bytes, why: &str) {
        let outcome = self.attempt(site, signature);
        let expected = Judge::BadSignature { expected: self.w.a.address }.abi_encode();
        assert_eq!(outcome.err(), Some(Failure::Reverted(expected.into())), "{site:?} {why}");
    }
}

#[test]
fn the_right_signature_is_taken_at_every_site() {
    let scene = Scene::new();
    for site in SITES {
        scene.attempt(site, scene.w.a.sign_hash(scene.right(site))).unwrap();
    }
}

#[test]
fn no_signature_is_taken_in_another_place() {
    let scene = Scene::new();
    let a = scene.w.a.clone();
    let domain = scene.w.domain();
    let mut tried = 0;
    for site in SITES {
        let mut wrong = vec![
            ("chain", scene.digest(site, &signed::judge_domain(1, scene.w.judge), &scene.key, a.address)),
            (
                "contract",
                scene.digest(site, &signed::judge_domain(scene.w.chain.id, scene.w.registry), &scene.key, a.address),
            ),
            (
                "name",
                scene.digest(
                    site,
                    &Eip712Domain { name: Some("judge".into()), ..domain.clone() },
                    &scene.key,
                    a.address,
                ),
            ),
            (
                "version",
                scene.digest(
                    site,
                    &Eip712Domain { version: Some("2".into()), ..domain.clone() },
                    &scene.key,
                    a.address,
                ),
            ),
            ("no chain", scene.digest(site, &Eip712Domain { chain_id: None, ..domain.clone() }, &scene.key, a.address)),
            ("side", scene.digest(site, &domain, &scene.key, scene.w.b.address)),
            ("plain hash", keccak256(scene.right(site))),
        ];
        if site != Site::Delegate {
            wrong.push(("channel", scene.digest(site, &domain, &scene.other, a.address)));
        }
        for other in SITES.into_iter().filter(|other| *other != site) {
            wrong.push(("type", scene.right(other)));
        }
        for (why, digest) in wrong {
            scene.refuses(site, a.sign_hash(digest), why);
            tried += 1;
        }
        for (who, signer) in [("b", &scene.w.b), ("tower", &scene.w.tower), ("undelegated key", &scene.w.key_a)] {
            scene.refuses(site, signer.sign_hash(scene.right(site)), who);
        }
    }
    assert_eq!(tried, 6 * 7 + 5 + 6 * 5);
}

#[test]
fn every_field_of_a_proof_is_signed() {
    let scene = Scene::new();
    let id = World::id(&scene.key);
    let good = scene.draft();
    let one = B256::with_last_byte(1);
    let others = [
        Draft { nonce: 4, ..good },
        Draft { transferred: 21, ..good },
        Draft { locked: 4, ..good },
        Draft { last_expiry: good.last_expiry + 1, ..good },
        Draft { root: one, ..good },
        Draft { context: one, ..good },
    ];
    for other in others {
        let digest = other.message(id, scene.w.a.address).eip712_signing_hash(&scene.w.domain());
        scene.refuses(Site::Proof, scene.w.a.sign_hash(digest), &format!("{other:?}"));
        let hash = signed::struct_hash(&other.message(id, scene.w.b.address));
        let accept = signed::AcceptProof { proofHash: hash };
        scene.refuses(Site::Acceptance, scene.w.sign(&scene.w.a, &accept), &format!("{other:?}"));
    }
}

#[test]
fn every_field_of_the_other_messages_is_signed() {
    let scene = Scene::new();
    let (w, id, deadline) = (&scene.w, World::id(&scene.key), scene.deadline);
    let a = w.a.address;
    let (x, y) = Scene::BALANCES;
    let close = signed::CloseChannel { channelId: id, closer: a, deadline: deadline + 1 };
    scene.refuses(Site::Close, w.sign(&w.a, &close), "deadline");
    for (x, y, deadline) in [(x + 1, y, deadline), (x, y + 1, deadline), (x, y, deadline + 1)] {
        let message = signed::CooperativeClose { channelId: id, balanceA: x, balanceB: y, deadline };
        scene.refuses(Site::CooperativeClose, w.sign(&w.a, &message), "field");
    }
    for (total, deadline) in [(Scene::TOTAL + 1, deadline), (Scene::TOTAL, deadline + 1)] {
        let message = signed::CooperativeWithdraw { channelId: id, wallet: a, totalWithdrawn: total, deadline };
        scene.refuses(Site::CooperativeWithdraw, w.sign(&w.a, &message), "field");
    }
    for (key, until) in [(w.key_b.address, deadline), (w.key_a.address, deadline + 1)] {
        let message = signed::Delegate { wallet: a, sessionKey: key, validUntil: until };
        scene.refuses(Site::Delegate, w.sign(&w.a, &message), "field");
    }
}

#[test]
fn after_a_fork_signatures_follow_the_chain_that_they_name() {
    let mut scene = Scene::new();
    let before: Vec<_> = SITES.iter().map(|site| scene.w.a.sign_hash(scene.right(*site))).collect();
    scene.w.chain.id = 61;
    for (site, signature) in SITES.into_iter().zip(before) {
        // The acceptance's scene signs b's proof anew, so only a's part is old everywhere.
        scene.refuses(site, signature, "fork");
        scene.attempt(site, scene.w.a.sign_hash(scene.right(site))).unwrap();
    }
}

#[test]
fn another_judge_takes_none_of_it() {
    let mut scene = Scene::new();
    let signatures: Vec<_> = SITES.iter().map(|site| scene.w.a.sign_hash(scene.right(*site))).collect();
    // The same code and registry at another address, with the same channel in it.
    use alloy::sol_types::SolConstructor;
    let arguments =
        Judge::constructorCall { registry: scene.w.registry, challenge: u48(World::CHALLENGE) }.abi_encode();
    scene.w.judge = scene.w.deploy(abi::JUDGE_JSON, &arguments);
    let open = Judge::openCall { key: scene.key.clone(), amount: 100, sessionKey: Address::ZERO, validUntil: 0 };
    let (a, b) = (scene.w.a.clone(), scene.w.b.clone());
    scene.w.call_value(&a, 100, &open).unwrap();
    scene.w.call_value(&b, 50, &Judge::depositCall { key: scene.key.clone(), amount: 50 }).unwrap();
    for (site, signature) in SITES.into_iter().zip(signatures) {
        scene.refuses(site, signature, "judge");
        scene.attempt(site, scene.w.a.sign_hash(scene.right(site))).unwrap();
    }
}

/// The other signature that the curve allows for the same hash and key.
fn mirrored(signature: &Bytes) -> Bytes {
    let s = Scalar::from_repr(*k256::FieldBytes::from_slice(&signature[32..64])).unwrap();
    let mut bytes = signature.to_vec();
    bytes[32..64].copy_from_slice(&s.neg().to_repr());
    bytes[64] = 27 + 28 - bytes[64];
    bytes.into()
}

#[test]
fn a_signature_has_one_encoding() {
    let scene = Scene::new();
    for site in SITES {
        let good = scene.w.a.sign_hash(scene.right(site));
        let with_v = |v: u8| Bytes::from([&good[..64], &[v]].concat());
        scene.refuses(site, mirrored(&good), "high s");
        let other_v = 27 + 28 - good[64];
        for v in [0, 1, 2, 26, 29, 30, 255, good[64] - 27, other_v] {
            scene.refuses(site, with_v(v), &format!("v {v}"));
        }
        let mut compact = good[..64].to_vec();
        compact[32] |= (good[64] - 27) << 7;
        scene.refuses(site, compact.into(), "64 bytes");
        scene.refuses(site, good[..64].to_vec().into(), "64 bytes without v");
        scene.refuses(site, [good.as_ref(), &[0]].concat().into(), "66 bytes");
        scene.refuses(site, Bytes::new(), "empty");
        scene.refuses(site, vec![0; 65].into(), "zeros");
        scene.refuses(site, [&[0; 64][..], &[27]].concat().into(), "zeros with v");
        scene.refuses(site, vec![0xff; 65].into(), "ones");
    }
}

#[test]
fn no_flipped_bit_passes() {
    let scene = Scene::new();
    for site in SITES {
        let good = scene.w.a.sign_hash(scene.right(site));
        for bit in 0..good.len() * 8 {
            let mut flipped = good.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            scene.refuses(site, flipped.into(), &format!("bit {bit}"));
        }
    }
}
