// Stands in for tiny-secp256k1's own loader, which needs a bundler that imports wasm as a module.
import { generateInt32 } from "./node_modules/tiny-secp256k1/lib/rand.browser.js";
import { throwError } from "./node_modules/tiny-secp256k1/lib/validate_error.js";

const imports = { "./rand.js": { generateInt32 }, "./validate_error.js": { throwError } };
const { instance } = await WebAssembly.instantiateStreaming(fetch("/peers/tiny-secp256k1/lib/secp256k1.wasm"), imports);
export default instance.exports;
