import { expect, test } from '@jest/globals';
import { EndpointSet, endpointOf } from './endpoint-set.ts';
import type { EndpointState, Trial } from './endpoint-state.ts';

const of = (...ids: string[]): EndpointSet => {
  const set = new EndpointSet({} as never);
  set.replace(ids.map((id, i) => ({ address: '127.0.0.1', port: i + 1, id })));
  return set;
};
const id = (state: EndpointState | undefined): string | undefined => state?.endpoint.id;
/** A request on its way, as far as an endpoint looks at it. */
const underWay = (): Trial => ({ isUnderWay: true });

test('endpoints are taken in turn; one that failed is left out for a while, longer each time', () => {
  const set = of('a', 'b', 'c');
  expect([0, 0, 0, 0].map((now) => id(set.pick(now)))).toEqual(['b', 'c', 'a', 'b']);
  const c = set.pick(0) as EndpointState;
  const out: number[] = [];
  for (let now = 0, i = 0; i < 8; i++, now = c.failedUntilMs) {
    c.refused(now, false);
    out.push(c.failedUntilMs - now);
    expect([1, 2, 3].map(() => id(set.pick(now + 1)))).not.toContain('c');
    expect([1, 2, 3].map(() => id(set.pickForRelease(now + 1)))).not.toContain('c');
    expect(set.waitMs(now)).toBe(out.at(-1));
  }
  expect(out).toEqual([10, 20, 40, 80, 160, 320, 640, 1000]);
  c.answered(9000);
  c.refused(9000, false);
  expect(set.waitMs(9000)).toBe(10);
});

test('those that fail at the same time are one failure', () => {
  const set = of('a', 'b');
  const [a] = set.list;
  for (let i = 0; i < 100; i++) a?.refused(5, false);
  expect(a?.failedUntilMs).toBe(15);
});

test('one that hangs is left out for seconds, while there is another', () => {
  const set = of('a', 'b');
  const [a, b] = set.list;
  a?.refused(0, true);
  expect([a?.failedUntilMs, a?.retryAtMs, set.waitMs(0)]).toEqual([1000, 10, 1000]);
  b?.refused(0, true);
  expect(set.waitMs(0)).toBe(10);
  a?.refused(1000, true);
  expect(a?.failedUntilMs).toBe(3000);
});

test('when all are left out the one that may be tried first is taken, by one request at a time', () => {
  const set = of('a', 'b', 'c');
  for (const [i, state] of set.list.entries()) {
    state.refused(0, false);
    state.refused(10 + i, false);
  }
  expect(set.isUsable(20)).toBe(false);
  expect(id(set.pickForRelease(20))).toBeUndefined();
  expect(id(set.pickForRelease(30))).toBe('a');
  const trying = ['a', 'b', 'c'].map((wanted) => {
    const state = set.pick(20);
    expect(id(state)).toBe(wanted);
    const trial = underWay();
    state?.began(trial);
    return trial;
  });
  expect([id(set.pick(20)), id(set.pickForRelease(33)), id(set.pick(33))]).toEqual([undefined, undefined, undefined]);
  // Who leaves makes room for another to try.
  (trying[1] as { isUnderWay: boolean }).isUnderWay = false;
  expect(id(set.pick(20))).toBe('b');
});

test('the only one is never left out for good', () => {
  const set = of('only');
  const [only] = set.list;
  only?.refused(0, true);
  expect([id(set.pick(0)), id(set.pickForRelease(10))]).toEqual(['only', 'only']);
});

test('when its time is over one request tries it; the others follow once a connection stands', () => {
  const set = of('a', 'b');
  const [a] = set.list;
  a?.refused(0, false);
  expect(id(set.pickUsable(10, set.list[1]))).toBe('a');
  a?.began(underWay());
  expect(id(set.pickUsable(10, set.list[1]))).toBeUndefined();
  expect(set.hasOther(10, set.list[1] as EndpointState)).toBe(false);
  a?.connected();
  expect(id(set.pickUsable(10, set.list[1]))).toBe('a');
  // Not trusted before it has answered: the next failure counts on.
  a?.refused(10, false);
  expect(a?.failedUntilMs).toBe(30);
});

test('one that breaks off is left out while there is another; where there is none no request waits', () => {
  const set = of('a', 'b');
  const [a, b] = set.list;
  a?.brokeOff(0, false);
  expect([1, 2].map(() => id(set.pickUsable(9)))).toEqual(['b', 'b']);
  expect(a?.window.size).toBe(1);
  b?.brokeOff(0, true);
  expect(b?.window.size).toBe(16);
  for (let i = 0; i < 4; i++) {
    const state = set.pick(9);
    expect(state).toBeDefined();
    state?.began(underWay());
  }
  expect([1, 2].map(() => id(set.pickForRelease(9)))).not.toContain(undefined);
  for (const state of set.list) state.window.used = state.window.size;
  expect(set.pickForRelease(9)).toBeUndefined();
});

test('a connection has to stand for a while where an endpoint is not known to serve', () => {
  const [a] = of('a').list;
  expect(a?.settleMs).toBe(10);
  a?.answered(0);
  expect(a?.settleMs).toBe(0);
  a?.refused(0, false);
  expect(a?.settleMs).toBe(10);
});

test('what was learnt of an endpoint is kept while it is the same instance', () => {
  const set = of('a', 'b');
  set.list[0]?.refused(0, false);
  set.replace([
    { address: '127.0.0.1', port: 1, id: 'a' },
    { address: '127.0.0.1', port: 2, id: 'new' },
  ]);
  expect(set.list.map(({ failedUntilMs }) => failedUntilMs)).toEqual([10, 0]);
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
