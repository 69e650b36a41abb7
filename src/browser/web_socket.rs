//! The link over a WebSocket: binary frames, bounded in both directions.
//!
//! Directly over web-sys: gloo-net queues received frames without a bound, sends every frame through a `Blob`, and traps
//! on values it does not expect. A browser cannot slow a sender down, so a server that sends faster than this client
//! takes is cut off; the outbox repeats what was lost.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use futures::future::{Either, select};
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

use super::runtime::sleep;
use super::scope::describe;
use crate::protocol::MAX_MESSAGE_BYTES;
use crate::transport::{Dial, Link, LinkError};

#[cfg(test)]
mod tests;

/// How often a sender looks whether the browser has sent enough; there is no event for it.
const DRAIN_INTERVAL: Duration = Duration::from_millis(10);

/// The application's own close code for a server that does not keep to what this client takes.
const MISBEHAVED: u16 = 4000;

/// What a link holds at most, and how long it may take to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSocketLimits {
    /// Bytes of one frame, in either direction.
    pub frame: usize,
    /// Bytes handed to the browser and not yet sent; senders wait above it.
    pub unsent: u32,
    /// Bytes received and not yet taken; the link closes above it.
    pub received: usize,
    /// Frames received and not yet taken; the link closes above it.
    pub received_frames: usize,
    /// Time to open the connection.
    pub open: Duration,
}

impl Default for WebSocketLimits {
    fn default() -> Self {
        Self {
            // A message, its seal and the relay's envelope.
            frame: MAX_MESSAGE_BYTES + 4096,
            unsent: 1 << 20,
            received: 8 << 20,
            received_frames: 16_384,
            open: Duration::from_secs(10),
        }
    }
}

/// Opens WebSockets.
#[derive(Clone, Debug, Default)]
pub struct WebSocketDial {
    limits: WebSocketLimits,
}

impl WebSocketDial {
    /// A dialer whose links keep these limits.
    pub const fn new(limits: WebSocketLimits) -> Self {
        Self { limits }
    }
}

/// An open WebSocket. Dropping it closes it.
pub struct WebSocketLink {
    socket: WebSocket,
    limits: WebSocketLimits,
    state: Rc<RefCell<State>>,
    _events: Events,
}

type Events = (Closure<dyn FnMut()>, Closure<dyn FnMut(MessageEvent)>, Closure<dyn FnMut(CloseEvent)>);

impl fmt::Debug for WebSocketLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketLink").field("url", &self.socket.url()).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    open: bool,
    closed: Option<String>,
    frames: VecDeque<Vec<u8>>,
    bytes: usize,
    waiting: Vec<Waker>,
}

impl State {
    fn wake(&mut self) {
        self.waiting.drain(..).for_each(Waker::wake);
    }

    fn close(&mut self, reason: String) {
        self.closed.get_or_insert(reason);
        self.wake();
    }

    /// Queues a frame, or says why the server must be cut off.
    fn take_in(&mut self, data: &JsValue, limits: &WebSocketLimits) -> Result<(), &'static str> {
        let Some(buffer) = data.dyn_ref::<ArrayBuffer>() else { return Err("it sent a frame that is not binary") };
        let length = buffer.byte_length() as usize;
        if length > limits.frame {
            return Err("it sent a frame that is too large");
        }
        if self.frames.len() >= limits.received_frames || self.bytes.saturating_add(length) > limits.received {
            return Err("it sent more than could be taken");
        }
        self.bytes = self.bytes.saturating_add(length);
        self.frames.push_back(Uint8Array::new(buffer).to_vec());
        self.wake();
        Ok(())
    }
}

