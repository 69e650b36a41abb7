// Loading the wasm file: once, again after a failure, from every kind of source.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { createLoader } from '../dist/loader.js';
import { inflate } from '../dist/inflate.js';
import { deflateRawSync } from 'node:zlib';
import { code, deferred } from './helpers.mjs';

const WASM = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
const HTML = '<!doctype html><title>Not found</title>';

function fakeGlue(init = async () => undefined) {
  const glue = { inputs: [], ChitCore: class {} };
  glue.default = async ({ module_or_path }) => {
    glue.inputs.push(module_or_path);
    await init(module_or_path, glue.inputs.length);
  };
  return glue;
}

let server, base;
before(async () => {
  server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://x');
    if (pathname === '/good') response.writeHead(200, { 'content-type': 'application/wasm' }).end(WASM);
    else if (pathname === '/params') response.writeHead(200, { 'content-type': 'application/wasm; charset=x' }).end(WASM);
    else if (pathname === '/octets') response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(WASM);
    else if (pathname === '/untyped') response.writeHead(200).end(WASM);
    else if (pathname === '/html') response.writeHead(200, { 'content-type': 'text/html' }).end(HTML);
    else if (pathname === '/lie') response.writeHead(200, { 'content-type': 'application/wasm' }).end(HTML);
    else if (pathname === '/empty') response.writeHead(200, { 'content-type': 'text/plain' }).end();
    else response.writeHead(404).end(HTML);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${server.address().port}`;
});
after(() => server.close());

describe('sources', () => {
  for (const [text, source] of [
    ['a URL with the right type', () => `${base}/good`],
    ['a URL object', () => new URL(`${base}/good`)],
    ['a type with parameters', () => `${base}/params`],
    ['a wrong MIME type', () => `${base}/octets`],
    ['no MIME type', () => `${base}/untyped`],
    ['a Response', () => fetch(`${base}/good`)],
    ['an ArrayBuffer', () => WASM.buffer],
    ['a view', () => new Uint8Array([9, ...WASM]).subarray(1)],
    ['a module', () => new WebAssembly.Module(WASM)],
  ]) {
    test(`${text} works`, async () => {
      const glue = fakeGlue();
      const loader = createLoader(glue);
      assert.equal(await loader.load(await source()), glue.ChitCore);
      const [input] = glue.inputs;
      assert.ok(input instanceof WebAssembly.Module || (await WebAssembly.compile(input)));
    });
  }

  for (const [text, source, hint] of [
    ['an HTML page', () => `${base}/html`, /not a WebAssembly file/],
    ['an HTML page that says it is wasm', () => `${base}/lie`, /could not be compiled/],
    ['an empty answer', () => `${base}/empty`, /not a WebAssembly file/],
    ['404', () => `${base}/missing`, /answered 404/],
    ['nobody there', () => 'http://127.0.0.1:1/x', /could not be fetched/],
    ['bytes of something else', () => new TextEncoder().encode(HTML), /not a WebAssembly file/],
    ['no source at all', () => undefined, /pass `wasm`/, 'NOT_INITIALIZED'],
  ]) {
    test(`${text} is WASM_LOAD_FAILED, in words`, async () => {
      const glue = fakeGlue();
      await assert.rejects(createLoader(glue).load(await source()), (error) => {
        assert.match(error.message, hint);
        return code(text === 'no source at all' ? 'NOT_INITIALIZED' : 'WASM_LOAD_FAILED')(error);
      });
      assert.equal(glue.inputs.length, 0);
    });
  }

  test('a Content-Security-Policy is named', async () => {
    const glue = fakeGlue(async () => {
      throw new WebAssembly.CompileError("Refused to compile: 'unsafe-eval' is not allowed");
    });
    await assert.rejects(createLoader(glue).load(WASM), (error) => /wasm-unsafe-eval/.test(error.message) && code('WASM_LOAD_FAILED')(error));
  });
});

describe('the load', () => {
  test('happens once for all callers, at the same time and later', async () => {
    const gate = deferred();
    const glue = fakeGlue(() => gate.promise);
    const loader = createLoader(glue, { defaults: [async () => WASM] });
    const all = [loader.load(), loader.load(), loader.load(`${base}/missing`)];
    gate.resolve();
    for (const loaded of await Promise.all(all)) assert.equal(loaded, glue.ChitCore);
    await loader.load();
    assert.equal(glue.inputs.length, 1);
  });

  test('is tried again after a failure to fetch', async () => {
    let tries = 0;
    const loader = createLoader(fakeGlue(), {
      defaults: [
        async () => {
          tries += 1;
          if (tries === 1) throw new Error('network');
          return WASM;
        },
      ],
    });
    const first = [loader.load(), loader.load()];
    for (const attempt of first) await assert.rejects(attempt, (error) => code('WASM_LOAD_FAILED')(error) && error.retryable && error.cause.message === 'network');
    await loader.load();
    assert.equal(tries, 2);
  });

  test('is tried again after a failure to start', async () => {
    const glue = fakeGlue(async (_, count) => {
      if (count === 1) throw new Error('broken');
    });
    const loader = createLoader(glue, { defaults: [async () => WASM] });
    await assert.rejects(loader.load(), code('WASM_LOAD_FAILED'));
    assert.equal(await loader.load(), glue.ChitCore);
  });

  test('falls back in order and reports the first failure', async () => {
    const glue = fakeGlue();
    const missing = () => Promise.reject(new Error('missing'));
    await createLoader(glue, { defaults: [missing, async () => WASM] }).load();
    assert.deepEqual(glue.inputs, [WASM]);
    await assert.rejects(createLoader(glue, { defaults: [missing, () => Promise.reject(new Error('second'))] }).load(), (error) => error.cause.message === 'missing');
  });

  test('a source that was named is not replaced by a default', async () => {
    const loader = createLoader(fakeGlue(), { defaults: [async () => assert.fail('default')] });
    await assert.rejects(loader.load(`${base}/missing`), code('WASM_LOAD_FAILED'));
  });

  test('is over after a trap', async () => {
    const loader = createLoader(fakeGlue(), { defaults: [async () => WASM] });
    await loader.load();
    loader.poison(Object.assign(new Error('x'), { code: 'FATAL' }));
    await assert.rejects(loader.load(), ({ code }) => code === 'FATAL');
  });
});

test('the inlined copy comes back byte for byte', async () => {
  const bytes = crypto.getRandomValues(new Uint8Array(10_000));
  const back = new Uint8Array(await inflate(deflateRawSync(bytes).toString('base64')));
  assert.deepEqual(back, bytes);
});
