//! Translates the engine's calls to the Judge into transactions.

use alloy::primitives::aliases::U48;
use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::SolCall;

use super::TransactionError;
use super::bindings::Judge;
use crate::protocol::{ChannelKey, Claim, Grant, JudgeCall, Signature, SignedProof};

/// A transaction as the wallet is asked to send it; gas, fees and nonce are the wallet's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionPlan {
    /// The contract.
    pub to: Address,
    /// The encoded call.
    pub data: Bytes,
    /// What goes along of the chain's own coin, in wei.
    pub value: U256,
}

/// What a call takes from the caller's wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Funding {
    /// The token; zero for the chain's own coin.
    pub token: Address,
    /// In base units, above zero.
    pub amount: u128,
}

/// Encodes a call as a transaction of `wallet`. Grants that the call brings are delegated first, in the same transaction.
///
/// # Errors
/// [`TransactionError::InvalidCall`] when the Judge could only refuse: another channel's proof, a stranger's call.
pub fn prepare(judge: Address, wallet: Address, call: &JudgeCall) -> Result<TransactionPlan, TransactionError> {
    let value = match funding(call) {
        Some(Funding { token, amount }) if token.is_zero() => U256::from(amount),
        _ => U256::ZERO,
    };
    let plan = |data: Vec<u8>| TransactionPlan { to: judge, data: data.into(), value };
    Ok(match call {
        JudgeCall::Open { key: channel, deposit, session_key, valid_until } => {
            participant(channel, wallet)?;
            let (amount, session_key, valid_until) = (deposit.get(), *session_key, *valid_until);
            let open = Judge::openCall { key: key(channel), amount, sessionKey: session_key, validUntil: valid_until };
            plan(open.abi_encode())
        }
        JudgeCall::Deposit { key: channel, amount } => {
            participant(channel, wallet)?;
            plan(Judge::depositCall { key: key(channel), amount: amount.get() }.abi_encode())
        }
        JudgeCall::Close { key: channel, proof, grant } => {
            participant(channel, wallet)?;
            let proof = match proof {
                Some(proof) => own_proof(channel, wallet, proof)?,
                None => no_proof(),
            };
            let close = Judge::closeCall { key: key(channel), proof }.abi_encode();
            plan(with_grants(grant.as_slice(), close))
        }
        JudgeCall::Update { key: channel, proof, grants, acceptance } => {
            participant(channel, wallet)?;
            let sender = proof.proof.sender;
            let proof = match acceptance {
                None => own_proof(channel, wallet, proof)?,
                Some(acceptance) => countersigned_proof(channel, wallet, proof, acceptance)?,
            };
            let update = Judge::updateCall { key: key(channel), sender, proof }.abi_encode();
            plan(with_grants(grants, update))
        }
        JudgeCall::Settle { key: channel, claims, finalize } => plan(settlement(channel, claims, finalize)),
        JudgeCall::RegisterSecrets { .. } => {
            return Err(TransactionError::InvalidCall("secrets are registered with the registry, not with the Judge"));
        }
        JudgeCall::CooperativeClose {
            key: channel,
            balance_a,
            balance_b,
            deadline,
            signature_a,
            signature_b,
            grants,
        } => {
            let close = Judge::cooperativeCloseCall {
                key: key(channel),
                balanceA: balance_a.get(),
                balanceB: balance_b.get(),
                deadline: *deadline,
                signatureA: bytes(signature_a),
                signatureB: bytes(signature_b),
            };
            plan(with_grants(grants, close.abi_encode()))
        }
        JudgeCall::CooperativeWithdraw {
            key: channel,
            wallet: payee,
            total,
            deadline,
            signature_a,
            signature_b,
            grants,
        } => {
            participant(channel, *payee)?;
            let withdraw = Judge::cooperativeWithdrawCall {
                key: key(channel),
                wallet: *payee,
                totalWithdrawn: total.get(),
                deadline: *deadline,
                signatureA: bytes(signature_a),
                signatureB: bytes(signature_b),
            };
            plan(with_grants(grants, withdraw.abi_encode()))
        }
    })
}

/// What a call takes from the caller's wallet, if anything.
pub(super) const fn funding(call: &JudgeCall) -> Option<Funding> {
    let (token, amount) = match call {
        JudgeCall::Open { key, deposit, .. } => (key.token, deposit.get()),
        JudgeCall::Deposit { key, amount } => (key.token, amount.get()),
        JudgeCall::Close { .. }
        | JudgeCall::Update { .. }
        | JudgeCall::Settle { .. }
        | JudgeCall::RegisterSecrets { .. }
        | JudgeCall::CooperativeClose { .. }
        | JudgeCall::CooperativeWithdraw { .. } => return None,
    };
    if amount == 0 { None } else { Some(Funding { token, amount }) }
}

