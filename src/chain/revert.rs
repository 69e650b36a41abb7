//! Finds and names the reason why a call reverted.
//!
//! Wallets and endpoints wrap a revert's data in their own ways: as `data`, inside `data.data`,
//! `data.originalError.data`, `data.cause.data`, or in the words of the message.

use alloy::primitives::{Address, B256, Bytes, U256, hex};
use alloy::sol_types::{Panic, Revert as RevertString, SolError};
use serde_json::Value;

use super::RpcError;
use super::bindings::{Judge, Token};

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
    if let Some(revert) = read_known(data) {
        return revert;
    }
    if let Ok(RevertString { reason }) = RevertString::abi_decode_validate(data) {
        return Revert { name: "Error".into(), arguments: vec![("message", reason)] };
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

/// An error whose arguments are one word each.
struct Known {
    selector: [u8; 4],
    /// Name and kinds: `StaleNonce(uint48,uint48)`.
    signature: &'static str,
    /// The arguments' names.
    arguments: &'static [&'static str],
}

const fn known<E: SolError>(arguments: &'static [&'static str]) -> Known {
    Known { selector: E::SELECTOR, signature: E::SIGNATURE, arguments }
}

/// A table, because generated decoders of all errors would be a hundredth of the download.
static KNOWN: [Known; 33] = [
    known::<Judge::BadAmount>(&[]),
    known::<Judge::BadKey>(&[]),
    known::<Judge::NotParticipant>(&[]),
    known::<Judge::ChannelExists>(&[]),
    known::<Judge::NotOpen>(&[]),
    known::<Judge::NotClosing>(&[]),
    known::<Judge::ChallengeOver>(&[]),
    known::<Judge::InChallenge>(&[]),
    known::<Judge::StaleNonce>(&["have", "got"]),
    known::<Judge::BadSignature>(&["expected"]),
    known::<Judge::DeadlineExpired>(&[]),
    known::<Judge::Conservation>(&[]),
    known::<Judge::BadLock>(&["lockId"]),
    known::<Judge::AlreadyClaimed>(&["lockId"]),
    known::<Judge::SecretNotRevealed>(&["secretHash"]),
    known::<Judge::TooEarly>(&[]),
    known::<Judge::NothingToDo>(&[]),
    known::<Judge::TokenTransfer>(&[]),
    known::<Judge::LowGas>(&[]),
    known::<Judge::BadSession>(&[]),
    known::<Judge::AddressEmptyCode>(&["target"]),
    known::<Judge::FailedCall>(&[]),
    known::<Judge::ReentrancyGuardReentrantCall>(&[]),
    known::<Judge::SafeERC20FailedOperation>(&["token"]),
    known::<Token::ERC20InsufficientBalance>(&["sender", "balance", "needed"]),
    known::<Token::ERC20InsufficientAllowance>(&["spender", "allowance", "needed"]),
    known::<Token::ERC20InvalidApprover>(&["approver"]),
    known::<Token::ERC20InvalidReceiver>(&["receiver"]),
    known::<Token::ERC20InvalidSender>(&["sender"]),
    known::<Token::ERC20InvalidSpender>(&["spender"]),
    known::<Token::ERC2612ExpiredSignature>(&["deadline"]),
    known::<Token::ERC2612InvalidSigner>(&["signer", "owner"]),
    known::<Panic>(&["code"]),
];

/// Reads an error of the table; `None` when it is none, or not in the form in which the contract's encoder writes it.
fn read_known(data: &[u8]) -> Option<Revert> {
    let (selector, words) = data.split_first_chunk()?;
    let known = KNOWN.iter().find(|known| known.selector == *selector)?;
    let (name, kinds) = known.signature.strip_suffix(')')?.split_once('(')?;
    let (words, []) = words.as_chunks() else { return None };
    if words.len() != known.arguments.len() {
        return None;
    }
    let values = words.iter().zip(kinds.split(',')).map(|(word, kind)| show(kind, B256::from(*word)));
    let arguments = known.arguments.iter().zip(values).map(|(name, value)| Some((*name, value?)));
    Some(Revert { name: name.into(), arguments: arguments.collect::<Option<_>>()? })
}

/// A word of this kind as text; `None` when it is out of the kind's range.
fn show(kind: &str, word: B256) -> Option<String> {
    let number = U256::from_be_bytes(word.0);
    match kind {
        "bytes32" => Some(word.to_string()),
        "address" => (number.bit_len() <= 160).then(|| Address::from_word(word).to_string()),
        _ => {
            let bits = kind.strip_prefix("uint")?.parse().ok()?;
            (number.bit_len() <= bits).then(|| number.to_string())
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

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use alloy::primitives::aliases::U48;
    use alloy::sol_types::SolInterface;

    #[test]
    fn every_declared_error_is_in_the_table_with_a_name_for_each_argument() {
        let declared = Judge::JudgeErrors::selectors().chain(Token::TokenErrors::selectors());
        for selector in declared {
            assert_eq!(KNOWN.iter().filter(|known| known.selector == selector).count(), 1, "{selector:02x?}");
        }
        for Known { signature, arguments, .. } in &KNOWN {
            let (_, kinds) = signature.strip_suffix(')').unwrap().split_once('(').unwrap();
            let kinds: Vec<_> = kinds.split(',').filter(|kind| !kind.is_empty()).collect();
            assert_eq!(kinds.len(), arguments.len(), "{signature}");
            assert!(kinds.iter().all(|kind| show(kind, B256::ZERO).is_some()), "{signature}");
        }
    }

    #[test]
    fn arguments_are_shown_by_their_kind() {
        let address = Address::repeat_byte(0xab);
        for (data, shown) in [
            (
                Judge::StaleNonce { have: U48::MAX, got: U48::ZERO }.abi_encode(),
                "StaleNonce(have: 281474976710655, got: 0)",
            ),
            (Judge::BadSignature { expected: address }.abi_encode(), &format!("BadSignature(expected: {address})")),
            (
                Judge::SecretNotRevealed { secretHash: B256::repeat_byte(7) }.abi_encode(),
                &format!("SecretNotRevealed(secretHash: 0x{})", "07".repeat(32)),
            ),
            (Judge::BadAmount {}.abi_encode(), "BadAmount"),
        ] {
            assert_eq!(decode(&data).to_string(), shown);
        }
    }

    #[test]
    fn what_no_encoder_writes_is_not_read() {
        let stale = Judge::StaleNonce { have: U48::MAX, got: U48::ZERO }.abi_encode();
        let mut out_of_range = stale.clone();
        out_of_range[4] = 1;
        let mut address = Judge::BadSignature { expected: Address::ZERO }.abi_encode();
        address[15] = 1;
        for data in [&stale[..36], &stale[..67], &[stale.as_slice(), &[0; 32]].concat(), &out_of_range, &address] {
            assert_eq!(decode(data).name, "Unknown");
        }
    }
}
