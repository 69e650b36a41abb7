//! What a call becomes on the wire.

use alloy::primitives::aliases::U48;
use alloy::sol_types::SolValue;

use super::*;
use crate::protocol::{Amount, BalanceProof, Nonce, SessionKey};

const JUDGE: Address = Address::repeat_byte(0x1d);
const ALICE: Address = Address::repeat_byte(0xa1);
const BOB: Address = Address::repeat_byte(0xb0);
const TOKEN: Address = Address::repeat_byte(0x70);

fn channel(token: Address) -> ChannelKey {
    ChannelKey::new(token, ALICE, BOB, 7).unwrap()
}

fn proof(sender: Address) -> SignedProof {
    let session = SessionKey::from_bytes(&[5; 32]).unwrap();
    let proof = BalanceProof {
        channel: channel(TOKEN).id(),
        sender,
        nonce: Nonce::new(3).unwrap(),
        transferred: Amount::new(10),
        locked: Amount::new(2),
        last_expiry: 99,
        locks_root: alloy::primitives::B256::repeat_byte(1),
        context: alloy::primitives::B256::repeat_byte(2),
    };
    let signature = session.sign(proof.digest(&crate::protocol::Domain::new(1, JUDGE))).unwrap();
    SignedProof { proof, signature, signer: session.public_key() }
}

fn grant() -> Grant {
    Grant { wallet: BOB, session_key: ALICE, valid_until: 1_000, signature: Signature([9; 65]) }
}

#[test]
fn a_channels_id_is_the_hash_of_what_is_sent() {
    let key = super::key(&channel(TOKEN));
    assert_eq!(channel(TOKEN).id().0, alloy::primitives::keccak256(key.abi_encode()));
}

#[test]
fn only_the_chains_own_coin_goes_along() {
    for (token, value) in [(Address::ZERO, 5), (TOKEN, 0)] {
        let key = channel(token);
        let open = JudgeCall::Open { key, deposit: Amount::new(5), session_key: BOB, valid_until: 9 };
        let deposit = JudgeCall::Deposit { key, amount: Amount::new(5) };
        for call in [open, deposit] {
            let plan = prepare(JUDGE, ALICE, &call).unwrap();
            assert_eq!((plan.to, plan.value), (JUDGE, U256::from(value)));
        }
    }
    let plan =
        prepare(JUDGE, ALICE, &JudgeCall::Settle { key: channel(Address::ZERO), claims: vec![], finalize: vec![] })
            .unwrap();
    assert_eq!(plan.value, U256::ZERO);
}

#[test]
fn a_partners_grant_is_brought_in_the_same_transaction() {
    let update = JudgeCall::Update { key: channel(TOKEN), proof: proof(BOB), grants: vec![], acceptance: None };
    let plain = prepare(JUDGE, ALICE, &update).unwrap();
    let sent = Judge::updateCall::abi_decode_validate(&plain.data).unwrap();
    assert_eq!((sent.sender, sent.proof.nonce, sent.proof.transferred), (BOB, U48::from(3), 10));
    assert_eq!(sent.proof.signature.as_ref(), proof(BOB).signature.0);
    assert!(sent.proof.acceptance.is_empty());

    let update = JudgeCall::Update { key: channel(TOKEN), proof: proof(BOB), grants: vec![grant()], acceptance: None };
    let carried = prepare(JUDGE, ALICE, &update).unwrap();
    let calls = Judge::multicallCall::abi_decode_validate(&carried.data).unwrap().data;
    let delegation = Judge::delegateForCall::abi_decode_validate(&calls[0]).unwrap();
    assert_eq!((delegation.wallet, delegation.sessionKey, delegation.validUntil), (BOB, ALICE, 1_000));
    assert_eq!(calls[1], plain.data);
    assert_eq!(calls.len(), 2);
}

#[test]
fn a_close_without_a_proof_says_so_by_its_nonce() {
    let close = JudgeCall::Close { key: channel(TOKEN), proof: None, grant: None };
    let sent = Judge::closeCall::abi_decode_validate(&prepare(JUDGE, ALICE, &close).unwrap().data).unwrap();
    assert_eq!(sent.proof, no_proof());
}

#[test]
fn calls_that_the_judge_could_only_refuse_are_not_prepared() {
    let key = channel(TOKEN);
    let other = ChannelKey { salt: 8, ..key };
    let stranger = Address::repeat_byte(0x33);
    let refused = [
        (stranger, JudgeCall::Deposit { key, amount: Amount::new(1) }),
        (stranger, JudgeCall::Close { key, proof: None, grant: None }),
        (ALICE, JudgeCall::Close { key: other, proof: Some(proof(BOB)), grant: None }),
        (ALICE, JudgeCall::Close { key, proof: Some(proof(ALICE)), grant: None }),
        (ALICE, JudgeCall::Update { key, proof: proof(stranger), grants: vec![], acceptance: None }),
        (
            ALICE,
            JudgeCall::CooperativeWithdraw {
                key,
                wallet: stranger,
                total: Amount::new(1),
                deadline: 9,
                signature_a: Signature([0; 65]),
                signature_b: Signature([0; 65]),
                grants: vec![],
            },
        ),
    ];
    for (wallet, call) in refused {
        assert!(matches!(prepare(JUDGE, wallet, &call), Err(TransactionError::InvalidCall(_))), "{call:?}");
    }
}

#[test]
fn cooperation_brings_both_signatures_and_every_grant() {
    let call = JudgeCall::CooperativeClose {
        key: channel(TOKEN),
        balance_a: Amount::MAX,
        balance_b: Amount::ZERO,
        deadline: 5,
        signature_a: Signature([1; 65]),
        signature_b: Signature([2; 65]),
        grants: vec![grant(), Grant { wallet: ALICE, ..grant() }],
    };
    let calls = Judge::multicallCall::abi_decode_validate(&prepare(JUDGE, BOB, &call).unwrap().data).unwrap().data;
    let close = Judge::cooperativeCloseCall::abi_decode_validate(&calls[2]).unwrap();
    assert_eq!((close.balanceA, close.balanceB, close.deadline), (u128::MAX, 0, 5));
    assert_eq!((close.signatureA[0], close.signatureB[0]), (1, 2));
}
