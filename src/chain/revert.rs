//! Finds and names the reason why a call reverted.
//!
//! Wallets and endpoints wrap a revert's data in their own ways: as `data`, inside `data.data`,
//! `data.originalError.data`, `data.cause.data`, or in the words of the message.

use alloy::primitives::{Bytes, hex};
use alloy::sol_types::{Panic, Revert as RevertString, SolError, SolInterface};
use serde_json::Value;

use super::RpcError;
use super::bindings::Judge::{self, JudgeErrors};
use super::bindings::Token::{self, TokenErrors};

/// Why a contract refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revert {
    /// The error's name as the contract declares it, such as `StaleNonce`; `Error` for a plain text, `Panic` for a failed
    /// assertion, `Unknown` when nothing can be read.
    pub name: String,
    /// The error's arguments by name, numbers in decimal.
    pub arguments: Vec<(&'static str, String)>,
}

impl std::fmt::Display for Revert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)?;
        if self.arguments.is_empty() {
            return Ok(());
        }
        let list: Vec<_> = self.arguments.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        write!(f, "({})", list.join(", "))
    }
}

/// The reason in a provider's error, or `None` when the error is not about a revert.
pub(super) fn find(error: &RpcError) -> Option<Revert> {
    let data = error.data.as_ref().and_then(|data| data_in(data, 6)).or_else(|| data_in_words(&error.message));
    if let Some(data) = data {
        return Some(decode(&data));
    }
    let message = error.message.to_ascii_lowercase();
    if error.code != 3 && !message.contains("revert") {
        return None;
    }
    // Without data there may still be words: "execution reverted: reason".
    let reason =
        error.message.split_once("reverted: ").map(|(_, reason)| reason.trim()).filter(|text| !text.is_empty());
    Some(reason.map_or_else(unknown, |text| Revert { name: "Error".into(), arguments: vec![("message", text.into())] }))
}

/// Names the error in a revert's data.
pub(super) fn decode(data: &[u8]) -> Revert {
    if let Ok(error) = JudgeErrors::abi_decode_validate(data) {
        return judge_error(&error);
    }
    if let Ok(error) = TokenErrors::abi_decode_validate(data) {
        return token_error(&error);
    }
    if let Ok(RevertString { reason }) = RevertString::abi_decode_validate(data) {
        return Revert { name: "Error".into(), arguments: vec![("message", reason)] };
    }
    if let Ok(panic) = Panic::abi_decode_validate(data) {
        return Revert { name: "Panic".into(), arguments: vec![("code", panic.code.to_string())] };
    }
    match data.get(..4) {
        Some(selector) => {
            Revert { name: "Unknown".into(), arguments: vec![("selector", hex::encode_prefixed(selector))] }
        }
        None => unknown(),
    }
}

fn unknown() -> Revert {
    Revert { name: "Unknown".into(), arguments: Vec::new() }
}

fn named<E: SolError>(_: &E, arguments: Vec<(&'static str, String)>) -> Revert {
    let name = E::SIGNATURE.split('(').next().unwrap_or_default();
    Revert { name: name.into(), arguments }
}

fn judge_error(error: &JudgeErrors) -> Revert {
    use JudgeErrors as E;
    match error {
        E::BadAmount(e) => named(e, vec![]),
        E::BadKey(e) => named(e, vec![]),
        E::NotParticipant(e) => named(e, vec![]),
        E::ChannelExists(e) => named(e, vec![]),
        E::NotOpen(e) => named(e, vec![]),
        E::NotClosing(e) => named(e, vec![]),
        E::ChallengeOver(e) => named(e, vec![]),
        E::InChallenge(e) => named(e, vec![]),
        E::StaleNonce(e @ Judge::StaleNonce { have, got }) => {
            named(e, vec![("have", have.to_string()), ("got", got.to_string())])
        }
        E::BadSignature(e) => named(e, vec![("expected", e.expected.to_string())]),
        E::DeadlineExpired(e) => named(e, vec![]),
        E::Conservation(e) => named(e, vec![]),
        E::BadLock(e) => named(e, vec![("lockId", e.lockId.to_string())]),
        E::AlreadyClaimed(e) => named(e, vec![("lockId", e.lockId.to_string())]),
        E::SecretNotRevealed(e) => named(e, vec![("secretHash", e.secretHash.to_string())]),
        E::TooEarly(e) => named(e, vec![]),
        E::NothingToDo(e) => named(e, vec![]),
        E::TokenTransfer(e) => named(e, vec![]),
        E::LowGas(e) => named(e, vec![]),
        E::BadSession(e) => named(e, vec![]),
        E::AddressEmptyCode(e) => named(e, vec![("target", e.target.to_string())]),
        E::FailedCall(e) => named(e, vec![]),
        E::ReentrancyGuardReentrantCall(e) => named(e, vec![]),
        E::SafeERC20FailedOperation(e) => named(e, vec![("token", e.token.to_string())]),
    }
}

fn token_error(error: &TokenErrors) -> Revert {
    use TokenErrors as E;
    match error {
        E::ERC20InsufficientBalance(e @ Token::ERC20InsufficientBalance { sender, balance, needed }) => named(
            e,
            vec![("sender", sender.to_string()), ("balance", balance.to_string()), ("needed", needed.to_string())],
        ),
        E::ERC20InsufficientAllowance(e @ Token::ERC20InsufficientAllowance { spender, allowance, needed }) => named(
            e,
            vec![
                ("spender", spender.to_string()),
                ("allowance", allowance.to_string()),
                ("needed", needed.to_string()),
            ],
        ),
        E::ERC20InvalidApprover(e) => named(e, vec![("approver", e.approver.to_string())]),
        E::ERC20InvalidReceiver(e) => named(e, vec![("receiver", e.receiver.to_string())]),
        E::ERC20InvalidSender(e) => named(e, vec![("sender", e.sender.to_string())]),
        E::ERC20InvalidSpender(e) => named(e, vec![("spender", e.spender.to_string())]),
        E::ERC2612ExpiredSignature(e) => named(e, vec![("deadline", e.deadline.to_string())]),
        E::ERC2612InvalidSigner(e @ Token::ERC2612InvalidSigner { signer, owner }) => {
            named(e, vec![("signer", signer.to_string()), ("owner", owner.to_string())])
        }
    }
}

/// Whether bytes have the form of an ABI error: a selector and whole words. Tells it from addresses and hashes.
fn is_error(data: &[u8]) -> bool {
    data.len() >= 4 && (data.len() - 4).is_multiple_of(32)
}

fn data_in(value: &Value, depth: u8) -> Option<Bytes> {
    match value {
        // Parity's form puts the word "Reverted" before the hex.
        Value::String(text) => text
            .strip_prefix("Reverted ")
            .unwrap_or(text)
            .strip_prefix("0x")
            .and_then(|digits| hex::decode(digits).ok())
            .filter(|data| is_error(data))
            .map(Bytes::from)
            .or_else(|| data_in_words(text)),
        Value::Object(fields) if depth > 0 => ["data", "originalError", "cause", "error", "info", "result", "message"]
            .iter()
            .filter_map(|name| fields.get(*name))
            .find_map(|field| data_in(field, depth - 1)),
        _ => None,
    }
}

fn data_in_words(text: &str) -> Option<Bytes> {
    text.split("0x").skip(1).find_map(|rest| {
        let digits = rest.split(|c: char| !c.is_ascii_hexdigit()).next().unwrap_or_default();
        hex::decode(digits).ok().filter(|data| is_error(data)).map(Bytes::from)
    })
}
