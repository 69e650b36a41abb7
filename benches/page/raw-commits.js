// What IndexedDB itself allows on this machine: strict transactions, one after the other, as bare as they can be.

const asked = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const done = (transaction) =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });

/** Strict commits per second of one value of `bytes` bytes each, over `target` milliseconds. */
export async function rawCommits({ bytes, target = 1_000 }) {
  const name = `raw-${Math.random()}`;
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("records");
  const database = await asked(opening);
  const value = new Uint8Array(bytes).map(() => Math.random() * 256);
  const begun = performance.now();
  let commits = 0;
  while (performance.now() - begun < target) {
    const transaction = database.transaction("records", "readwrite", { durability: "strict" });
    transaction.objectStore("records").put(value, (commits += 1));
    transaction.commit();
    await done(transaction);
  }
  const figure = (commits * 1_000) / (performance.now() - begun);
  database.close();
  await asked(indexedDB.deleteDatabase(name));
  return figure;
}
