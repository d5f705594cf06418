import assert from 'node:assert/strict';
import { test } from 'node:test';

import { csv, table } from '../src/csv.js';

test('a page of rows is a table, nested objects are dotted columns', () => {
  const data = { vehicles: { totalCount: 2, nodes: [{ label: 'A', fleetGroup: { name: 'West' } }, { label: 'B', fleetGroup: null }] } };
  assert.deepEqual(table(data), [{ label: 'A', 'fleetGroup.name': 'West' }, { label: 'B', fleetGroup: null }]);
});

test('edges are rows as well', () => {
  const data = { events: { edges: [{ cursor: 'x', node: { id: '1' } }] } };
  assert.deepEqual(table(data), [{ cursor: 'x', 'node.id': '1' }]);
});

test('what stands above is repeated, and a parent without children keeps its row', () => {
  const data = {
    vehicles: { nodes: [{ label: 'A', events: { nodes: [{ id: 1 }, { id: 2 }] } }, { label: 'B', events: { nodes: [] } }] },
  };
  assert.deepEqual(table(data), [
    { label: 'A', 'events.nodes.id': 1 },
    { label: 'A', 'events.nodes.id': 2 },
    { label: 'B' },
  ]);
});

test('of several lists the longest gives the rows, the others are JSON', () => {
  const data = { vehicles: [{ label: 'A', tags: ['x'], short: [{ id: 1 }], long: [{ day: 1 }, { day: 2 }] }] };
  assert.deepEqual(table(data), [
    { label: 'A', tags: '["x"]', short: '[{"id":1}]', 'long.day': 1 },
    { label: 'A', tags: '["x"]', short: '[{"id":1}]', 'long.day': 2 },
  ]);
  assert.equal(table({ few: [{ a: 1 }], many: [{ b: 1 }, { b: 2 }] })?.length, 2);
});

test('a tree goes down its longest branch', () => {
  const data = { groups: [{ name: 'A', children: [{ name: 'B', children: [{ name: 'C' }, { name: 'D' }] }] }, { name: 'E', children: [] }] };
  assert.deepEqual(table(data)?.map((row) => row['children.children.name'] ?? row.name), ['C', 'D', 'E']);
});

test('lists inside a JSON value are no rows', () => {
  const data = { records: [{ id: 1, newValues: { trips: [{ miles: 1 }, { miles: 2 }], color: 'red' } }] };
  assert.equal(table(data)?.length, 2);
  const leaves = new Set(['id', 'newValues']);
  assert.deepEqual(table(data, leaves), [{ id: 1, 'newValues.trips': '[{"miles":1},{"miles":2}]', 'newValues.color': 'red' }]);
  assert.equal(table({ trips: [{ miles: 1 }] }, new Set(['trips'])), null);
});

test('an object that is null in some rows has no column beside those of its fields', () => {
  assert.equal(csv([{ a: null }, { 'a.b.c': 1 }, { 'a.b': null, d: null }]), '\uFEFFa.b.c,d\r\n,\r\n1,\r\n,\r\n');
});

test('no list of objects, no table', () => {
  for (const data of [null, undefined, {}, { tenant: { name: 'A' } }, { ids: ['1', '2'] }, { list: [] }, { mixed: [{}, 1] }, []]) {
    assert.equal(table(data), null);
  }
});

test('null among the objects is no row', () => {
  assert.deepEqual(table({ nodes: [null, { id: 1 }] }), [{ id: 1 }]);
});

test('RFC 4180: CRLF, quotes doubled, quoted where a comma, a quote or a line break is', () => {
  const rows = [{ a: 'x,y', b: 'say "hi"' }, { a: 'two\nlines', b: ' spaced ' }];
  assert.equal(csv(rows), '\uFEFFa,b\r\n"x,y","say ""hi"""\r\n"two\nlines"," spaced "\r\n');
});

test('what a spreadsheet would take for a formula gets an apostrophe; numbers and dates do not', () => {
  const cells = ['=1+1', '+cmd', '-x', '@sum', '\tx', '=HYPERLINK("x")', '-12.50', '-1e-7', '2026-01-31', '+1'];
  const lines = csv(cells.map((a) => ({ a }))).split('\r\n').slice(1, -1);
  assert.deepEqual(lines, ["'=1+1", "'+cmd", "'-x", "'@sum", "'\tx", `"'=HYPERLINK(""x"")"`, '-12.50', '-1e-7', '2026-01-31', "'+1"]);
  assert.match(csv([{ '=key': 1 }]), /^\uFEFF'=key\r\n/);
});

test('columns are all that any row has, in the order in which they come; null is empty, false is not', () => {
  assert.equal(csv([{ a: 1 }, { b: null, c: false }, { a: 0 }]), '\uFEFFa,b,c\r\n1,,\r\n,,false\r\n0,,\r\n');
});

test('half a million rows', () => {
  const nodes = Array.from({ length: 500_000 }, (_, id) => ({ id, of: { name: 'x' } }));
  assert.equal(csv(table({ nodes }) ?? []).split('\r\n').length, 500_002);
});
