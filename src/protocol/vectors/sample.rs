//! The people, the channel and the statements that the vectors are about.

use alloy::primitives::{Address, B256, address, keccak256};

use crate::protocol::{
    Amount, Announcement, AnnouncementBody, BalanceProof, CapacityHint, ChannelKey, Delegation, Delivery, Domain,
    FeeSchedule, Grant, Hop, Lock, LockId, MAX_MEMO_BYTES, MAX_RELAY_URL_BYTES, MAX_ROUTE_HINTS, Memo, Nonce, Op,
    PaymentId, PaymentRequest, Receipt, Route, RouteHint, Secret, SessionKey, Signature, SignedProof, Timestamp,
    TokenFee, sol_types,
};

/// Where `tests/judge` deploys its Judge and its token, so that the bytecode itself can be asked.
pub(crate) const JUDGE: Address = address!("0x1240fa2a84dd9157a0e76b5cfe98b1d52268b264");
pub(crate) const TOKEN: Address = address!("0xff2bd636b9fc89645c2d336aeade2e4abafe1ea5");
pub(crate) const CHAIN_ID: u64 = 31_337;

/// The deadline of what is agreed; the Judge's tests begin before it.
pub(crate) const DEADLINE: Timestamp = 1_900_000_000;
/// When the first lock expires.
pub(super) const EXPIRY: Timestamp = 1_900_000_000;
/// When session keys run out.
pub(super) const VALID_UNTIL: Timestamp = 2_000_000_000;

pub(crate) fn domain() -> Domain {
    Domain::new(CHAIN_ID, JUDGE)
}

fn key(byte: u8) -> SessionKey {
    SessionKey::from_bytes(&[byte; 32]).unwrap()
}

/// The two wallets in the order of the channel's key.
fn wallets() -> (SessionKey, SessionKey) {
    let (one, other) = (key(0x11), key(0x22));
    if one.public_key().address() < other.public_key().address() { (one, other) } else { (other, one) }
}

pub(crate) fn wallet_a() -> SessionKey {
    wallets().0
}

pub(crate) fn wallet_b() -> SessionKey {
    wallets().1
}

pub(crate) fn session_a() -> SessionKey {
    key(0xaa)
}

pub(crate) fn session_b() -> SessionKey {
    key(0xbb)
}

