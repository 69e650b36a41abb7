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
const NAMES = ['ChitError', 'ErrorCode', 'MAX_AMOUNT', 'MAX_MEMO_BYTES', 'NATIVE_TOKEN', 'createChannelClient', 'discoverWallets', 'isChitError'];

describe('entries', () => {
  for (const entry of ['@chit/client', '@chit/client/inline', '@chit/client/slim', '../dist/index.js']) {
    test(`${entry} exports exactly the public names, on a server too`, async () => {
      assert.deepEqual(Object.keys(await import(entry)).sort(), NAMES);
    });
  }

  test('slim needs its wasm file', async () => {
    const { createChannelClient, MAX_AMOUNT } = await import('@chit/client/slim');
    const { config } = await import('./helpers.mjs');
    assert.equal(MAX_AMOUNT, 2n ** 128n - 1n);
    await assert.rejects(createChannelClient(config), ({ code }) => code === 'NOT_INITIALIZED');
  });

  test('slim refers to no asset', async () => {
    const seen = new Set();
    const visit = async (path) => {
      if (seen.has(path)) return;
      seen.add(path);
      const text = await readFile(path, 'utf8');
      assert.doesNotMatch(text, /import\.meta|import\(/, path);
      for (const [, next] of text.matchAll(/from '(\.[^']+)'/g)) await visit(join(dirname(path), next));
    };
    await visit(join(root, 'dist/slim.js'));
    assert.ok(seen.size > 10);
  });

  test('the list of the client is complete', async () => {
    const { start } = await import('./helpers.mjs');
    const { client } = await start();
    assert.deepEqual(Object.keys(client).sort(), [
      'authorize', 'balance', 'chainId', 'channel', 'channels', 'close', 'closeChannel', 'closed', 'deposit', 'events', 'judge', 'network', 'on',
      'openChannel', 'pay', 'payments', 'respond', 'settle', 'status', 'testing', 'wallet', 'withdraw',
    ]);
    assert.ok(Object.isFrozen(client));
  });
});

test('the tarball has what it needs and nothing else', () => {
  const [{ files }] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json'], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  const paths = files.map(({ path }) => path);
  for (const path of ['package.json', 'README.md', 'LICENSE-MIT', 'LICENSE-APACHE', 'dist/index.js', 'dist/index.d.ts', 'dist/index.node.js', 'dist/slim.js', 'dist/inline.js', 'dist/wasm/chit.js', 'dist/wasm/chit_bg.wasm', 'dist/wasm/chit_inline.js']) {
    assert.ok(paths.includes(path), `${path} is missing`);
  }
  const allowed = /^(package\.json|README\.md|LICENSE-(MIT|APACHE)|dist\/(actions\/)?[A-Za-z.]+\.(js|d\.ts)|dist\/wasm\/(chit\.(js|d\.ts)|chit_bg\.wasm(\.d\.ts)?|chit_inline\.js))$/;
  assert.deepEqual(paths.filter((path) => !allowed.test(path)), []);
});

test('the README explains every code', async () => {
  const { ErrorCode } = await import('@chit/client/slim');
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  assert.deepEqual(Object.keys(ErrorCode).filter((code) => !readme.includes(`\`${code}\``)), []);
});

test('has no runtime dependency and no side effect', async () => {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  assert.equal(manifest.dependencies, undefined);
  assert.equal(manifest.peerDependencies, undefined);
  assert.equal(manifest.sideEffects, false);
});

test('what users write compiles, strictly and without skipLibCheck', () => {
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
  try {
    execFileSync(process.execPath, [tsc, '-p', join(here, 'types')], { encoding: 'utf8' });
  } catch ({ stdout }) {
    assert.fail(stdout);
  }
});
