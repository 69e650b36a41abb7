// The steps of a payment as the browser sees them: a test can write them down, stop the tab dead at one of them, and make
// storage fail. Loaded before the client.

const gates = {
  /** The steps since `record`; `undefined` while nobody records. */
  seen: undefined,
  /** The index of the step at which the tab stops. */
  stopAt: undefined,
  /** How the next commit fails: "full" throws, "abort" takes the transaction back. */
  failing: undefined,
  record(stopAt) {
    this.seen = [];
    this.stopAt = stopAt;
  },
};

function pass(step) {
  if (gates.seen === undefined) return;
  gates.seen.push(step);
  if (gates.seen.length - 1 !== gates.stopAt) return;
  // The server never answers, so the tab's only thread does nothing more until somebody ends the tab.
  const request = new XMLHttpRequest();
  request.open("GET", `/stopped?step=${encodeURIComponent(step)}`, false);
  request.send();
}

const begun = new WeakSet();
const { transaction } = IDBDatabase.prototype;
IDBDatabase.prototype.transaction = function (...parameters) {
  const made = transaction.apply(this, parameters);
  // The first listener, so nothing of the client has heard of the commit yet.
  if (made.mode === "readwrite") made.addEventListener("complete", () => pass("committed"));
  return made;
};

const { put } = IDBObjectStore.prototype;
IDBObjectStore.prototype.put = function (...parameters) {
  if (!begun.has(this.transaction)) {
    begun.add(this.transaction);
    pass("before commit");
  }
  if (gates.failing === "full") throw new DOMException("the test's disk is full", "QuotaExceededError");
  const request = put.apply(this, parameters);
  if (gates.failing === "abort") this.transaction.abort();
  return request;
};

const Native = window.WebSocket;
export const counters = { requests: {}, sent: 0, received: 0 };
window.WebSocket = class extends Native {
  constructor(...parameters) {
    super(...parameters);
    this.addEventListener("message", () => {
      counters.received += 1;
      pass("frame received");
    });
  }
  send(data) {
    counters.sent += 1;
    pass("before frame");
    super.send(data);
    pass("frame sent");
  }
};

window.gates = gates;

/** Every stored update, as pairs of key and value in hex, read past the client. */
window.storedUpdates = async () => {
  const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const found = [];
  for (const { name } of await indexedDB.databases()) {
    const database = await done(indexedDB.open(name));
    if (database.objectStoreNames.contains("records")) {
      const records = transaction.call(database, "records").objectStore("records");
      const updates = IDBKeyRange.bound(new Uint8Array([0x75]), new Uint8Array([0x76]), false, true);
      const [keys, values] = await Promise.all([done(records.getAllKeys(updates)), done(records.getAll(updates))]);
      keys.forEach((key, index) => found.push([hex(key), hex(values[index])]));
    }
    database.close();
  }
  return found;
};
