//! What a person is asked for, how often, and what is never sent.

use std::cell::RefCell;

use alloy::sol_types::SolError;
use futures::FutureExt;

use super::super::bindings::Judge::{self, JudgeCalls};
use super::super::fake_wallet::{CHAIN, FakeWallet, JUDGE, Permits, TOKEN, refusal};
use super::super::{RpcError, request_grant};
use super::*;
use crate::protocol::{Domain, SessionKey};

fn send_open(wallet: &FakeWallet, token: Address, deposit: u128) -> Result<Submitted, TransactionError> {
    let call = wallet.open(token, deposit);
    // A silent wallet is given up at once, so no test waits.
    let submitted = submit(wallet, async |_| (), &wallet.config(), &call).now_or_never();
    submitted.expect("the wallet in memory answers at once")
}

fn permitted(wallet: &FakeWallet) -> Judge::Permit {
    match wallet.sent_to_judge().as_slice() {
        [JudgeCalls::openWithPermit(call)] => call.permit.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_open_with_the_chains_own_coin_is_one_prompt() {
    let wallet = FakeWallet::new(Permits::None);
    let submitted = send_open(&wallet, Address::ZERO, 1_000).unwrap();
    assert!(!submitted.hash.is_zero());
    assert_eq!(wallet.prompts(), ["eth_sendTransaction"]);
    assert_eq!(wallet.asked("eth_sendTransaction")[0][0]["value"], "0x3e8");
}

#[test]
fn an_open_without_a_deposit_asks_the_token_nothing() {
    let wallet = FakeWallet::new(Permits::None);
    send_open(&wallet, TOKEN, 0).unwrap();
    assert_eq!(wallet.prompts(), ["eth_sendTransaction"]);
    assert!(wallet.asked("wallet_getCapabilities").is_empty());
}

#[test]
fn an_allowance_that_is_there_is_used() {
    let wallet = FakeWallet::new(Permits::Declared);
    wallet.allowance.set(U256::from(500));
    send_open(&wallet, TOKEN, 500).unwrap();
    assert_eq!(wallet.prompts(), ["eth_sendTransaction"]);
    assert!(matches!(wallet.sent_to_judge()[..], [JudgeCalls::open(_)]));
}

#[test]
fn a_permit_is_signed_for_exactly_the_deposit() {
    for permits in [Permits::Declared, Permits::Versioned, Permits::Named] {
        let wallet = FakeWallet::new(permits);
        send_open(&wallet, TOKEN, 500).unwrap();
        assert_eq!(wallet.prompts(), ["eth_signTypedData_v4", "eth_sendTransaction"], "{permits:?}");
        assert_eq!(permitted(&wallet).value, U256::from(500));
        assert_eq!(permitted(&wallet).deadline, U256::from(5_000 + 3_600));
    }
}

#[test]
fn nothing_is_signed_for_a_token_whose_permits_are_another_kind_or_another_contracts() {
    for permits in [Permits::None, Permits::Dai, Permits::Foreign] {
        let wallet = FakeWallet::new(permits);
        send_open(&wallet, TOKEN, 500).unwrap();
        assert_eq!(wallet.prompts(), ["eth_sendTransaction"; 2], "{permits:?}");
        assert_eq!(wallet.approvals(), [U256::from(500)]);
        assert!(matches!(wallet.sent_to_judge()[..], [JudgeCalls::open(_)]));
    }
}

#[test]
fn a_wallet_that_cannot_sign_permits_approves() {
    let mut wallet = FakeWallet::new(Permits::Declared);
    wallet.refuse.insert("eth_signTypedData_v4", refusal(-32603));
    send_open(&wallet, TOKEN, 500).unwrap();
    assert_eq!(wallet.approvals(), [U256::from(500)]);

    // A contract's wallet answers a signature that is not its key's.
    let mut wallet = FakeWallet::new(Permits::Declared);
    wallet.answers.insert("eth_signTypedData_v4", json!(hex::encode_prefixed([1; 65])));
    send_open(&wallet, TOKEN, 500).unwrap();
    assert_eq!(wallet.approvals(), [U256::from(500)]);
}

#[test]
fn a_smart_account_sends_approval_and_call_as_one() {
    let mut wallet = FakeWallet::new(Permits::Declared);
    wallet.atomic = Some("supported");
    let submitted = send_open(&wallet, TOKEN, 500).unwrap();
    assert_eq!(submitted.hash, B256::repeat_byte(0xca));
    assert_eq!(wallet.prompts(), ["wallet_sendCalls"]);
    let request = &wallet.asked("wallet_sendCalls")[0][0];
    assert_eq!((&request["atomicRequired"], &request["chainId"]), (&json!(true), &json!("0x7a69")));
    let calls = request["calls"].as_array().unwrap();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0]["to"], hex::encode_prefixed(TOKEN));
    assert!(calls[0]["data"].as_str().unwrap().ends_with("01f4"));
    assert_eq!(calls[1]["to"], hex::encode_prefixed(JUDGE));
}

