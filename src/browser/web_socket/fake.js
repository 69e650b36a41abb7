// A WebSocket whose network is the test.
const Real = globalThis.WebSocket;
let last;

class Fake {
  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSING = 2;
  static CLOSED = 3;
  readyState = 0;
  bufferedAmount = 0;
  sent = [];
  closedWith = undefined;
  constructor(url) {
    this.url = url;
    last = this;
  }
  send(data) {
    this.sent.push(new Uint8Array(data));
    this.bufferedAmount += data.byteLength;
  }
  close(code, reason) {
    this.closedWith = [code, reason];
    this.readyState = 2;
  }
  opened() {
    this.readyState = 1;
    this.onopen?.({});
  }
  ended(code, reason) {
    this.readyState = 3;
    this.onclose?.(new CloseEvent("close", { code, reason }));
  }
  arrived(bytes) {
    this.onmessage?.(new MessageEvent("message", { data: bytes.slice().buffer }));
  }
  arrived_text(data) {
    this.onmessage?.(new MessageEvent("message", { data }));
  }
  drained() {
    this.bufferedAmount = 0;
  }
}

export function install() {
  globalThis.WebSocket = Fake;
}
export function restore() {
  globalThis.WebSocket = Real;
}
export function newest() {
  return last;
}
