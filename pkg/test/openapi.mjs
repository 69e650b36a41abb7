// The OpenAPI file as a judge of answers.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';

export const document = JSON.parse(readFileSync(new URL('../openapi.json', import.meta.url), 'utf8'));

/** A copy in which objects have the members that are written down and no others. */
function closed(value) {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([name, item]) => [name, closed(item)]));
  if (copy.type === 'object' && typeof copy.properties === 'object') copy.additionalProperties ??= false;
  return copy;
}

// The file is no schema itself; schemas are found in it by pointers.
const ajv = new Ajv2020({ strict: false, allErrors: true, validateSchema: false });
ajv.addSchema(closed(document), 'openapi');

/** A pointer from its segments. */
const pointer = (...segments) => segments.map((segment) => `/${String(segment).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** Fails unless the value is what the schema at the pointer describes. */
export function conforms(value, at, what = at) {
  const validate = ajv.getSchema(`openapi#${encodeURI(at)}`);
  assert.ok(validate, `openapi.json has ${at}`);
  assert.ok(validate(value), `${what}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`);
}

/** Follows a reference inside the file. */
export function resolve(value) {
  if (value?.$ref === undefined) return value;
  return value.$ref.slice(2).split('/').reduce((inside, name) => inside[name.replaceAll('~1', '/').replaceAll('~0', '~')], document);
}

/** Every operation with its pointer. */
export const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation, at: pointer('paths', path, method) })));

/** Fails unless a JSON answer is one that the file has for this path and method. */
export function answers(method, path, status, body) {
  const found = operations.find((one) => one.path === path && one.method === method);
  assert.ok(found, `openapi.json has ${method} ${path}`);
  const { responses } = found.operation;
  const key = Object.hasOwn(responses, status) ? status : 'default';
  assert.ok(key !== 'default' || status >= 400, `${method} ${path} has an answer ${status}`);
  const { $ref } = responses[key];
  const at = $ref === undefined ? `${found.at}${pointer('responses', key)}` : $ref.slice(1);
  conforms(body, `${at}${pointer('content', 'application/json', 'schema')}`, `${method} ${path} ${status}`);
}