#[test]
fn a_batch_that_is_not_to_be_had_falls_back_to_a_permit() {
    let mut unwilling = FakeWallet::new(Permits::Declared);
    unwilling.atomic = Some("ready");
    send_open(&unwilling, TOKEN, 500).unwrap();
    assert!(unwilling.asked("wallet_sendCalls").is_empty());
    let mut refusing = FakeWallet::new(Permits::Declared);
    refusing.atomic = Some("supported");
    refusing.refuse.insert("wallet_sendCalls", refusal(5760));
    send_open(&refusing, TOKEN, 500).unwrap();
    for wallet in [unwilling, refusing] {
        assert_eq!(permitted(&wallet).value, U256::from(500));
    }
}

#[test]
fn a_batch_without_a_known_end_is_not_sent_in_another_way() {
    for (status, code) in [
        (json!({ "status": 100 }), "OUTCOME_UNKNOWN"),
        (json!({ "status": 400 }), "PROVIDER_ERROR"),
        (json!({ "status": 500 }), "REVERTED"),
        (json!({ "status": 200, "receipts": [{}] }), "PROVIDER_BAD_ANSWER"),
    ] {
        let mut wallet = FakeWallet::new(Permits::Declared);
        wallet.atomic = Some("supported");
        wallet.answers.insert("wallet_getCallsStatus", status);
        assert_eq!(send_open(&wallet, TOKEN, 500).unwrap_err().code(), code);
        assert_eq!(wallet.prompts(), ["wallet_sendCalls"]);
    }
}

#[test]
fn a_token_that_changes_allowances_only_from_zero_is_reset_first() {
    let mut wallet = FakeWallet::new(Permits::None);
    wallet.from_zero = true;
    wallet.allowance.set(U256::from(3));
    send_open(&wallet, TOKEN, 500).unwrap();
    assert_eq!(wallet.approvals(), [U256::ZERO, U256::from(500)]);
}

#[test]
fn an_approval_that_fails_or_stays_unmined_ends_it() {
    let wallet = FakeWallet::new(Permits::None);
    send_open(&wallet, TOKEN, 500).unwrap();
    let approval = wallet.asked("eth_getTransactionReceipt")[0][0].clone();
    let reverted = json!({
        "transactionHash": approval, "blockNumber": "0xa", "blockHash": B256::ZERO.to_string(), "status": "0x0",
    });
    for (answer, code) in [(Value::Null, "UNCONFIRMED"), (json!("0x"), "UNCONFIRMED"), (reverted, "APPROVAL_FAILED")] {
        let mut wallet = FakeWallet::new(Permits::None);
        wallet.answers.insert("eth_getTransactionReceipt", answer);
        assert_eq!(send_open(&wallet, TOKEN, 500).unwrap_err().code(), code);
        assert_eq!(wallet.prompts(), ["eth_sendTransaction"]);
    }
}

#[test]
fn stages_are_told_before_each_prompt() {
    let wallet = FakeWallet::new(Permits::None);
    let stages = RefCell::new(Vec::new());
    let (config, call) = (wallet.config(), wallet.open(TOKEN, 5));
    let told = |stage| stages.borrow_mut().push((stage, wallet.prompts().len()));
    let sent = submit_with_progress(&wallet, async |_| (), &config, &call, told);
    sent.now_or_never().unwrap().unwrap();
    let stages = stages.into_inner();
    assert!(
        matches!(stages[..], [(Stage::Approval, 0), (Stage::ApprovalSent { .. }, 1), (Stage::Transaction, 1)]),
        "{stages:?}"
    );
}

