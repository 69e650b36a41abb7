//! Logs of a real node (a channel opened, funded, closed, answered and settled), and every way to spoil one.

use alloy::primitives::{Bytes, LogData, U256, address, b256, hex};
use alloy::sol_types::SolEvent;
use serde_json::json;

use super::*;
use crate::protocol::{Amount, ChannelId, Nonce};

const JUDGE: Address = address!("0x2e983a1ba5e8b38aaaec4b440b9ddcfbf72e15d1");
const A: Address = address!("0x70997970c51812dc3a010c7d01b50e0d17dc79c8");
const B: Address = address!("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266");
const CHANNEL: ChannelId = ChannelId(b256!("0x513b89dc7bb385f11b624316fae60476ccd16ef84b1a819736f1903f4943af79"));

fn golden() -> Value {
    serde_json::from_str(include_str!("golden_logs.json")).unwrap()
}

fn decode(logs: &Value) -> Result<Vec<ChainEvent>, LogError> {
    decode_logs(logs, JUDGE, 1..=16)
}

fn proof(sender: Address, transferred: u128) -> JudgeEvent {
    JudgeEvent::ProofAccepted {
        channel: CHANNEL,
        sender,
        nonce: Nonce::new(1).unwrap(),
        transferred: Amount::new(transferred),
        locked: Amount::ZERO,
        locks_root: B256::ZERO,
    }
}

#[test]
fn a_real_nodes_logs_are_read() {
    let events = decode(&golden()).unwrap();
    let token = address!("0x8438ad1c834623cff278ab6829a248e37c2d7e3f");
    let key = ChannelKey { token, a: A, b: B, salt: 1 };
    let session = |wallet, session_key| JudgeEvent::SessionKeySet {
        wallet,
        session_key,
        valid_until: 0x6b04_fb11,
        revoked_from: 0,
    };
    let deposited = |wallet, total| JudgeEvent::Deposited { channel: CHANNEL, wallet, total: Amount::new(total) };
    let paid =
        |wallet, amount| JudgeEvent::Paid { channel: CHANNEL, wallet, amount: Amount::new(amount), credited: false };
    let expected = [
        JudgeEvent::Opened { key },
        session(A, address!("0x1a642f0e3c3af545e7acbd38b07251b3990914f1")),
        deposited(A, 600),
        deposited(B, 50),
        session(B, address!("0x5050a4f4b3f9338c3472dcc01a87c76a144b3c9c")),
        JudgeEvent::Closing { channel: CHANNEL, closer: A, challenge_end: 0x6b03_74d5 },
        proof(B, 20),
        proof(A, 300),
        JudgeEvent::Done { channel: CHANNEL, cooperative: false },
        paid(A, 320),
        paid(B, 330),
    ];
    assert_eq!(events.iter().map(|event| event.event.clone()).collect::<Vec<_>>(), expected);
    let first = LogPosition {
        block: 6,
        index: 1,
        block_hash: b256!("0xcc849ea248c29a7093aff1e3e077c44f71d74d3944a861c77af802e280309411"),
        transaction: b256!("0xc53afcbb59d6edd8e674b2e5360dc6cda725a3212fa96ec6c5339dac0ab23a31"),
    };
    assert_eq!(events[0].position, first);
    assert!(events.is_sorted_by_key(|event| event.position));
}

#[test]
fn order_and_repetition_in_the_answer_do_not_matter() {
    let mut logs = golden();
    let expected = decode(&logs).unwrap();
    let list = logs.as_array_mut().unwrap();
    list.reverse();
    list.push(list[3].clone());
    assert_eq!(decode(&logs).unwrap(), expected);
}

#[test]
fn kinds_that_the_golden_logs_lack() {
    let wrap = |data: LogData| {
        json!([{
            "address": hex::encode_prefixed(JUDGE), "blockNumber": "0x2", "blockHash": B256::ZERO.to_string(),
            "transactionHash": B256::ZERO.to_string(), "logIndex": "0x0",
            "topics": data.topics().iter().map(ToString::to_string).collect::<Vec<_>>(),
            "data": hex::encode_prefixed(&data.data),
        }])
    };
    let id = CHANNEL.0;
    let withdrawn = Judge::Withdrawn { id, wallet: A, total: u128::MAX }.encode_log_data();
    let claimed = Judge::LockClaimed { id, sender: B, lockId: u64::MAX, amount: 4 }.encode_log_data();
    for (data, expected) in [
        (withdrawn, JudgeEvent::Withdrawn { channel: CHANNEL, wallet: A, total: Amount::MAX }),
        (claimed, JudgeEvent::LockClaimed { channel: CHANNEL, sender: B, lock: u64::MAX, amount: Amount::new(4) }),
    ] {
        assert_eq!(decode(&wrap(data)).unwrap()[0].event, expected);
    }
    // A later Judge may say more, and another contract's code may log without a kind.
    assert_eq!(decode(&wrap(LogData::new_unchecked(vec![B256::repeat_byte(1)], Bytes::new()))), Ok(vec![]));
    assert_eq!(decode(&wrap(LogData::new_unchecked(vec![], Bytes::new()))), Ok(vec![]));
}