/// All keys by name.
pub(crate) fn keys() -> [(&'static str, SessionKey); 4] {
    [("walletA", wallet_a()), ("walletB", wallet_b()), ("sessionA", session_a()), ("sessionB", session_b())]
}

/// A channel of the two wallets.
pub(super) fn channel(token: Address, salt: u64) -> ChannelKey {
    ChannelKey::new(token, wallet_a().public_key().address(), wallet_b().public_key().address(), salt).unwrap()
}

/// The channel that every statement is about.
pub(crate) fn the_channel() -> ChannelKey {
    channel(TOKEN, 0x0123_4567_89ab_cdef)
}

/// The secret of a lock is its number as 32 bytes.
pub(crate) fn secret(id: LockId) -> Secret {
    let mut bytes = [0; 32];
    bytes[24..].copy_from_slice(&id.to_be_bytes());
    Secret(bytes)
}

/// The lock with this number.
pub(crate) fn lock(id: LockId) -> Lock {
    Lock { id, amount: Amount::from((id + 1) * 1_000), expiry: EXPIRY + id, secret_hash: secret(id).hash() }
}

/// The wallets' grants for their session keys.
pub(crate) fn grants() -> [Grant; 2] {
    [(wallet_a(), session_a()), (wallet_b(), session_b())].map(|(wallet, session)| {
        let mut grant = Grant {
            wallet: wallet.public_key().address(),
            session_key: session.public_key().address(),
            valid_until: VALID_UNTIL,
            signature: Signature([0; 65]),
        };
        grant.signature = wallet.sign(domain().digest(&grant.to_sol())).unwrap();
        grant
    })
}

/// What the first wallet announces, and that it goes away.
pub(crate) fn announcements() -> [Announcement; 2] {
    let fee = FeeSchedule { flat: Amount::new(3), proportional: 1_000 };
    let body = AnnouncementBody {
        wallet: the_channel().a,
        reachable: true,
        issued: DEADLINE,
        expiry: DEADLINE + 600,
        fees: vec![TokenFee { token: Address::ZERO, fee: FeeSchedule::default() }, TokenFee { token: TOKEN, fee }],
        channels: vec![CapacityHint { channel: the_channel().id(), capacity: Amount::MAX }],
    };
    let gone = AnnouncementBody { reachable: false, fees: Vec::new(), channels: Vec::new(), ..body.clone() };
    [(body, Some(grants()[0])), (gone, None)].map(|(body, grant)| {
        let signature = session_a().sign(body.digest(&domain())).unwrap();
        Announcement { body, signer: session_a().public_key(), grant, signature }
    })
}

/// An ordinary, the least and the greatest proof of side a.
pub(super) fn proofs() -> [(&'static str, BalanceProof); 3] {
    let (channel, sender) = (the_channel().id(), the_channel().a);
    let least = BalanceProof {
        channel,
        sender,
        nonce: Nonce::new(1).unwrap(),
        transferred: Amount::ZERO,
        locked: Amount::ZERO,
        last_expiry: 0,
        locks_root: B256::ZERO,
        context: B256::ZERO,
    };
    let greatest = BalanceProof {
        nonce: Nonce::MAX,
        transferred: Amount::MAX,
        locked: Amount::MAX,
        last_expiry: Nonce::MAX.get(),
        locks_root: B256::repeat_byte(0xff),
        context: B256::repeat_byte(0xff),
        ..least
    };
    [("ordinary", proof()), ("least", least), ("greatest", greatest)]
}

/// The ordinary proof.
pub(crate) fn proof() -> BalanceProof {
    BalanceProof {
        channel: the_channel().id(),
        sender: the_channel().a,
        nonce: Nonce::new(7).unwrap(),
        transferred: Amount::from(1_234_567),
        locked: Amount::from(5_000),
        last_expiry: EXPIRY,
        locks_root: keccak256("a root"),
        context: Op::context(&ops()),
    }
}

/// Signs a proof of side a.
pub(crate) fn signed(proof: BalanceProof) -> SignedProof {
    let session = session_a();
    SignedProof { proof, signature: session.sign(proof.digest(&domain())).unwrap(), signer: session.public_key() }
}

/// An agreed ending, signed by side b.
pub(crate) fn close_terms(deadline: Timestamp) -> (Amount, Amount, Signature) {
    let (a, b) = (Amount::from(400_000), Amount::from(600_000));
    let terms =
        sol_types::CooperativeClose { channelId: the_channel().id().0, balanceA: a.get(), balanceB: b.get(), deadline };
    (a, b, session_b().sign(domain().digest(&terms)).unwrap())
}

/// What a lock tells its receiver: a delivery, sealed under fixed keys and a fixed nonce.
pub(crate) fn route() -> Route {
    let hop = Hop::Deliver(Delivery {
        payment: PaymentId([7; 16]),
        total: Amount::from(9),
        amount: Amount::from(4),
        part: 1,
        share: Some([8; 32]),
        reply_to: session_a().public_key(),
        from: Address::repeat_byte(1),
        memo: Some(Memo::new("tea").unwrap()),
        request: None,
    });
    Route::seal(&hop, session_b().public_key(), &session_a(), [9; 24]).unwrap()
}

/// One operation of each kind.
pub(crate) fn ops() -> Vec<Op> {
    let payment = |byte| PaymentId([byte; 16]);
    vec![
        Op::Pay { payment: payment(1), amount: Amount::from(1), memo: None },
        Op::Pay { payment: payment(2), amount: Amount::from(u64::MAX), memo: Some(Memo::new("coffee ☕").unwrap()) },
        Op::Lock { lock: lock(3), route: route() },
        Op::Unlock { lock: 3, secret: secret(3) },
        Op::Expire { lock: 4 },
        Op::Cancel { lock: u64::MAX },
    ]
}

/// Side b asks for a price, reachable over two channels.
pub(crate) fn request() -> PaymentRequest {
    let hint = |salt, from, to| RouteHint {
        channel: channel(TOKEN, salt).id(),
        from,
        to,
        fee: FeeSchedule { flat: Amount::from(3), proportional: 1_000 },
        capacity: Amount::from(1_000_000),
    };
    let (mediator, payee) = (Address::repeat_byte(1), the_channel().b);
    let delegation = Delegation { valid_until: VALID_UNTIL, signature: grants()[1].signature };
    sign_request(PaymentRequest {
        reference: [7; 16],
        chain_id: CHAIN_ID,
        judge: JUDGE,
        payee,
        signer: session_b().public_key(),
        token: TOKEN,
        amount: Some(Amount::from(1_250_000)),
        issued: DEADLINE - 3_600,
        expiry: DEADLINE,
        memo: Some(Memo::new("two coffees ☕").unwrap()),
        relay: Some("wss://relay.example/v1".into()),
        hints: vec![hint(1, the_channel().a, mediator), hint(2, mediator, payee)],
        delegation: Some(delegation),
        signature: Signature([0; 65]),
    })
}

/// Side b asks for whatever the payer gives, and leaves out what it may.
pub(super) fn open_request() -> PaymentRequest {
    sign_request(PaymentRequest {
        token: Address::ZERO,
        amount: None,
        issued: 0,
        expiry: 1,
        memo: None,
        relay: None,
        hints: vec![],
        delegation: None,
        ..request()
    })
}

/// Side b asks for everything, in as many words as there may be.
pub(crate) fn largest_request() -> PaymentRequest {
    let fee = FeeSchedule { flat: Amount::MAX, proportional: u32::MAX };
    let hint = RouteHint { fee, capacity: Amount::MAX, ..request().hints[0] };
    sign_request(PaymentRequest {
        amount: Some(Amount::MAX),
        issued: u64::MAX - 1,
        expiry: u64::MAX,
        memo: Some(Memo::new("m".repeat(MAX_MEMO_BYTES)).unwrap()),
        relay: Some("r".repeat(MAX_RELAY_URL_BYTES)),
        hints: vec![hint; MAX_ROUTE_HINTS],
        ..request()
    })
}

fn sign_request(mut request: PaymentRequest) -> PaymentRequest {
    request.signature = session_b().sign(request.id()).unwrap();
    request
}

/// Side b's word that side a paid the request.
pub(crate) fn receipt() -> Receipt {
    let mut receipt = Receipt {
        request: request().id(),
        payment: PaymentId([9; 16]),
        payer: the_channel().a,
        payee: the_channel().b,
        token: TOKEN,
        amount: Amount::from(1_250_000),
        at: DEADLINE - 1,
        signature: Signature([0; 65]),
    };
    receipt.signature = session_b().sign(receipt.digest(&domain())).unwrap();
    receipt
}