#[test]
fn a_batch_is_told_as_sent_before_its_hash_is_known() {
    let mut wallet = FakeWallet::new(Permits::Declared);
    wallet.atomic = Some("supported");
    let stages = RefCell::new(Vec::new());
    let (config, call) = (wallet.config(), wallet.open(TOKEN, 5));
    let told = |stage| stages.borrow_mut().push((stage, wallet.asked("wallet_getCallsStatus").len()));
    submit_with_progress(&wallet, async |_| (), &config, &call, told).now_or_never().unwrap().unwrap();
    assert_eq!(stages.into_inner(), [(Stage::Batch, 0), (Stage::BatchSent, 0)]);
}

#[test]
fn a_decline_ends_it_at_every_prompt() {
    for (permits, atomic, method) in [
        (Permits::None, None, "eth_sendTransaction"),
        (Permits::Declared, None, "eth_signTypedData_v4"),
        (Permits::Declared, Some("supported"), "wallet_sendCalls"),
    ] {
        let mut wallet = FakeWallet::new(permits);
        wallet.atomic = atomic;
        wallet.refuse.insert(method, refusal(4001));
        assert_eq!(send_open(&wallet, TOKEN, 500), Err(TransactionError::UserRejected));
        assert_eq!(wallet.prompts(), [method]);
    }
}

#[test]
fn what_cannot_succeed_is_not_shown_to_the_person() {
    let insufficient = |token, needed, have| {
        Err(TransactionError::InsufficientFunds { token, needed: U256::from(needed), have: U256::from(have) })
    };
    let wallet = FakeWallet::new(Permits::Declared);
    assert_eq!(send_open(&wallet, Address::ZERO, 1_001), insufficient(Address::ZERO, 1_001, 1_000));
    assert_eq!(send_open(&wallet, TOKEN, 1_001), insufficient(TOKEN, 1_001, 1_000));
    assert!(wallet.prompts().is_empty());

    let mut wallet = FakeWallet::new(Permits::Declared);
    wallet.revert = Some(Judge::ChannelExists {}.abi_encode());
    let refused = send_open(&wallet, Address::ZERO, 5).unwrap_err();
    assert!(matches!(refused, TransactionError::Reverted(revert) if revert.name == "ChannelExists"));
    assert!(wallet.prompts().is_empty());

    let wallet = FakeWallet::new(Permits::Declared);
    wallet.chain_id.set(1);
    let elsewhere = Err(TransactionError::WrongChain { expected: CHAIN, actual: 1 });
    assert_eq!(send_open(&wallet, TOKEN, 5), elsewhere);
    assert!(wallet.prompts().is_empty());
}

#[test]
fn a_wallet_that_is_switched_between_approval_and_call_sends_no_call() {
    let mut wallet = FakeWallet::new(Permits::None);
    wallet.switch_to = Some(1);
    let switched = send_open(&wallet, TOKEN, 5);
    assert_eq!(switched, Err(TransactionError::WrongChain { expected: CHAIN, actual: 1 }));
    assert!(wallet.sent_to_judge().is_empty());
}

#[test]
fn a_wallet_is_asked_to_send_once_whatever_it_answers() {
    let error = |code, message: &str| RpcError { code, message: message.into(), data: None };
    for (answer, code) in [
        (error(-32603, "timeout of 30000ms exceeded"), "OUTCOME_UNKNOWN"),
        (error(-32000, "already known"), "OUTCOME_UNKNOWN"),
        (error(-32602, "invalid params"), "PROVIDER_ERROR"),
        (error(-32002, "a request is already pending"), "PROVIDER_ERROR"),
        (error(-32000, "insufficient funds for gas * price + value"), "INSUFFICIENT_FUNDS"),
        (error(4100, "unauthorized"), "UNAUTHORIZED"),
        (error(4900, "disconnected"), "PROVIDER_DISCONNECTED"),
    ] {
        let mut wallet = FakeWallet::new(Permits::None);
        wallet.refuse.insert("eth_sendTransaction", answer);
        let error = send_open(&wallet, Address::ZERO, 5).unwrap_err();
        assert_eq!(error.code(), code, "{error:?}");
        assert_eq!(wallet.prompts().len(), 1);
    }
    let mut wallet = FakeWallet::new(Permits::None);
    wallet.answers.insert("eth_sendTransaction", json!(true));
    assert_eq!(send_open(&wallet, Address::ZERO, 5).unwrap_err().code(), "OUTCOME_UNKNOWN");
    assert_eq!(wallet.prompts().len(), 1);
}

