/** The module that the build writes from the wasm file: its bytes, deflated, in base64. */
declare const deflated: string;
export default deflated;