fn listen(socket: &WebSocket, state: &Rc<RefCell<State>>, limits: &WebSocketLimits) -> Events {
    let on_open = Closure::new({
        let state = Rc::clone(state);
        move || {
            let mut state = state.borrow_mut();
            state.open = true;
            state.wake();
        }
    });
    let on_message = Closure::new({
        let (state, limits, socket) = (Rc::clone(state), limits.clone(), socket.clone());
        move |event: MessageEvent| {
            let mut state = state.borrow_mut();
            if state.closed.is_some() {
                return;
            }
            if let Err(reason) = state.take_in(&event.data(), &limits) {
                state.close(reason.to_owned());
                let _ = socket.close_with_code_and_reason(MISBEHAVED, reason);
            }
        }
    });
    let on_close = Closure::new({
        let state = Rc::clone(state);
        move |event: CloseEvent| {
            let reason = if event.reason().is_empty() { "no reason given".to_owned() } else { event.reason() };
            state.borrow_mut().close(format!("{reason} (code {})", event.code()));
        }
    });
    socket.set_onopen(Some(on_open.as_ref().unchecked_ref()));
    socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    // An `error` event carries nothing and a `close` event always follows it.
    socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
    (on_open, on_message, on_close)
}

impl Drop for WebSocketLink {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        let _ = self.socket.close();
    }
}

impl WebSocketLink {
    /// Waits until `ready` answers something; it is asked again whenever anything happened on the socket.
    async fn when<T>(&self, mut ready: impl FnMut(&mut State) -> Option<T>) -> T {
        poll_fn(|context| {
            let mut state = self.state.borrow_mut();
            match ready(&mut state) {
                Some(answer) => Poll::Ready(answer),
                None => {
                    if !state.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                        state.waiting.push(context.waker().clone());
                    }
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Waits for anything to happen on the socket, or a moment.
    async fn something(&self) {
        let mut asked = false;
        let event = self.when(|_| std::mem::replace(&mut asked, true).then_some(()));
        select(Box::pin(event), Box::pin(sleep(DRAIN_INTERVAL))).await;
    }
}

impl Link for WebSocketLink {
    async fn send(&self, frame: Vec<u8>) -> Result<(), LinkError> {
        if frame.len() > self.limits.frame {
            return Err(LinkError::TooLarge(frame.len()));
        }
        loop {
            if let Some(reason) = &self.state.borrow().closed {
                return Err(LinkError::Closed(reason.clone()));
            }
            // After closing began, the browser takes frames, counts them and drops them.
            if self.socket.ready_state() != WebSocket::OPEN {
                return Err(LinkError::Closed("the connection is closing".to_owned()));
            }
            if self.socket.buffered_amount() <= self.limits.unsent {
                break;
            }
            self.something().await;
        }
        self.socket.send_with_u8_array(&frame).map_err(|thrown| LinkError::Closed(describe(&thrown)))
    }

    async fn receive(&self) -> Result<Vec<u8>, LinkError> {
        self.when(|state| match state.frames.pop_front() {
            Some(frame) => {
                state.bytes = state.bytes.saturating_sub(frame.len());
                Some(Ok(frame))
            }
            None => state.closed.clone().map(|reason| Err(LinkError::Closed(reason))),
        })
        .await
    }
}

impl Dial for WebSocketDial {
    type Link = WebSocketLink;

    async fn dial(&self, url: &str) -> Result<WebSocketLink, LinkError> {
        let socket = WebSocket::new(url).map_err(|thrown| LinkError::Connect(describe(&thrown)))?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let state = Rc::new(RefCell::new(State::default()));
        let events = listen(&socket, &state, &self.limits);
        let link = WebSocketLink { socket, limits: self.limits.clone(), state, _events: events };
        let opened = link.when(|state| match &state.closed {
            Some(reason) => Some(Err(LinkError::Connect(reason.clone()))),
            None => state.open.then_some(Ok(())),
        });
        let in_time = match select(Box::pin(opened), Box::pin(sleep(self.limits.open))).await {
            Either::Left((opened, _)) => opened,
            Either::Right(_) => Err(LinkError::Connect("no answer in time".to_owned())),
        };
        in_time.map(|()| link)
    }
}