#[test]
fn a_missing_fee_is_told_with_an_estimate() {
    let mut wallet = FakeWallet::new(Permits::None);
    let message = "insufficient funds for gas * price + value".into();
    wallet.refuse.insert("eth_sendTransaction", RpcError { code: -32000, message, data: None });
    let needed = U256::from(5 + 2 * 200_000);
    let missing = TransactionError::InsufficientFunds { token: Address::ZERO, needed, have: U256::from(1_000) };
    assert_eq!(send_open(&wallet, Address::ZERO, 5), Err(missing));
}

#[test]
fn a_grant_is_what_the_wallet_signed() {
    let domain = Domain::new(CHAIN, JUDGE);
    let session = SessionKey::from_bytes(&[9; 32]).unwrap().public_key().address();
    let ask = |wallet: &FakeWallet| {
        request_grant(wallet, &domain, wallet.address(), session, u64::MAX).now_or_never().unwrap()
    };
    let wallet = FakeWallet::new(Permits::None);
    let grant = ask(&wallet).unwrap();
    assert_eq!((grant.wallet, grant.session_key, grant.valid_until), (wallet.address(), session, u64::MAX));
    assert_eq!(grant.verify(&domain), Ok(()));
    assert_eq!(wallet.prompts(), ["eth_signTypedData_v4"]);

    let mut another = FakeWallet::new(Permits::None);
    another.answers.insert("eth_signTypedData_v4", json!(hex::encode_prefixed(session)));
    assert_eq!(ask(&another), Err(TransactionError::WrongSigner));
    let mut another = FakeWallet::new(Permits::None);
    let signature = SessionKey::from_bytes(&[9; 32]).unwrap().sign(domain.digest(&grant.to_sol())).unwrap();
    another.answers.insert("eth_signTypedData_v4", json!(hex::encode_prefixed(signature.0)));
    assert_eq!(ask(&another), Err(TransactionError::WrongSigner));
    let mut declining = FakeWallet::new(Permits::None);
    declining.refuse.insert("eth_signTypedData_v4", refusal(4001));
    assert_eq!(ask(&declining), Err(TransactionError::UserRejected));
    let elsewhere = FakeWallet::new(Permits::None);
    elsewhere.chain_id.set(5);
    assert_eq!(ask(&elsewhere), Err(TransactionError::WrongChain { expected: CHAIN, actual: 5 }));
    assert!(elsewhere.prompts().is_empty());
}

#[test]
fn receipts_are_read_strictly() {
    let hash = B256::repeat_byte(4);
    let read = |answer: Value| {
        let mut wallet = FakeWallet::new(Permits::None);
        wallet.answers.insert("eth_getTransactionReceipt", answer);
        receipt(&wallet, hash).now_or_never().unwrap()
    };
    let block_hash = B256::repeat_byte(10);
    let good = json!({
        "transactionHash": hash.to_string(), "blockNumber": "0xa", "blockHash": block_hash.to_string(), "status": "0x0",
    });
    assert_eq!(read(good.clone()), Ok(Some(Receipt { block: 10, block_hash, success: false })));
    assert_eq!(read(Value::Null), Ok(None));
    for (field, value) in [
        ("transactionHash", json!(block_hash.to_string())),
        ("status", json!("0x2")),
        ("status", Value::Null),
        ("blockNumber", json!("ten")),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        assert_eq!(read(bad), Err(ReadError::BadAnswer { method: "eth_getTransactionReceipt" }), "{field}");
    }
}
