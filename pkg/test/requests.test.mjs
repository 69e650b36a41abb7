// Requests as text, as links and as QR codes; what they look like; and receipts that others can check.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import decodeQR from 'qr/decode.js';
import { verifyTypedData } from 'viem';
import { receiptTypedData, requestLink } from '../dist/requestText.js';
import { requestQr } from '../dist/qr.js';
import { A, B, ID, PAYMENT, REQUEST, ZERO, code, rawRequest, start } from './helpers.mjs';

const vectors = JSON.parse(await readFile(new URL('../../tests/vectors/protocol.json', import.meta.url), 'utf8'));

/** The text of bytes, by Node's own base64url. */
const text = (hex) => `chit:${Buffer.from(hex.slice(2), 'hex').toString('base64url')}`;

describe('text', () => {
  test('is base64url of the bytes, there and back', async () => {
    for (const { bytes } of vectors.requests) {
      const { client, core } = await start({ readRequest: () => ({ ...rawRequest, bytes }) });
      const view = await client.readRequest({ request: text(bytes) });
      assert.deepEqual(core.calls[0].params, { request: bytes });
      assert.equal(view.text, text(bytes));
    }
  });

  test('has one spelling', async () => {
    const { client, core } = await start();
    // The last digit's bits beyond the byte are zero, and nothing else.
    for (const request of ['chit:AR', ` ${REQUEST}`, REQUEST.toUpperCase(), `${REQUEST}\n`]) {
      await assert.rejects(client.readRequest({ request }), code('INVALID_ARGUMENT', 'request'));
    }
    assert.equal(core.calls.length, 0);
  });
});

describe('links', () => {
  test('carry the text where no server sees it', () => {
    assert.equal(requestLink(REQUEST, 'https://pay.example/'), `https://pay.example/#${REQUEST}`);
    assert.equal(requestLink(REQUEST, 'https://pay.example/?a=1#old'), `https://pay.example/?a=1#${REQUEST}`);
    assert.equal(new URL(requestLink(REQUEST, 'https://pay.example/')).hash.slice(1), REQUEST);
  });

  test('are of requests and pages', () => {
    for (const bad of [undefined, null, '', 'https://pay.example', ID]) {
      assert.throws(() => requestLink(bad, 'https://pay.example/'), code('INVALID_ARGUMENT', 'text'));
    }
    for (const bad of [undefined, null, 1, '']) assert.throws(() => requestLink(REQUEST, bad), code('INVALID_ARGUMENT', 'base'));
  });
});

/** Draws an SVG whose one path consists of squares, four pixels wide each. */
function draw(svg) {
  const size = Number(/viewBox="0 0 (\d+) /.exec(svg)[1]);
  const side = size * 4;
  const data = new Uint8ClampedArray(side * side * 4).fill(255);
  const fill = (x, y) => {
    for (let row = y * 4; row < y * 4 + 4; row++) {
      for (let column = x * 4; column < x * 4 + 4; column++) data.fill(0, (row * side + column) * 4, (row * side + column) * 4 + 3);
    }
  };
  const path = /<path d="([^"]+)"/.exec(svg)[1];
  let [x, y] = [0, 0];
  let squares = 0;
  for (const [, move, dx, dy] of path.matchAll(/([Mm])(-?\d+)[ ,]?(-?\d+)[^Mm]*Z/g)) {
    [x, y] = move === 'M' ? [Number(dx), Number(dy)] : [x + Number(dx), y + Number(dy)];
    fill(x, y);
    squares += 1;
  }
  assert.equal(squares, path.match(/Z/g).length, 'every square is drawn');
  return { width: side, height: side, data };
}

