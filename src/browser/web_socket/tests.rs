//! The link against a WebSocket whose network is the test, and against a port where nobody listens.

use futures::{join, poll};
use wasm_bindgen_test::wasm_bindgen_test;

use super::*;

#[wasm_bindgen(module = "/src/browser/web_socket/fake.js")]
extern "C" {
    fn install();
    fn restore();
    fn newest() -> Fake;

    type Fake;
    #[wasm_bindgen(method)]
    fn opened(this: &Fake);
    #[wasm_bindgen(method)]
    fn ended(this: &Fake, code: u16, reason: &str);
    #[wasm_bindgen(method)]
    fn arrived(this: &Fake, bytes: &[u8]);
    #[wasm_bindgen(method)]
    fn arrived_text(this: &Fake, text: &str);
    #[wasm_bindgen(method)]
    fn drained(this: &Fake);
    #[wasm_bindgen(method, getter)]
    fn sent(this: &Fake) -> Vec<Uint8Array>;
    #[wasm_bindgen(method, getter, js_name = closedWith)]
    fn closed_with(this: &Fake) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn onmessage(this: &Fake) -> JsValue;
}

impl Fake {
    fn close_code(&self) -> Option<f64> {
        js_sys::Reflect::get_u32(&self.closed_with(), 0).ok()?.as_f64()
    }
}

/// While it lives, new WebSockets are fakes.
struct Faked;

impl Faked {
    fn new() -> Self {
        install();
        Self
    }
}

impl Drop for Faked {
    fn drop(&mut self) {
        restore();
    }
}

fn small() -> WebSocketLimits {
    WebSocketLimits { frame: 100, unsent: 150, received: 250, received_frames: 4, open: Duration::from_millis(50) }
}

async fn connected(limits: WebSocketLimits) -> (WebSocketLink, Fake) {
    let dial = WebSocketDial::new(limits);
    let (link, ()) = join!(dial.dial("ws://relay.test"), async { newest_soon().await.opened() });
    (link.unwrap(), newest())
}

/// The fake that is made by what runs at the same time.
async fn newest_soon() -> Fake {
    sleep(Duration::from_millis(1)).await;
    newest()
}

#[wasm_bindgen_test]
async fn frames_go_both_ways_in_order() {
    let _faked = Faked::new();
    let (link, fake) = connected(small()).await;
    link.send(vec![1, 2, 3]).await.unwrap();
    link.send(Vec::new()).await.unwrap();
    assert_eq!(fake.sent().iter().map(Uint8Array::to_vec).collect::<Vec<_>>(), [vec![1, 2, 3], Vec::new()]);
    fake.arrived(&[4]);
    fake.arrived(&[5, 6]);
    assert_eq!(link.receive().await, Ok(vec![4]));
    assert_eq!(link.receive().await, Ok(vec![5, 6]));
    let (frame, ()) = join!(link.receive(), async { fake.arrived(&[7]) });
    assert_eq!(frame, Ok(vec![7]));
}

#[wasm_bindgen_test]
async fn a_sender_waits_while_too_much_is_unsent() {
    let _faked = Faked::new();
    let (link, fake) = connected(small()).await;
    link.send(vec![0; 100]).await.unwrap();
    link.send(vec![1; 100]).await.unwrap();
    let mut third = Box::pin(link.send(vec![2; 100]));
    assert!(poll!(&mut third).is_pending());
    sleep(Duration::from_millis(40)).await;
    assert!(poll!(&mut third).is_pending());
    assert_eq!(fake.sent().len(), 2);
    fake.drained();
    third.await.unwrap();
    assert_eq!(fake.sent().len(), 3);
}

#[wasm_bindgen_test]
async fn a_waiting_sender_is_woken_by_what_arrives_and_by_the_end() {
    let _faked = Faked::new();
    let (link, fake) = connected(small()).await;
    link.send(vec![0; 100]).await.unwrap();
    link.send(vec![1; 100]).await.unwrap();
    let (sent, ()) = join!(link.send(vec![2; 50]), async {
        fake.drained();
        fake.arrived(&[1]);
    });
    sent.unwrap();
    link.send(vec![3; 100]).await.unwrap();
    link.send(vec![4; 100]).await.unwrap();
    let (sent, ()) = join!(link.send(vec![5; 50]), async { fake.ended(1006, "") });
    assert!(matches!(sent, Err(LinkError::Closed(_))));
}

