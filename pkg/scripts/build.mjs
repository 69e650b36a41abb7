// Builds dist/: TypeScript to JavaScript and declarations, and the inlined copy of the wasm file.
// The core must be there already: dist/wasm/chit.js and dist/wasm/chit_bg.wasm, written by wasm-bindgen.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const glue = join(root, 'dist/wasm/chit.js');
const wasm = join(root, 'dist/wasm/chit_bg.wasm');

function fail(message) {
  console.error(message);
  process.exit(1);
}

if (!existsSync(glue) || !existsSync(wasm)) {
  fail('dist/wasm/ has no core. Run `npm run build` at the root of the repository, which compiles it first.');
}
if (/new URL\(/.test(await readFile(glue, 'utf8'))) {
  fail(
    'dist/wasm/chit.js refers to the wasm file by itself, so ./slim would drag it along. ' +
      'Run wasm-bindgen with --omit-default-module-path.',
  );
}

const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
try {
  execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.json')], { stdio: 'inherit' });
} catch {
  process.exit(1);
}

// Deflated first: base64 alone would make the module four times as large as it has to be.
const inlined = deflateRawSync(await readFile(wasm), { level: 9 }).toString('base64');
await writeFile(join(root, 'dist/wasm/chit_inline.js'), `export default '${inlined}';\n`);