/// A funding call with a permit in place of an approval; `None` for calls that take no permit.
pub(super) fn with_permit(judge: Address, call: &JudgeCall, permit: Judge::Permit) -> Option<TransactionPlan> {
    let data = match call {
        JudgeCall::Open { key: channel, deposit, session_key, valid_until } => Judge::openWithPermitCall {
            key: key(channel),
            amount: deposit.get(),
            sessionKey: *session_key,
            validUntil: *valid_until,
            permit,
        }
        .abi_encode(),
        JudgeCall::Deposit { key: channel, amount } => {
            Judge::depositWithPermitCall { key: key(channel), amount: amount.get(), permit }.abi_encode()
        }
        JudgeCall::Close { .. }
        | JudgeCall::Update { .. }
        | JudgeCall::Settle { .. }
        | JudgeCall::RegisterSecrets { .. }
        | JudgeCall::CooperativeClose { .. }
        | JudgeCall::CooperativeWithdraw { .. } => return None,
    };
    Some(TransactionPlan { to: judge, data: data.into(), value: U256::ZERO })
}

/// A channel's key as the Judge takes it.
pub(super) const fn key(key: &ChannelKey) -> Judge::ChannelKey {
    Judge::ChannelKey { token: key.token, a: key.a, b: key.b, salt: key.salt }
}

fn bytes(signature: &Signature) -> Bytes {
    Bytes::copy_from_slice(&signature.0)
}

fn participant(key: &ChannelKey, wallet: Address) -> Result<(), TransactionError> {
    key.side_of(wallet).map(|_| ()).ok_or(TransactionError::InvalidCall("the wallet takes no part in the channel"))
}

/// A proof of the partner, brought by its beneficiary, which needs no acceptance.
fn own_proof(key: &ChannelKey, wallet: Address, proof: &SignedProof) -> Result<Judge::SignedProof, TransactionError> {
    if proof.proof.channel != key.id() {
        return Err(TransactionError::InvalidCall("the proof is of another channel"));
    }
    if proof.proof.sender == wallet || key.side_of(proof.proof.sender).is_none() {
        return Err(TransactionError::InvalidCall("the proof is not the partner's"));
    }
    Ok(signed_proof(proof, Bytes::new()))
}

/// A proof of the wallet's own, which the partner has accepted.
fn countersigned_proof(
    key: &ChannelKey,
    wallet: Address,
    proof: &SignedProof,
    acceptance: &Signature,
) -> Result<Judge::SignedProof, TransactionError> {
    if proof.proof.channel != key.id() || proof.proof.sender != wallet {
        return Err(TransactionError::InvalidCall("the proof is not the wallet's own"));
    }
    Ok(signed_proof(proof, bytes(acceptance)))
}

fn signed_proof(proof: &SignedProof, acceptance: Bytes) -> Judge::SignedProof {
    let fields = proof.proof.to_sol();
    Judge::SignedProof {
        nonce: fields.nonce,
        transferred: fields.transferred,
        locked: fields.locked,
        lastExpiry: fields.lastExpiry,
        locksRoot: fields.locksRoot,
        context: fields.context,
        signature: bytes(&proof.signature),
        acceptance,
    }
}

/// Claims first, then what ended goes back, then everybody is paid; giving back pays by itself.
fn settlement(channel: &ChannelKey, claims: &[Claim], finalize: &[Address]) -> Vec<u8> {
    let unlocks = claims.iter().map(|claim| {
        let locks = claim.locks.iter().map(|lock| Judge::Lock {
            lockId: lock.id,
            amount: lock.amount.get(),
            expiry: U48::saturating_from(lock.expiry),
            secretHash: lock.secret_hash.0,
        });
        let (locks, proofs) = (locks.collect(), claim.proofs.clone());
        Judge::unlockCall { key: key(channel), sender: claim.sender, locks, proofs }.abi_encode()
    });
    let finals = finalize.iter().map(|sender| Judge::finalizeCall { key: key(channel), sender: *sender }.abi_encode());
    let settle = finalize.is_empty().then(|| Judge::settleCall { key: key(channel) }.abi_encode());
    let calls: Vec<Vec<u8>> = unlocks.chain(finals).chain(settle).collect();
    in_one(calls)
}

fn no_proof() -> Judge::SignedProof {
    Judge::SignedProof {
        nonce: Default::default(),
        transferred: 0,
        locked: 0,
        lastExpiry: Default::default(),
        locksRoot: Default::default(),
        context: Default::default(),
        signature: Bytes::new(),
        acceptance: Bytes::new(),
    }
}

fn with_grants(grants: &[Grant], call: Vec<u8>) -> Vec<u8> {
    let delegations = grants.iter().map(|grant| {
        Judge::delegateForCall {
            wallet: grant.wallet,
            sessionKey: grant.session_key,
            validUntil: grant.valid_until,
            signature: bytes(&grant.signature),
        }
        .abi_encode()
    });
    in_one(delegations.chain([call]).collect())
}

/// Several calls as one transaction.
fn in_one(mut calls: Vec<Vec<u8>>) -> Vec<u8> {
    match (calls.len(), calls.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            let data = calls.into_iter().chain(last).map(Bytes::from).collect();
            Judge::multicallCall { data }.abi_encode()
        }
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "call_tests.rs"]
mod tests;
