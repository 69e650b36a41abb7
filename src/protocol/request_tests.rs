//! Tests of requests and receipts.

use alloy::sol_types::SolStruct;
use proptest::prelude::*;

use super::*;
use crate::protocol::SessionKey;
use crate::protocol::vectors::{domain, largest_request, receipt, request};

fn key(seed: u8) -> SessionKey {
    SessionKey::from_bytes(&[seed; 32]).unwrap()
}

/// Signs the request anew, with the key that it names.
fn resigned(mut request: PaymentRequest) -> PaymentRequest {
    request.signer = key(0xbb).public_key();
    request.signature = key(0xbb).sign(request.id()).unwrap();
    request
}

#[test]
fn the_largest_request_fits_and_verifies() {
    for request in [request(), largest_request()] {
        let bytes = request.to_bytes();
        assert!(bytes.len() <= MAX_REQUEST_BYTES, "{} bytes", bytes.len());
        assert_eq!(PaymentRequest::from_bytes(&bytes), Ok(request.clone()));
        assert_eq!(request.verify(&domain()), Ok(()));
    }
}

#[test]
fn an_ordinary_request_is_small() {
    let request = request();
    assert!(request.hints.len() == 2 && request.delegation.is_some() && request.relay.is_some());
    let length = request.to_bytes().len();
    assert!(length < 700, "{length} bytes");
}

#[test]
fn every_signed_term_counts_and_is_in_the_id() {
    let good = request();
    let changes: [fn(&mut PaymentRequest); 11] = [
        |request| request.reference[0] ^= 1,
        |request| request.payee = Address::repeat_byte(5),
        |request| request.signer = key(1).public_key(),
        |request| request.token = Address::repeat_byte(5),
        |request| request.amount = None,
        |request| request.issued -= 1,
        |request| request.expiry += 1,
        |request| request.memo = None,
        |request| request.relay = None,
        |request| request.hints[1].fee.proportional += 1,
        |request| request.hints.truncate(1),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut bad = good.clone();
        change(&mut bad);
        assert_eq!(bad.verify(&domain()), Err(SignatureError::WrongSigner.into()), "{number}");
        assert_ne!(bad.id(), good.id(), "{number}");
    }
    for other in
        [PaymentRequest { chain_id: 1, ..good.clone() }, PaymentRequest { judge: Address::ZERO, ..good.clone() }]
    {
        assert_eq!(other.verify(&domain()), Err(RequestError::OtherJudge));
        assert_eq!(other.verify(&other.domain()), Err(SignatureError::WrongSigner.into()));
        assert_ne!(other.id(), good.id());
    }
}

#[test]
fn the_grant_must_be_the_wallets_for_this_key() {
    let mut forged = request();
    if let Some(delegation) = &mut forged.delegation {
        delegation.valid_until += 1;
    }
    assert_eq!(forged.verify(&domain()), Err(SignatureError::WrongSigner.into()));
    // Another key's request under the first one's grant.
    let mut stolen = request();
    stolen.signer = key(1).public_key();
    stolen.signature = key(1).sign(stolen.id()).unwrap();
    assert_eq!(stolen.verify(&domain()), Err(SignatureError::WrongSigner.into()));
    // Without a grant the Judge must tell.
    assert_eq!(PaymentRequest { delegation: None, ..request() }.verify(&domain()), Ok(()));
}

