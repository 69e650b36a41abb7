// The error class and what becomes of errors from elsewhere.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ChitError, ErrorCode, isChitError, toChitError } from '../dist/errors.js';

describe('ChitError', () => {
  test('has what programs and people need', () => {
    const cause = new Error('under');
    const error = new ChitError('REVERTED', 'It was reverted.', { details: { reason: 'NotOpen' }, cause });
    assert.ok(error instanceof Error);
    assert.equal(error.name, 'ChitError');
    assert.equal(error.message, 'It was reverted. (REVERTED)');
    assert.equal(error.shortMessage, 'It was reverted.');
    assert.deepEqual(error.details, { reason: 'NotOpen' });
    assert.equal(error.retryable, false);
    assert.equal(error.cause, cause);
    assert.deepEqual(JSON.parse(JSON.stringify(error)), { name: 'ChitError', code: 'REVERTED', message: 'It was reverted.', details: { reason: 'NotOpen' }, retryable: false });
  });

  test('knows what may work later', () => {
    assert.equal(new ChitError('PARTNER_OFFLINE', '').retryable, true);
    assert.equal(new ChitError('PARTNER_OFFLINE', '', { retryable: false }).retryable, false);
    assert.equal(new ChitError('INVALID_ARGUMENT', '').retryable, false);
  });

  test('is recognized by shape, so across realms and copies', () => {
    assert.ok(isChitError({ name: 'ChitError', code: 'TIMEOUT' }));
    for (const value of [undefined, null, 'x', {}, new Error('x'), { name: 'ChitError' }, { name: 'ChitError', code: 'constructor' }]) {
      assert.equal(isChitError(value), false);
    }
  });

  test('every code is its own name', () => {
    for (const [key, value] of Object.entries(ErrorCode)) assert.equal(key, value);
  });
});

describe('what the core throws', () => {
  for (const code of Object.keys(ErrorCode)) {
    test(`keeps ${code}`, () => {
      const thrown = Object.assign(new Error('words'), { name: 'ChitError', code, details: { a: 1 }, retryable: true });
      const error = toChitError(thrown);
      assert.equal(error.code, code);
      assert.equal(error.shortMessage, 'words');
      assert.deepEqual(error.details, { a: 1 });
      assert.equal(error.retryable, true);
      assert.equal(error.cause, thrown);
    });
  }
  for (const [text, thrown] of [
    ['an unknown code', Object.assign(new Error('x'), { code: 'NEW_CODE' })],
    ['a number', Object.assign(new Error('x'), { code: 4001 })],
    ['an inherited name', Object.assign(new Error('x'), { code: 'toString' })],
    ['a plain Error', new Error('x')],
    ['a string', 'x'],
    ['undefined', undefined],
    ['null', null],
    ['an object', {}],
  ]) {
    test(`${text} becomes INTERNAL`, () => {
      const error = toChitError(thrown);
      assert.equal(error.code, 'INTERNAL');
      assert.equal(error.cause, thrown);
      assert.equal(error.details?.code, thrown?.code);
    });
  }
  test('a trap becomes FATAL', () => {
    assert.equal(toChitError(new WebAssembly.RuntimeError('unreachable')).code, 'FATAL');
  });
  test('a ChitError stays itself', () => {
    const error = new ChitError('TIMEOUT', 'x');
    assert.equal(toChitError(error), error);
  });
});