describe('QR codes', () => {
  for (const { name, bytes } of vectors.requests) {
    test(`of a request are read again: ${name}`, () => {
      const svg = requestQr(text(bytes));
      assert.match(svg, /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
      assert.equal(decodeQR(draw(svg)), text(bytes));
    });
  }

  test('are of requests', () => {
    for (const bad of [undefined, null, 1, '', 'https://pay.example', ID]) {
      assert.throws(() => requestQr(bad), code('INVALID_ARGUMENT', 'text'));
    }
  });
});

describe('what a request looks like', () => {
  test('amounts are bigints, and what is absent is undefined', async () => {
    const { client } = await start();
    const view = await client.createRequest({ token: ZERO, amount: 5n, memo: 'tea', id: PAYMENT });
    assert.deepEqual(view, {
      id: ID, text: REQUEST, token: ZERO, amount: 5n, issued: 1_700_000_000, expiry: 1_700_003_600, memo: undefined,
      relay: 'ws://localhost:1/ws', payee: A, sessionKey: B, direction: 'created', status: 'open', payment: undefined, receipt: undefined,
    });
    assert.ok(Object.isFrozen(view));
  });

  test('terms cross into the core as text', async () => {
    const { client, core } = await start();
    await client.createRequest({ token: ZERO, amount: 5n, memo: 'tea', id: PAYMENT, expiresIn: 60 });
    await client.createRequest({ token: ZERO });
    await client.requestStatus({ id: ID.toUpperCase().replace('0X', '0x') });
    await client.requests({ limit: 2, before: ID });
    assert.deepEqual(core.calls.map(({ params }) => params), [
      { token: ZERO, amount: '5', memo: 'tea', id: PAYMENT, expiresIn: 60 },
      { token: ZERO, expiresIn: 3_600 },
      { id: ID },
      { limit: 2, before: ID },
    ]);
  });

  test('a status is asked for by the text or the id, not by both or neither', async () => {
    const { client, core } = await start();
    await assert.rejects(client.requestStatus({ id: ID, request: REQUEST }), code('INVALID_ARGUMENT', 'id'));
    await assert.rejects(client.requestStatus({}), code('INVALID_ARGUMENT', 'request'));
    for (const id of [null, 1, '', PAYMENT]) await assert.rejects(client.requestStatus({ id }), code('INVALID_ARGUMENT', 'id'));
    assert.equal(core.calls.length, 0);
  });

  test('paying crosses as text under a payment id, which an abort takes back', async () => {
    const { client, core } = await start();
    await client.payRequest({ request: REQUEST, amount: 5n, maxFee: 0n, memo: 'tea', id: PAYMENT });
    await client.payRequest({ request: REQUEST });
    const [given, fresh] = core.calls.map(({ params }) => params);
    const bytes = rawRequest.bytes;
    assert.deepEqual(given, { request: bytes, payment: PAYMENT, again: true, amount: '5', maxFee: '0', memo: 'tea' });
    assert.match(fresh.payment, /^0x[0-9a-f]{32}$/);
    assert.deepEqual({ ...fresh, payment: '' }, { request: bytes, payment: '', again: false });
    for (const [answer, expected] of [[true, 'PAYMENT_CANCELLED'], [false, 'ABORTED']]) {
      const { client } = await start({ payRequest: () => new Promise(() => {}), cancelPayment: () => answer });
      const abort = new AbortController();
      const paying = client.payRequest({ request: REQUEST, signal: abort.signal });
      setTimeout(() => abort.abort(), 1);
      await assert.rejects(paying, code(expected));
    }
  });

  for (const codeOf of ['REQUEST_PAID', 'REQUEST_PENDING', 'REQUEST_EXPIRED']) {
    test(`${codeOf} passes through`, async () => {
      const thrown = Object.assign(new Error('no'), { code: codeOf });
      const { client } = await start({ payRequest: () => Promise.reject(thrown) });
      await assert.rejects(client.payRequest({ request: REQUEST }), code(codeOf));
    });
  }

  test('a change is an event', async () => {
    const { client, core } = await start();
    const seen = [];
    client.on('request', ({ request }) => seen.push(request.status));
    core.emit({ type: 'request', request: { ...rawRequest, status: 'paid' } });
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual(seen, ['paid']);
  });

  for (const codeOf of ['INVALID_REQUEST', 'UNKNOWN_REQUEST']) {
    test(`${codeOf} passes through`, async () => {
      const thrown = Object.assign(new Error('no'), { code: codeOf });
      const fail = () => Promise.reject(thrown);
      const { client } = await start({ readRequest: fail });
      await assert.rejects(client.readRequest({ request: REQUEST }), code(codeOf));
    });
  }
});

test('anybody can check a receipt', async () => {
  const { message, signatures } = vectors.statements.find(({ primaryType }) => primaryType === 'Receipt');
  const signer = vectors.keys.find(({ name }) => name === 'sessionB').address;
  const raw = { ...message, at: Number(message.at), signature: signatures[0].signature };
  const { client } = await start({ requestStatus: () => ({ ...rawRequest, sessionKey: signer, receipt: raw }) });
  const { receipt, sessionKey } = await client.requestStatus({ id: ID });
  const { chainId, verifyingContract: judge } = vectors.domains[0];
  const check = (receipt) =>
    verifyTypedData({
      ...receiptTypedData(receipt, { chainId: Number(chainId), judge }), address: sessionKey, signature: receipt.signature,
    });
  assert.equal(await check(receipt), true);
  assert.equal(await check({ ...receipt, amount: receipt.amount + 1n }), false);
});
