// Writes dashboard.schema.json, from schema.ts and Grafana's own types. Both say what is needed: see schema.ts.
import {writeFileSync} from 'node:fs';
import {createGenerator} from 'ts-json-schema-generator';

const SMALLEST = 150; // characters; less is shorter written out than named

const whole = createGenerator({
  path: 'schema.ts', type: 'ParityDashboard', expose: 'none', topRef: false, skipTypeCheck: true, jsDoc: 'none',
}).createSchema('ParityDashboard');
delete whole.definitions;

// The same parts stand in the types of every panel: what is there twice becomes a definition.
const isSchema = (node) => 'type' in node || 'anyOf' in node;
const count = new Map();
const counted = (node) => {
  if (node === null || typeof node !== 'object') return;
  if (!Array.isArray(node) && isSchema(node)) {
    const text = JSON.stringify(node);
    count.set(text, (count.get(text) ?? 0) + 1);
    if (count.get(text) > 1) return;
  }
  Object.values(node).forEach(counted);
};
counted(whole);

const definitions = {};
const names = new Map();
const shared = (node) => {
  if (node === null || typeof node !== 'object') return node;
  if (Array.isArray(node)) return node.map(shared);
  const text = JSON.stringify(node);
  if (isSchema(node) && text.length > SMALLEST && count.get(text) > 1) {
    if (!names.has(text)) {
      names.set(text, `d${names.size}`);
      definitions[names.get(text)] = inside(node);
    }
    return {$ref: `#/definitions/${names.get(text)}`};
  }
  return inside(node);
};
const inside = (node) => Object.fromEntries(Object.entries(node).map(([key, value]) => [key, shared(value)]));

const $comment = 'Made by schema.mjs from npm @grafana/schema 11.6.0 (Apache-2.0, Grafana Labs). Do not edit.';
writeFileSync('dashboard.schema.json', JSON.stringify({$comment, ...shared(whole), definitions}) + '\n');
