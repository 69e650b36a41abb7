//! Asking the wallet for a grant: its word that a session key acts for it.

use alloy::primitives::{Address, U256, hex};
use alloy::sol_types::Eip712Domain;
use serde_json::json;

use super::transaction::check_chain;
use super::{Provider, TransactionError, typed_data};
use crate::protocol::{Domain, Grant, Signature, Timestamp};

/// Asks the wallet to sign that `session_key` acts for it until `valid_until`, in unix seconds. One prompt, no gas.
///
/// # Errors
/// What the wallet answered, or [`TransactionError::WrongSigner`] when the signature is not by `wallet`'s key: a partner
/// checks grants by recovery, so a wallet that is a contract must delegate on-chain instead.
pub async fn request_grant<P: Provider>(
    provider: &P,
    domain: &Domain,
    wallet: Address,
    session_key: Address,
    valid_until: Timestamp,
) -> Result<Grant, TransactionError> {
    check_chain(provider, domain.chain_id()).await?;
    let mut grant = Grant { wallet, session_key, valid_until, signature: Signature([0; 65]) };
    let fields = json!({
        "wallet": hex::encode_prefixed(wallet),
        "sessionKey": hex::encode_prefixed(session_key),
        "validUntil": valid_until.to_string(),
    });
    grant.signature = typed_data::sign(provider, wallet, &judge_domain(domain), &grant.to_sol(), fields).await?;
    grant.verify(domain).map_err(|_| TransactionError::WrongSigner)?;
    Ok(grant)
}

fn judge_domain(domain: &Domain) -> Eip712Domain {
    let (chain, judge) = (U256::from(domain.chain_id()), domain.judge());
    Eip712Domain::new(Some("Judge".into()), Some("1".into()), Some(chain), Some(judge), None)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use alloy::sol_types::SolStruct;

    #[test]
    fn the_wallet_is_shown_exactly_what_the_judge_checks() {
        let domain = Domain::new(31337, Address::repeat_byte(0x1d));
        let delegate = crate::protocol::sol_types::Delegate {
            wallet: Address::repeat_byte(0xaa),
            sessionKey: Address::repeat_byte(0xbb),
            validUntil: u64::MAX,
        };
        assert_eq!(delegate.eip712_signing_hash(&judge_domain(&domain)), domain.digest(&delegate));
        let shown = typed_data::typed_data::<crate::protocol::sol_types::Delegate>(&judge_domain(&domain), json!({}));
        assert_eq!(
            shown,
            json!({
                "types": {
                    "EIP712Domain": [
                        { "name": "name", "type": "string" }, { "name": "version", "type": "string" },
                        { "name": "chainId", "type": "uint256" }, { "name": "verifyingContract", "type": "address" },
                    ],
                    "Delegate": [
                        { "name": "wallet", "type": "address" }, { "name": "sessionKey", "type": "address" },
                        { "name": "validUntil", "type": "uint64" },
                    ],
                },
                "primaryType": "Delegate",
                "domain": {
                    "name": "Judge", "version": "1", "chainId": "31337",
                    "verifyingContract": "0x1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d",
                },
                "message": {},
            })
        );
    }
}
