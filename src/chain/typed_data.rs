//! EIP-712 signatures by the wallet: the JSON that wallets show, and the check of what they return.

use alloy::primitives::{Address, B256, hex};
use alloy::sol_types::{Eip712Domain, SolStruct};
use serde_json::{Map, Value, json};

use super::{Provider, TransactionError, rpc};
use crate::protocol::Signature;

/// Asks the wallet to sign `message` in `domain`, and checks that it was the wallet's own key that signed.
///
/// `fields` are the message's values as JSON; the types are taken from the struct itself.
///
/// # Errors
/// What the wallet answered, or [`TransactionError::WrongSigner`] when the signature is not by `wallet`'s key.
pub(super) async fn sign<P: Provider, T: SolStruct>(
    provider: &P,
    wallet: Address,
    domain: &Eip712Domain,
    message: &T,
    fields: Value,
) -> Result<Signature, TransactionError> {
    let method = "eth_signTypedData_v4";
    let text = typed_data::<T>(domain, fields).to_string();
    let answer = provider.request(method, json!([hex::encode_prefixed(wallet), text])).await?;
    let bytes = rpc::bytes(&answer).ok_or(TransactionError::BadAnswer { method })?;
    // Wallets that are contracts answer signatures of other lengths, which only an ERC-1271 check could read.
    let signature = normalize(&bytes).ok_or(TransactionError::WrongSigner)?;
    match signature.recover(message.eip712_signing_hash(domain)) {
        Ok(signer) if signer == wallet => Ok(signature),
        _ => Err(TransactionError::WrongSigner),
    }
}

/// The JSON of EIP-712 typed data. Numbers are texts, because JavaScript would round large ones.
pub(super) fn typed_data<T: SolStruct>(domain: &Eip712Domain, fields: Value) -> Value {
    let mut values = Map::new();
    let mut types = Vec::new();
    let mut field = |name: &str, kind: &str, value: Option<Value>| {
        if let Some(value) = value {
            values.insert(name.into(), value);
            types.push(json!({ "name": name, "type": kind }));
        }
    };
    field("name", "string", domain.name.as_ref().map(|name| json!(name)));
    field("version", "string", domain.version.as_ref().map(|version| json!(version)));
    field("chainId", "uint256", domain.chain_id.map(|id| json!(id.to_string())));
    let contract = domain.verifying_contract.map(|contract| json!(hex::encode_prefixed(contract)));
    field("verifyingContract", "address", contract);
    field("salt", "bytes32", domain.salt.map(|salt: B256| json!(salt.to_string())));
    json!({
        "types": { "EIP712Domain": types, T::NAME: members::<T>() },
        "primaryType": T::NAME,
        "domain": values,
        "message": fields,
    })
}

/// A flat struct's members, read from its EIP-712 type, `Name(type name,type name)`.
fn members<T: SolStruct>() -> Vec<Value> {
    let encoded = T::eip712_encode_type();
    let list = encoded.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or_default();
    let members = list.split(',').filter_map(|member| member.split_once(' '));
    members.map(|(kind, name)| json!({ "name": name, "type": kind })).collect()
}

/// A signature in the one form that the Judge takes: wallets also write v as 0 or 1, and some hardware signs with high s.
fn normalize(bytes: &[u8]) -> Option<Signature> {
    let mut bytes: [u8; 65] = bytes.try_into().ok()?;
    let (scalars, v) = bytes.split_at_mut(64);
    let v = v.first_mut()?;
    let mut odd = match *v {
        0 | 27 => false,
        1 | 28 => true,
        _ => return None,
    };
    if let Some(low) = k256::ecdsa::Signature::from_slice(scalars).ok()?.normalize_s() {
        scalars.copy_from_slice(&low.to_bytes());
        odd = !odd;
    }
    *v = if odd { 28 } else { 27 };
    Some(Signature(bytes))
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use crate::protocol::SessionKey;
    use alloy::primitives::keccak256;

    #[test]
    fn every_form_of_a_signature_becomes_the_one_that_counts() {
        let key = SessionKey::from_bytes(&[3; 32]).unwrap();
        let good = key.sign(keccak256(b"x")).unwrap();
        let mut zero_based = good.0;
        zero_based[64] -= 27;
        let mut high = good.0;
        let low = k256::ecdsa::Signature::from_slice(&good.0[..64]).unwrap();
        high[32..64].copy_from_slice(&(-*low.s()).to_bytes());
        high[64] = if good.0[64] == 27 { 28 } else { 27 };
        for form in [good.0, zero_based, high] {
            assert_eq!(normalize(&form), Some(good));
        }
        assert_eq!(normalize(&good.0[..64]), None);
        assert_eq!(normalize(&[0xff; 65]), None);
        let mut odd_v = good.0;
        odd_v[64] = 37;
        assert_eq!(normalize(&odd_v), None);
    }
}
