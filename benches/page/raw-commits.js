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

/**
 * Strict commits per second of `values` values of `bytes` bytes each in one transaction; one figure per repetition.
 */
export async function rawCommits({ values, bytes, repeats = 5, target = 1_000 }) {
  const name = `raw-${Math.random()}`;
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("records");
  const database = await asked(opening);
  const value = crypto.getRandomValues(new Uint8Array(bytes));
  let key = 0;
  const figures = [];
  for (let repeat = 0; repeat <= repeats; repeat += 1) {
    const begun = performance.now();
    let commits = 0;
    while (performance.now() - begun < target) {
      const transaction = database.transaction("records", "readwrite", { durability: "strict" });
      const records = transaction.objectStore("records");
      for (let put = 0; put < values; put += 1) records.put(value, (key += 1));
      transaction.commit();
      await done(transaction);
      commits += 1;
    }
    if (repeat > 0) figures.push((commits * 1_000) / (performance.now() - begun));
  }
  database.close();
  await asked(indexedDB.deleteDatabase(name));
  return figures;
}