#[test]
fn bounds_are_kept() {
    let read = |request: PaymentRequest| PaymentRequest::from_bytes(&request.to_bytes()).map(|_| ());
    let issued = request().issued;
    let bad = [
        ("amount", PaymentRequest { amount: Some(Amount::ZERO), ..request() }),
        ("life", PaymentRequest { expiry: issued, ..request() }),
        ("life", PaymentRequest { expiry: 0, ..request() }),
        ("life", PaymentRequest { expiry: issued + MAX_REQUEST_LIFE + 1, ..request() }),
        ("memo", PaymentRequest { memo: Some(Memo::new("").unwrap()), ..request() }),
        ("relay", PaymentRequest { relay: Some(String::new()), ..request() }),
        ("relay", PaymentRequest { relay: Some("r".repeat(MAX_RELAY_URL_BYTES + 1)), ..request() }),
    ];
    for (what, bad) in bad {
        assert_eq!(read(bad), Err(RequestError::Bounds(what)));
    }
    let hints = vec![request().hints[0]; MAX_ROUTE_HINTS + 1];
    assert_eq!(read(PaymentRequest { hints, ..request() }), Err(RequestError::Malformed));
    assert_eq!(read(PaymentRequest { expiry: issued + MAX_REQUEST_LIFE, ..request() }), Ok(()));
}

#[test]
fn a_request_has_one_form() {
    let good = request().to_bytes();
    let mut longer = good.clone();
    longer.push(0);
    // A field of its own more, which another reader would skip: {…, 14: 0}.
    let mut stranger = good.clone();
    assert_eq!(stranger[1], 0xae, "a map of fourteen");
    stranger[1] = 0xaf;
    stranger.extend([14, 0]);
    for bad in [longer, stranger, vec![PROTOCOL_VERSION], good[..good.len() - 1].to_vec()] {
        assert_eq!(PaymentRequest::from_bytes(&bad), Err(RequestError::Malformed));
    }
    assert_eq!(PaymentRequest::from_bytes(&[]), Err(RequestError::Malformed));
    let mut later = good;
    later[0] = 2;
    assert_eq!(PaymentRequest::from_bytes(&later), Err(RequestError::Version(2)));
}

#[test]
fn a_receipt_is_for_one_request_and_signed_by_its_key() {
    let good = receipt();
    assert_eq!(good.verify(&request()), Ok(()));
    let terms: [fn(&mut Receipt); 5] = [
        |receipt| receipt.request.0[0] ^= 1,
        |receipt| receipt.payee = Address::repeat_byte(5),
        |receipt| receipt.token = Address::repeat_byte(5),
        |receipt| receipt.amount = Amount::new(1),
        |receipt| receipt.amount = Amount::ZERO,
    ];
    for change in terms {
        let mut bad = good;
        change(&mut bad);
        assert_eq!(bad.verify(&request()), Err(RequestError::OtherTerms));
    }
    let signed: [fn(&mut Receipt); 3] = [
        |receipt| receipt.payment.0[0] ^= 1,
        |receipt| receipt.payer = Address::repeat_byte(5),
        |receipt| receipt.at += 1,
    ];
    for change in signed {
        let mut bad = good;
        change(&mut bad);
        assert_eq!(bad.verify(&request()), Err(SignatureError::WrongSigner.into()));
    }
    let mut foreign = good;
    foreign.signature = key(1).sign(foreign.digest(&domain())).unwrap();
    assert_eq!(foreign.verify(&request()), Err(SignatureError::WrongSigner.into()));
    // Where the payer chooses, any amount but none will do.
    let open = resigned(PaymentRequest { amount: None, ..request() });
    let mut chosen = Receipt { request: open.id(), amount: Amount::new(3), ..good };
    chosen.signature = key(0xbb).sign(chosen.digest(&domain())).unwrap();
    assert_eq!(chosen.verify(&open), Ok(()));
}

#[test]
fn the_signed_types_are_frozen() {
    assert_eq!(
        sol_types::PaymentRequest::eip712_encode_type(),
        "PaymentRequest(bytes16 reference,address payee,address sessionKey,address token,uint128 amount,uint64 issued,\
         uint64 expiry,string memo,string relay,RouteHint[] hints)\
         RouteHint(bytes32 channelId,address from,address to,uint128 flat,uint32 proportional,uint128 capacity)"
    );
    assert_eq!(
        sol_types::Receipt::eip712_encode_type(),
        "Receipt(bytes32 request,bytes16 payment,address payer,address payee,address token,uint128 amount,uint64 at)"
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = PaymentRequest::from_bytes(&bytes);
    }
}
