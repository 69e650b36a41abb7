//! The wallet binding against providers written in JavaScript, the polite and the odd.

use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use super::*;

/// A wallet whose `request` has this body; it sees `method`, `params` and all of its `args`.
fn wallet(body: &str) -> InjectedWallet {
    let source = format!("({{ async request(args) {{ const {{ method, params }} = args; {body} }} }})");
    InjectedWallet::new(js_sys::eval(&source).unwrap().unchecked_into())
}

async fn answer(body: &str) -> Result<Value, RpcError> {
    wallet(body).request("eth_call", json!([])).await
}

async fn error(body: &str) -> RpcError {
    answer(body).await.unwrap_err()
}

#[wasm_bindgen_test]
async fn parameters_arrive_as_plain_objects() {
    let echo = wallet("return { text: JSON.stringify(args), plain: params[0].constructor === Object };");
    let params = json!([{ "to": "0x01", "value": "340282366920938463463374607431768211455", "deep": [{ "a": null }] }, "latest", 7, true]);
    let answer = echo.request("eth_call", params.clone()).await.unwrap();
    assert_eq!(answer["plain"], true);
    let sent: Value = serde_json::from_str(answer["text"].as_str().unwrap()).unwrap();
    assert_eq!(sent, json!({ "method": "eth_call", "params": params }));
}

#[wasm_bindgen_test]
async fn no_parameters_are_left_out() {
    let keys = wallet("return Object.keys(args);").request("eth_chainId", Value::Null).await;
    assert_eq!(keys, Ok(json!(["method"])));
}

#[wasm_bindgen_test]
async fn answers_come_back_as_json() {
    assert_eq!(answer("return '0x7a69';").await, Ok(json!("0x7a69")));
    assert_eq!(answer("return null;").await, Ok(Value::Null));
    assert_eq!(answer("return;").await, Ok(Value::Null));
    let log = "return { a: [1, -2, 0.5, 9007199254740991, 1e300, true], big: 2n ** 100n, less: -1n,
        text: '115792089237316195423570985008687907853269984665640564039457584007913129639935', none: undefined };";
    let expected = json!({
        "a": [1, -2, 0.5, 9_007_199_254_740_991_i64, 1e300, true],
        "big": "0x10000000000000000000000000",
        "less": "-0x1",
        "text": "115792089237316195423570985008687907853269984665640564039457584007913129639935",
    });
    assert_eq!(answer(log).await, Ok(expected));
}

#[wasm_bindgen_test]
async fn rejections_keep_code_message_and_nested_data() {
    let rejected = error("throw { code: 4001, message: 'User rejected' };").await;
    assert_eq!(rejected, RpcError { code: 4001, message: "User rejected".into(), data: None });
    let nested = error(
        "throw Object.assign(new Error('Internal JSON-RPC error.'), { code: -32603, data: { code: 3, message: 'execution reverted', data: '0xdeadbeef' } });",
    );
    let data = json!({ "code": 3, "message": "execution reverted", "data": "0xdeadbeef" });
    let message = "Internal JSON-RPC error.".to_owned();
    assert_eq!(nested.await, RpcError { code: -32603, message, data: Some(data) });
    let text = error("throw { code: '-32000', message: 'insufficient funds', data: '0x01' };").await;
    assert_eq!(text, RpcError { code: -32000, message: "insufficient funds".into(), data: Some(json!("0x01")) });
}

#[wasm_bindgen_test]
async fn a_wrapped_error_keeps_its_cause() {
    let wrapped = error(
        "throw new Error('call failed', { cause: Object.assign(new Error('reverted'), { code: 3, data: '0x02' }) });",
    );
    let wrapped = wrapped.await;
    assert_eq!((wrapped.code, wrapped.message.as_str()), (-32603, "call failed"));
    let data = wrapped.data.unwrap();
    assert_eq!((&data["code"], &data["message"], &data["data"]), (&json!(3), &json!("reverted"), &json!("0x02")));
    assert!(data.get("stack").is_none());
}

#[wasm_bindgen_test]
async fn errors_without_a_code_are_internal_ones() {
    let cases = [
        ("throw new Error('plain');", "plain"),
        ("throw new TypeError('typed');", "typed"),
        ("throw 'text';", "text"),
        ("throw { code: 'ACTION_REJECTED', message: 'ethers' };", "ethers"),
        ("throw { code: 1.5, message: 'half' };", "half"),
        ("throw new DOMException('why', 'AbortError');", "why"),
        ("throw {};", "an unknown value was thrown"),
    ];
    for (body, message) in cases {
        let error = error(body).await;
        let expected = if body.contains("DOMException") { 20 } else { -32603 };
        assert_eq!((error.code, error.message.as_str()), (expected, message));
    }
    assert_eq!(error("throw undefined;").await.code, -32603);
}

#[wasm_bindgen_test]
async fn odd_wallets_do_not_trap() {
    let odd = |source: &str| InjectedWallet::new(js_sys::eval(source).unwrap().unchecked_into());
    let plain = odd("({ request() { return '0x1'; } })");
    assert_eq!(plain.request("eth_chainId", Value::Null).await, Ok(json!("0x1")));
    let throws = odd("({ request() { throw { code: 4900, message: 'Disconnected' }; } })");
    assert_eq!(throws.request("eth_chainId", Value::Null).await.unwrap_err().code, 4900);
    for source in ["({})", "({ request: 7 })", "({ get request() { throw new Error('no'); } })"] {
        assert_eq!(odd(source).request("eth_chainId", Value::Null).await.unwrap_err().code, -32603);
    }
}

#[wasm_bindgen_test]
async fn odd_answers_do_not_trap() {
    for body in [
        "const a = {}; a.a = a; return a;",
        "const a = {}; a.a = a; a.b = a; a.c = a; return a;",
        "const a = []; a.push(a, a); return a;",
        "return () => 1;",
        "return Symbol('s');",
        "return new Proxy({}, { ownKeys() { throw new Error('no'); } });",
        "return new Proxy([1], { get() { throw new Error('no'); } });",
    ] {
        assert_eq!(error(body).await.code, -32603, "{body}");
    }
    assert_eq!(answer("return { ok: 1, get bad() { throw new Error('no'); }, f() {} };").await, Ok(json!({ "ok": 1 })));
    let cyclic = error("const e = new Error('loop'); e.data = { e, f: e }; throw e;").await;
    assert_eq!((cyclic.code, cyclic.message.as_str()), (-32603, "loop"));
    let hostile = error("throw new Proxy({}, { get() { throw new Error('no'); } });").await;
    assert_eq!(hostile.code, -32603);
}

#[wasm_bindgen_test]
async fn a_number_that_javascript_cannot_hold_is_not_sent() {
    let error = wallet("return 1;").request("eth_call", json!([u64::MAX])).await.unwrap_err();
    assert_eq!(error.code, -32602);
}
