//! Payments over locks as their payer stores them, and as payer and payee list them.

use crate::protocol::cbor::{Decode, Encode};
use crate::protocol::{Address, Amount, B256, LockRefusal, Memo, Nonce, PaymentId, PublicKey, Timestamp};

use super::records::ReceivedRecord;
use super::{Flow, PaymentStatus, PaymentView};

impl ReceivedRecord {
    /// The payment as the application sees it.
    pub(crate) fn view(&self) -> PaymentView {
        PaymentView {
            id: self.payment,
            channel: None,
            partner: self.from,
            token: self.token,
            flow: Flow::Received,
            amount: self.amount,
            fee: Amount::ZERO,
            request: self.request,
            memo: self.memo.as_ref().map(|memo| memo.as_str().to_owned()),
            status: PaymentStatus::Settled,
            nonce: Nonce::ZERO,
            at: self.at,
        }
    }
}

/// A payment over locks that began here. It is stored in the step of its first lock.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct SentRecord {
    #[n(0)]
    pub(crate) payment: PaymentId,
    /// The payee's wallet.
    #[n(1)]
    #[cbor(with = "crate::protocol::cbor::fixed")]
    pub(crate) to: Address,
    #[n(2)]
    #[cbor(with = "crate::protocol::cbor::fixed")]
    pub(crate) token: Address,
    #[n(3)]
    pub(crate) amount: Amount,
    #[n(4)]
    pub(crate) memo: Option<Memo>,
    /// The hash of the request that it pays, if it pays one.
    #[n(5)]
    #[cbor(with = "crate::protocol::cbor::optional")]
    pub(crate) request: Option<B256>,
    /// The payee's session key.
    #[n(6)]
    pub(crate) target: PublicKey,
    #[n(7)]
    pub(crate) at: Timestamp,
    /// How it ended; absent while a lock of it may be pending.
    #[n(8)]
    pub(crate) end: Option<SentEnd>,
}

/// How a payment over locks ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct SentEnd {
    /// What the payee took; nothing when it failed.
    #[n(0)]
    pub(crate) paid: Amount,
    /// What mediators got.
    #[n(1)]
    pub(crate) fee: Amount,
    /// Why the last part that failed did.
    #[n(2)]
    pub(crate) reason: Option<LockRefusal>,
}

impl SentRecord {
    /// The payment as the application sees it.
    pub(crate) fn view(&self) -> PaymentView {
        let (status, amount, fee) = match self.end {
            None => (PaymentStatus::Sent, self.amount, Amount::ZERO),
            Some(SentEnd { paid, reason, .. }) if paid.is_zero() => {
                let code = reason.map_or("PAYMENT_FAILED", LockRefusal::code);
                (PaymentStatus::Failed(code.into()), self.amount, Amount::ZERO)
            }
            Some(SentEnd { paid, fee, .. }) => (PaymentStatus::Settled, paid, fee),
        };
        PaymentView {
            id: self.payment,
            channel: None,
            partner: self.to,
            token: self.token,
            flow: Flow::Sent,
            amount,
            fee,
            request: self.request,
            memo: self.memo.as_ref().map(|memo| memo.as_str().to_owned()),
            status,
            nonce: Nonce::ZERO,
            at: self.at,
        }
    }
}