#[test]
fn a_spoiled_log_spoils_the_answer() {
    let opened = |field: &str, value: Value| {
        let mut logs = golden();
        logs[0][field] = value;
        decode(&logs)
    };
    let topics = || golden()[0]["topics"].clone();
    let word = |byte| json!(B256::repeat_byte(byte).to_string());
    let mut other_id = topics();
    other_id[1] = word(1);
    let mut dirty = topics();
    dirty[2] = json!("0x01000000000000000000000070997970c51812dc3a010c7d01b50e0d17dc79c8");
    let mut short = topics();
    short.as_array_mut().unwrap().pop();
    let mut long = topics();
    long.as_array_mut().unwrap().push(word(2));
    let data = golden()[0]["data"].as_str().unwrap().to_owned();
    for (field, value, error) in [
        ("address", json!(hex::encode_prefixed(A)), LogError::WrongAddress),
        ("address", json!("0x12"), LogError::Malformed),
        ("address", Value::Null, LogError::Malformed),
        ("removed", json!(true), LogError::Removed),
        ("removed", json!("false"), LogError::Malformed),
        ("blockNumber", json!("0x11"), LogError::OutOfRange),
        ("blockNumber", json!("0x0"), LogError::OutOfRange),
        ("blockNumber", Value::Null, LogError::Malformed),
        ("blockHash", Value::Null, LogError::Malformed),
        ("logIndex", json!("1"), LogError::Malformed),
        ("transactionHash", json!("0x"), LogError::Malformed),
        ("topics", json!([1]), LogError::Malformed),
        ("topics", other_id, LogError::IdMismatch),
        ("topics", dirty, LogError::WrongForm),
        ("topics", short, LogError::WrongForm),
        ("topics", long, LogError::Malformed),
        ("data", json!("0x"), LogError::WrongForm),
        ("data", json!(format!("{data}00")), LogError::WrongForm),
        ("data", json!(format!("{}2", &data[..data.len() - 1])), LogError::IdMismatch),
        ("data", json!(format!("0x01{}", &data[4..])), LogError::WrongForm),
        ("data", json!("0xzz"), LogError::Malformed),
        ("data", json!("0x".to_owned() + &"00".repeat(1 << 20)), LogError::Malformed),
    ] {
        assert_eq!(opened(field, value.clone()), Err(error), "{field}: {:.100}", value.to_string());
    }
    for answer in [json!(null), json!({}), json!("0x"), json!([1]), json!([[]])] {
        assert_eq!(decode(&answer), Err(LogError::Malformed));
    }
}

#[test]
fn every_kind_has_its_own_number_of_words_and_no_dirty_bits() {
    let count = golden().as_array().unwrap().len();
    for index in 0..count {
        let spoiled = |spoil: &dyn Fn(&mut Vec<u8>)| {
            let mut logs = golden();
            let mut data = hex::decode(logs[index]["data"].as_str().unwrap()).unwrap();
            spoil(&mut data);
            logs[index]["data"] = json!(hex::encode_prefixed(data));
            decode(&logs)
        };
        assert!(spoiled(&|_| {}).is_ok());
        assert_eq!(spoiled(&|data| data.extend([0; 32])), Err(LogError::WrongForm));
        assert_eq!(spoiled(&|data| data.truncate(data.len() - 32)), Err(LogError::WrongForm));
        assert_eq!(spoiled(&|data| data[0] = 1), Err(LogError::WrongForm));
        let mut logs = golden();
        let topics = logs[index]["topics"].as_array_mut().unwrap();
        topics.pop();
        assert_eq!(decode(&logs), Err(LogError::WrongForm));
    }
}

#[test]
fn narrow_numbers_are_read_up_to_their_greatest_value() {
    let word = |value: U256| B256::from(value);
    let read = |value: U256| {
        let data = word(value);
        let log = [B256::ZERO];
        let new = || Words::new(&log, data.as_slice(), 0).unwrap();
        (
            new().time().is_ok(),
            new().number().is_ok(),
            new().amount().is_ok(),
            new().truth().is_ok(),
            new().address().is_ok(),
        )
    };
    let bits = |bits: usize| (U256::from(1) << bits) - U256::from(1);
    assert_eq!(read(bits(1)), (true, true, true, true, true));
    assert_eq!(read(U256::from(2)), (true, true, true, false, true));
    assert_eq!(read(bits(48)), (true, true, true, false, true));
    assert_eq!(read(bits(49)), (false, true, true, false, true));
    assert_eq!(read(bits(64)), (false, true, true, false, true));
    assert_eq!(read(bits(65)), (false, false, true, false, true));
    assert_eq!(read(bits(128)), (false, false, true, false, true));
    assert_eq!(read(bits(129)), (false, false, false, false, true));
    assert_eq!(read(bits(160)), (false, false, false, false, true));
    assert_eq!(read(bits(161)), (false, false, false, false, false));
}

#[test]
fn two_logs_cannot_be_in_one_place() {
    let mut logs = golden();
    logs[2]["logIndex"] = json!("0x2");
    assert_eq!(decode(&logs), Err(LogError::Conflict));
    // Not even in two blocks of the same number.
    let mut logs = golden();
    let mut copy = logs[2].clone();
    copy["blockHash"] = json!(B256::ZERO.to_string());
    logs.as_array_mut().unwrap().push(copy);
    assert_eq!(decode(&logs), Err(LogError::Conflict));
}
