//! EIP-2612 permits: an approval that is a signature, carried by the deposit itself.

use alloy::primitives::{Address, B256, Bytes, U256, b256, hex};
use alloy::sol_types::{Eip712Domain, SolCall};
use serde_json::json;

use super::bindings::{Judge, Token};
use super::call::{Funding, TransactionPlan};
use super::rpc::{self, BlockAt};
use super::transaction::{check_chain, simulate};
use super::{ChainConfig, Provider, Stage, TransactionError, typed_data};

mod sol {
    alloy::sol! {
        #[derive(Debug, PartialEq, Eq)]
        struct Permit { address owner; address spender; uint256 value; uint256 nonce; uint256 deadline; }
    }
}

/// The hash of EIP-2612's type. Tokens whose `permit` is another (DAI's) publish another.
const PERMIT_TYPEHASH: B256 = b256!("0x6e71edae12b1b97f4d1f60370fef10105fa2faae0126114a169c64845d6126c9");
/// How long a permit can be used, in seconds: time enough to find the hardware wallet.
const VALIDITY: u64 = 3_600;

/// Asks the wallet for a permit of exactly the deposit; `None` when the token or the wallet does not do that.
pub(super) async fn request<P: Provider>(
    provider: &P,
    config: &ChainConfig,
    funding: Funding,
    progress: &mut impl FnMut(Stage),
) -> Result<Option<Judge::Permit>, TransactionError> {
    let Some((domain, nonce)) = discover(provider, config, funding.token).await else { return Ok(None) };
    let now = rpc::latest(provider).await?.timestamp;
    let message = sol::Permit {
        owner: config.wallet,
        spender: config.judge,
        value: U256::from(funding.amount),
        nonce,
        deadline: U256::from(now.saturating_add(VALIDITY)),
    };
    let fields = json!({
        "owner": hex::encode_prefixed(message.owner),
        "spender": hex::encode_prefixed(message.spender),
        "value": message.value.to_string(),
        "nonce": message.nonce.to_string(),
        "deadline": message.deadline.to_string(),
    });
    check_chain(provider, config.chain_id).await?;
    progress(Stage::Permit);
    let signature = match typed_data::sign(provider, config.wallet, &domain, &message, fields).await {
        Ok(signature) => signature,
        Err(
            error @ (TransactionError::UserRejected | TransactionError::Unauthorized | TransactionError::Disconnected),
        ) => return Err(error),
        // Contract wallets and some hardware cannot sign it; a plain approval always works.
        Err(_) => return Ok(None),
    };
    let (r, rest) = signature.0.split_at(32);
    let (s, v) = rest.split_at(32);
    let (r, s, v) = (B256::from_slice(r), B256::from_slice(s), v.first().copied().unwrap_or_default());
    let sol::Permit { owner, spender, value, deadline, .. } = message;
    // The Judge passes over a failing permit, and its refusal would only say that the allowance is missing.
    let call = Token::permitCall { owner, spender, value, deadline, v, r, s };
    let plan = TransactionPlan { to: funding.token, data: call.abi_encode().into(), value: U256::ZERO };
    if simulate(provider, config.wallet, &plan).await.is_err() {
        return Ok(None);
    }
    Ok(Some(Judge::Permit { value, deadline, v, r, s }))
}

/// The token's EIP-712 domain and the wallet's next permit nonce, if it has EIP-2612 permits.
async fn discover<P: Provider>(provider: &P, config: &ChainConfig, token: Address) -> Option<(Eip712Domain, U256)> {
    let reader = Reader { provider, token };
    let nonce = reader.ask(Token::noncesCall { owner: config.wallet }.abi_encode()).await;
    let nonce = returned::<Token::noncesCall>(nonce)?;
    let separator = reader.ask(Token::DOMAIN_SEPARATORCall {}.abi_encode()).await;
    let separator = returned::<Token::DOMAIN_SEPARATORCall>(separator)?;
    let hash = reader.ask(Token::PERMIT_TYPEHASHCall {}.abi_encode()).await;
    if returned::<Token::PERMIT_TYPEHASHCall>(hash).is_some_and(|hash| hash != PERMIT_TYPEHASH) {
        return None;
    }
    let declared = reader.declared_domain().await;
    // A token that declares another contract's domain would have the person sign a permit of that contract.
    let own = |domain: &Eip712Domain| {
        domain.chain_id == Some(U256::from(config.chain_id)) && domain.verifying_contract == Some(token)
    };
    if let Some(domain) = declared.filter(|domain| own(domain) && domain.separator() == separator) {
        return Some((domain, nonce));
    }
    let name = returned::<Token::nameCall>(reader.ask(Token::nameCall {}.abi_encode()).await)?;
    let version = returned::<Token::versionCall>(reader.ask(Token::versionCall {}.abi_encode()).await);
    let domain = |version: String| {
        let chain = Some(U256::from(config.chain_id));
        Eip712Domain::new(Some(name.clone().into()), Some(version.into()), chain, Some(token), None)
    };
    let guesses = version.into_iter().chain(["1".to_owned()]).map(domain);
    guesses.into_iter().find(|domain| domain.separator() == separator).map(|domain| (domain, nonce))
}

fn returned<C: SolCall>(answer: Option<Bytes>) -> Option<C::Return> {
    rpc::returned::<C>(&answer?).ok()
}

struct Reader<'a, P> {
    provider: &'a P,
    token: Address,
}

impl<P: Provider> Reader<'_, P> {
    /// The same for every function, so that one future serves all; [`returned`] reads the answer.
    async fn ask(&self, call: Vec<u8>) -> Option<Bytes> {
        rpc::call_bytes(self.provider, self.token, call, BlockAt::Latest).await.ok()
    }

    /// The domain that the token declares (EIP-5267).
    async fn declared_domain(&self) -> Option<Eip712Domain> {
        let declared = returned::<Token::eip712DomainCall>(self.ask(Token::eip712DomainCall {}.abi_encode()).await)?;
        if !declared.extensions.is_empty() {
            return None;
        }
        let [fields] = declared.fields.0;
        let has = |bit: u8| fields & (1 << bit) != 0;
        Some(Eip712Domain::new(
            has(0).then(|| declared.name.into()),
            has(1).then(|| declared.version.into()),
            has(2).then_some(declared.chainId),
            has(3).then_some(declared.verifyingContract),
            has(4).then_some(declared.salt),
        ))
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use alloy::sol_types::SolStruct;

    #[test]
    fn the_type_is_that_of_the_standard() {
        let permit = sol::Permit {
            owner: Address::ZERO,
            spender: Address::ZERO,
            value: U256::ZERO,
            nonce: U256::ZERO,
            deadline: U256::ZERO,
        };
        assert_eq!(permit.eip712_type_hash(), PERMIT_TYPEHASH);
    }
}
