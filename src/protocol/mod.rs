//! What two peers and the Judge must agree on to the byte: amounts, ids, signed structs, locks, messages.
//!
//! Nothing here does I/O, reads a clock or draws randomness; the same code runs in the tab, in the relay
//! and in every test.

mod amount;
mod announcement;
pub(crate) mod cbor;
mod channel_key;
mod direction;
mod eip712;
mod ids;
mod judge;
mod lock;
mod lock_index;
mod lock_tree;
mod message;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod money_tests;
mod op;
mod proof;
mod request;
mod route;
mod seal;
mod signing;
#[cfg(all(test, not(target_arch = "wasm32")))]
pub(crate) mod vectors;

pub use amount::{Amount, AmountError};
pub use announcement::{
    Announcement, AnnouncementBody, AnnouncementError, CapacityHint, MAX_ANNOUNCED_CHANNELS, MAX_ANNOUNCED_TOKENS,
    MAX_ANNOUNCEMENT_BYTES, MAX_ANNOUNCEMENT_LIFE, TokenFee,
};
pub use channel_key::{ChannelKey, ChannelKeyError, Side};
pub use direction::{Direction, OpError};
pub use eip712::{Domain, sol_types};
pub use ids::{ChannelId, Nonce, NonceError, PaymentId, Timestamp};
pub use judge::{ChainEvent, Claim, Head, JudgeCall, JudgeEvent, LogPosition};
pub use lock::{Lock, LockId, Secret, SecretHash};
pub use lock_tree::{LockTree, LockTreeError};
pub(crate) use message::encode;
pub use message::{
    CloseAccept, CloseRequest, DecodeError, Hello, LockRefusal, MAX_MESSAGE_BYTES, MAX_SHOWN_LOCKS, Message,
    PROTOCOL_VERSION, Refusal, RefusalCode, RequestKind, RequestRefusal, Resume, ShownLock, Update, WithdrawAccept,
    WithdrawRequest,
};
pub use op::{MAX_MEMO_BYTES, MAX_OPS, Memo, MemoError, Op};
pub use proof::{BalanceProof, Grant, SignedProof};
pub use request::{
    Delegation, MAX_RELAY_URL_BYTES, MAX_REQUEST_BYTES, MAX_REQUEST_LIFE, MAX_ROUTE_HINTS, PaymentRequest, Receipt,
    RequestError, RouteHint,
};
pub use route::{Delivery, FeeSchedule, Hop, MAX_ROUTE_BYTES, Route, RouteError, part_secret};
pub use seal::{MAX_FRAME_BYTES, SEAL_NONCE_BYTES, SEAL_OVERHEAD_BYTES, SEAL_VERSION, Seal, SealError, Sealer};
pub use signing::{KeyError, PublicKey, SessionKey, Signature, SignatureError};

pub use alloy::primitives::{Address, B256};
