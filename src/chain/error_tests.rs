//! The same refusal in the shapes in which wallets and endpoints hand it on.

use alloy::primitives::aliases::U48;
use alloy::primitives::hex;
use alloy::sol_types::SolError;
use serde_json::{Value, json};

use super::*;
use crate::chain::bindings::{Judge, Token};

fn error(code: i64, message: &str, data: Value) -> TransactionError {
    let data = if data.is_null() { None } else { Some(data) };
    RpcError { code, message: message.into(), data }.into()
}

fn stale() -> (String, Revert) {
    let data = Judge::StaleNonce { have: U48::from(9), got: U48::from(4) }.abi_encode();
    let arguments = vec![("have", "9".to_owned()), ("got", "4".to_owned())];
    (hex::encode_prefixed(data), Revert { name: "StaleNonce".into(), arguments })
}

#[test]
fn revert_data_is_found_wherever_it_is_put() {
    let (data, revert) = stale();
    let shapes = [
        error(3, "execution reverted", json!(data)),
        error(-32000, "execution reverted", json!({ "data": data })),
        error(-32603, "Internal JSON-RPC error.", json!({ "code": 3, "message": "execution reverted", "data": data })),
        error(
            -32603,
            "Internal JSON-RPC error.",
            json!({ "originalError": { "code": 3, "data": data, "message": "" } }),
        ),
        error(-32603, "x", json!({ "cause": { "data": { "data": data } } })),
        error(-32015, "VM execution error.", json!(format!("Reverted {data}"))),
        error(-32000, &format!("execution reverted: {data}"), Value::Null),
        error(-32603, &format!("[ethjs-query] {{\"value\":{{\"data\":\"{data}\"}}}}"), Value::Null),
    ];
    for (index, shape) in shapes.into_iter().enumerate() {
        assert_eq!(shape, TransactionError::Reverted(revert.clone()), "{index}");
    }
    assert_eq!(revert.to_string(), "StaleNonce(have: 9, got: 4)");
}

#[test]
fn other_contracts_errors_are_named_too() {
    let text = alloy::sol_types::Revert { reason: "paused".into() }.abi_encode();
    let shortage = Token::ERC2612ExpiredSignature { deadline: alloy::primitives::U256::from(5) }.abi_encode();
    for (data, shown) in [
        (text, "Error(message: paused)"),
        (shortage, "ERC2612ExpiredSignature(deadline: 5)"),
        (alloy::sol_types::Panic { code: alloy::primitives::U256::from(0x11) }.abi_encode(), "Panic(code: 17)"),
        (vec![1, 2, 3, 4], "Unknown(selector: 0x01020304)"),
        (Judge::BadSession {}.abi_encode(), "BadSession"),
    ] {
        let error = error(3, "execution reverted", json!(hex::encode_prefixed(data)));
        let TransactionError::Reverted(revert) = error else { panic!("{error:?}") };
        assert_eq!(revert.to_string(), shown);
    }
}

#[test]
fn reverts_without_data_keep_their_words() {
    let said = error(-32000, "execution reverted: Dai/insufficient-allowance", Value::Null);
    let TransactionError::Reverted(revert) = said else { panic!("{said:?}") };
    assert_eq!(revert.to_string(), "Error(message: Dai/insufficient-allowance)");
    let silent = error(3, "execution reverted", json!("0x"));
    assert!(matches!(silent, TransactionError::Reverted(revert) if revert.name == "Unknown"));
}

#[test]
fn a_decline_is_a_decline_in_every_wallet() {
    for shape in [
        error(4001, "MetaMask Tx Signature: User denied transaction signature.", Value::Null),
        error(5000, "User rejected.", Value::Null),
        error(-32603, "Internal error", json!({ "originalError": { "code": 4001 } })),
        error(-32000, "User rejected the transaction", Value::Null),
        error(-32603, "Transaction was rejected by user", Value::Null),
    ] {
        assert_eq!(shape, TransactionError::UserRejected);
    }
}

#[test]
fn codes_are_stable() {
    for (shape, code) in [
        (error(4001, "", Value::Null), "USER_REJECTED"),
        (error(4100, "", Value::Null), "UNAUTHORIZED"),
        (error(4200, "", Value::Null), "UNSUPPORTED"),
        (error(-32601, "", Value::Null), "UNSUPPORTED"),
        (error(4900, "", Value::Null), "PROVIDER_DISCONNECTED"),
        (error(4901, "", Value::Null), "PROVIDER_DISCONNECTED"),
        (error(3, "", Value::Null), "REVERTED"),
        (error(-32603, "boom", Value::Null), "PROVIDER_ERROR"),
        // An address and a hash are no revert data.
        (error(-32603, "unknown account 0x1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d", Value::Null), "PROVIDER_ERROR"),
        (error(-32603, "x", json!(B256::repeat_byte(7).to_string())), "PROVIDER_ERROR"),
        (TransactionError::WrongChain { expected: 1, actual: 2 }, "WRONG_CHAIN"),
    ] {
        assert_eq!(shape.code(), code, "{shape:?}");
    }
}