#[wasm_bindgen_test]
async fn frames_that_are_too_large_are_refused_before_they_are_sent() {
    let _faked = Faked::new();
    let (link, fake) = connected(small()).await;
    assert_eq!(link.send(vec![0; 101]).await, Err(LinkError::TooLarge(101)));
    link.send(vec![0; 100]).await.unwrap();
    assert_eq!(fake.sent().len(), 1);
}

#[wasm_bindgen_test]
async fn what_arrived_is_handed_out_before_the_end_is_told() {
    let _faked = Faked::new();
    let (link, fake) = connected(small()).await;
    fake.arrived(&[1]);
    fake.ended(4001, "another client took over");
    assert_eq!(link.receive().await, Ok(vec![1]));
    let closed = LinkError::Closed("another client took over (code 4001)".to_owned());
    assert_eq!(link.receive().await, Err(closed.clone()));
    assert_eq!(link.send(vec![1]).await, Err(closed));
}

#[wasm_bindgen_test]
async fn a_server_that_sends_too_much_is_cut_off() {
    let _faked = Faked::new();
    let floods: [fn(&Fake); 4] = [
        |fake| (0..5).for_each(|_| fake.arrived(&[1])),
        |fake| (0..3).for_each(|_| fake.arrived(&[1; 100])),
        |fake| fake.arrived(&[1; 101]),
        |fake| fake.arrived_text("hello"),
    ];
    for (flood, kept) in floods.into_iter().zip([4, 2, 0, 0]) {
        let (link, fake) = connected(small()).await;
        flood(&fake);
        assert_eq!(fake.close_code(), Some(4000.0));
        fake.arrived(&[9]);
        for _ in 0..kept {
            link.receive().await.unwrap();
        }
        assert!(matches!(link.receive().await, Err(LinkError::Closed(_))));
        assert!(matches!(link.send(vec![1]).await, Err(LinkError::Closed(_))));
    }
}

#[wasm_bindgen_test]
async fn taking_frames_makes_room_for_more() {
    let _faked = Faked::new();
    let (link, fake) = connected(small()).await;
    for _ in 0..20 {
        fake.arrived(&[1; 100]);
        fake.arrived(&[2; 100]);
        link.receive().await.unwrap();
        link.receive().await.unwrap();
    }
    assert_eq!(fake.close_code(), None);
}

#[wasm_bindgen_test]
async fn dropping_the_link_closes_it_and_listens_no_more() {
    let _faked = Faked::new();
    let (link, fake) = connected(small()).await;
    assert!(fake.closed_with().is_undefined());
    drop(link);
    assert!(!fake.closed_with().is_undefined());
    assert!(fake.onmessage().is_falsy());
    fake.arrived(&[1]);
    fake.ended(1000, "");
}

#[wasm_bindgen_test]
async fn a_server_that_refuses_or_never_answers_cannot_be_dialled() {
    let _faked = Faked::new();
    let dial = WebSocketDial::new(small());
    let (refused, ()) = join!(dial.dial("ws://relay.test"), async { newest_soon().await.ended(1013, "too busy") });
    assert_eq!(refused.unwrap_err(), LinkError::Connect("too busy (code 1013)".to_owned()));
    let silent = dial.dial("ws://relay.test").await.unwrap_err();
    assert_eq!(silent, LinkError::Connect("no answer in time".to_owned()));
    assert!(!newest().closed_with().is_undefined());
    let mut given_up = Box::pin(dial.dial("ws://relay.test"));
    assert!(poll!(&mut given_up).is_pending());
    drop(given_up);
    assert!(!newest().closed_with().is_undefined());
}

#[wasm_bindgen_test]
async fn a_frame_is_not_handed_to_a_socket_that_is_closing() {
    let _faked = Faked::new();
    let (link, fake) = connected(small()).await;
    link.socket.close().unwrap();
    assert!(matches!(link.send(vec![1]).await, Err(LinkError::Closed(_))));
    assert!(fake.sent().is_empty());
}

#[wasm_bindgen_test]
async fn the_browsers_own_socket_says_when_nobody_listens() {
    let dial = WebSocketDial::default();
    assert!(matches!(dial.dial("not a url").await, Err(LinkError::Connect(_))));
    // Port 9 is on the list of ports that browsers refuse to reach.
    assert!(matches!(dial.dial("ws://127.0.0.1:9").await, Err(LinkError::Connect(_))));
}
