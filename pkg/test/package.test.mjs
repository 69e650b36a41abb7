// What is published: names, files, declarations; and that importing it does nothing.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..');
const NAMES = [
  'ChitError', 'ErrorCode', 'MAX_AMOUNT', 'MAX_MEMO_BYTES', 'NATIVE_TOKEN', 'createChannelClient', 'discoverWallets',
  'isChitError', 'receiptTypedData', 'requestLink',
];

/** A file and all that it imports, with their texts. */
async function reachable(path, seen = new Map()) {
  if (seen.has(path)) return seen;
  const text = await readFile(path, 'utf8');
  seen.set(path, text);
  for (const [, next] of text.matchAll(/from '(\.[^']+)'/g)) await reachable(join(dirname(path), next), seen);
  return seen;
}

describe('entries', () => {
  for (const entry of ['@chit/client', '@chit/client/inline', '@chit/client/slim', '../dist/index.js']) {
    test(`${entry} exports exactly the public names, on a server too`, async () => {
      assert.deepEqual(Object.keys(await import(entry)).sort(), NAMES);
    });
  }

  test('the HTTP entries export their functions, and bring no core along', async () => {
    assert.deepEqual(Object.keys(await import('@chit/client/http')).sort(), ['handle', 'serveHttp']);
    assert.deepEqual(Object.keys(await import('@chit/client/service-worker')), ['answerChit']);
    for (const name of ['http/index.js', 'http/worker.js']) {
      const files = await reachable(join(root, 'dist', name));
      assert.deepEqual([...files.keys()].filter((path) => /wasm|client\.js$/.test(path) && !path.includes('http/')), [], name);
    }
  });

  test('the main entry brings no HTTP along', async () => {
    const files = await reachable(join(root, 'dist/slim.js'));
    assert.deepEqual([...files.keys()].filter((path) => path.includes('http')), []);
  });

  test('QR codes are an entry of their own', async () => {
    assert.deepEqual(Object.keys(await import('@chit/client/qr')), ['requestQr']);
    const files = await reachable(join(root, 'dist/slim.js'));
    assert.deepEqual([...files.keys()].filter((path) => path.endsWith('qr.js')), []);
  });

  test('slim needs its wasm file', async () => {
    const { createChannelClient, MAX_AMOUNT } = await import('@chit/client/slim');
    const { config } = await import('./helpers.mjs');
    assert.equal(MAX_AMOUNT, 2n ** 128n - 1n);
    await assert.rejects(createChannelClient(config), ({ code }) => code === 'NOT_INITIALIZED');
  });

  test('slim refers to no asset', async () => {
    const files = await reachable(join(root, 'dist/slim.js'));
    for (const [path, text] of files) assert.doesNotMatch(text, /import\.meta|import\(/, path);
    assert.ok(files.size > 10);
  });

  test('the list of the client is complete', async () => {
    const { start } = await import('./helpers.mjs');
    const { client } = await start();
    assert.deepEqual(Object.keys(client).sort(), [
      'authorize', 'balance', 'chainId', 'channel', 'channels', 'close', 'closeChannel', 'closed', 'createRequest', 'deposit', 'estimateCapacity', 'events', 'judge',
      'network', 'on', 'openChannel', 'pay', 'payRequest', 'payments', 'quote', 'readRequest', 'requestStatus', 'requests', 'respond', 'settle', 'status', 'testing', 'wallet',
      'withdraw',
    ]);
    assert.ok(Object.isFrozen(client));
  });
});

test('the tarball has what it needs and nothing else', () => {
  const [{ files }] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json'], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  const paths = files.map(({ path }) => path);
  for (const path of ['package.json', 'openapi.json', 'dist/http/index.js', 'dist/http/worker.js', 'README.md', 'LICENSE-MIT', 'LICENSE-APACHE', 'dist/index.js', 'dist/index.d.ts', 'dist/index.node.js', 'dist/slim.js', 'dist/inline.js', 'dist/wasm/chit.js', 'dist/wasm/chit_bg.wasm', 'dist/wasm/chit_inline.js']) {
    assert.ok(paths.includes(path), `${path} is missing`);
  }
  const allowed = /^(package\.json|openapi\.json|README\.md|LICENSE-(MIT|APACHE)|dist\/((actions|http)\/)?[A-Za-z.]+\.(js|d\.ts)|dist\/wasm\/(chit\.(js|d\.ts)|chit_bg\.wasm(\.d\.ts)?|chit_inline\.js))$/;
  assert.deepEqual(paths.filter((path) => !allowed.test(path)), []);
});

test('the README explains every code', async () => {
  const { ErrorCode } = await import('@chit/client/slim');
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  assert.deepEqual(Object.keys(ErrorCode).filter((code) => !readme.includes(`\`${code}\``)), []);
});

test('has no runtime dependency but the one of QR codes, and no side effect', async () => {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  assert.deepEqual(Object.keys(manifest.dependencies), ['qr']);
  for (const name of ['slim.js', 'http/index.js', 'http/worker.js']) {
    for (const text of (await reachable(join(root, 'dist', name))).values()) assert.doesNotMatch(text, /from 'qr/);
  }
  assert.equal(manifest.peerDependencies, undefined);
  assert.equal(manifest.sideEffects, false);
});

test('what users write compiles, strictly and without skipLibCheck', () => {
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
  for (const folder of ['types', 'types/worker']) {
    try {
      execFileSync(process.execPath, [tsc, '-p', join(here, folder)], { encoding: 'utf8' });
    } catch ({ stdout }) {
      assert.fail(stdout);
    }
  }
});
