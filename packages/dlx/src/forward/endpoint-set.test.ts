import { expect, test } from '@jest/globals';
import { EndpointSet, type EndpointState, endpointOf } from './endpoint-set.ts';

const of = (...ids: string[]): EndpointSet => {
  const set = new EndpointSet();
  set.replace(ids.map((id, i) => ({ address: '127.0.0.1', port: i + 1, id })));
  return set;
};
const id = (state: EndpointState | undefined): string | undefined => state?.endpoint.id;

test('endpoints are taken in turn; one that failed is left out for a while, longer each time, but never the last', () => {
  const set = of('a', 'b', 'c');
  expect([0, 0, 0, 0].map((now) => id(set.pick(now)))).toEqual(['b', 'c', 'a', 'b']);
  const c = set.pick(0) as EndpointState;
  c.failed(0);
  expect([1, 1, 1].map((now) => id(set.pick(now)))).toEqual(['a', 'b', 'a']);
  expect(set.failedForMs(10)).toBe(40);
  c.failed(50);
  expect(set.failedForMs(50)).toBe(100);
  for (const state of set.list) state.failed(60);
  expect(id(set.pick(60))).not.toBeUndefined();
  expect(set.isUsable(60)).toBe(false);
  expect(id(of('only').pick(0, undefined))).toBe('only');
});

test('one that was tried already is taken again only when there is no other', () => {
  const set = of('a', 'b');
  const a = set.list[0];
  expect([0, 0].map((now) => id(set.pick(now, a)))).toEqual(['b', 'b']);
  const single = of('a');
  expect(id(single.pick(0, single.list[0]))).toBe('a');
});

test('what was learnt of an endpoint is kept while it is the same instance', () => {
  const set = of('a', 'b');
  set.list[0]?.failed(0);
  set.replace([
    { address: '127.0.0.1', port: 1, id: 'a' },
    { address: '127.0.0.1', port: 2, id: 'new' },
  ]);
  expect(set.list.map(({ failedUntilMs }) => failedUntilMs)).toEqual([50, 0]);
  set.replace([{ address: '127.0.0.1', port: 1, id: 'another' }]);
  expect(set.list[0]?.failedUntilMs).toBe(0);
});

test.each([
  ['web.default.svc:80', 'web.default.svc', 80],
  ['[fd00::1]:8080', 'fd00::1', 8080],
])('%s is an endpoint', (text, address, port) => {
  expect(endpointOf(text)).toEqual({ address, port, id: text });
});

test.each(['web', 'web:0', 'web:70000', 'http://web:80', ''])('%j is none', (text) => {
  expect(() => endpointOf(text)).toThrow('host:port is wanted');
});
