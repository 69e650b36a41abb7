// What the pages run besides what ships: the bench crate in wasm, and the bundle with the peers.
import { buildCrate } from "../../scripts/build-wasm.mjs";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { bundlePeers, installPeers } from "./peers.mjs";

/** Everything that the pages load. */
export async function buildPages() {
  await buildCrate({ crate: "chit-bench", name: "bench", inputs: ["benches/engine"], folder: inRoot("benches", "dist") });
  await installPeers();
  await bundlePeers();
}
