import { expect, test } from '@jest/globals';
import { connectionBytes, Connections, Ledger, type NamespaceLoad } from './ledger.ts';
import { Stalls } from './stalls.ts';

const nothing = { heldBytes: 0, pipelined: { heldBytes: 0 } };

function ledgerOf(limit: number): Ledger {
  const ledger = new Ledger(nothing);
  ledger.limit = limit;
  return ledger;
}

/** Resources that take as much as they get, one request in turn. */
function fill(ledger: Ledger, namespaces: readonly NamespaceLoad[], bytes: number): number[] {
  const loads = namespaces.map((namespace) => ({ heldBytes: 0, inFlightBytes: 0, namespace }));
  const count = (load: (typeof loads)[number], by: number): void => {
    ledger.inFlight += by;
    load.inFlightBytes += by;
    load.namespace.bytes += by;
  };
  for (let more = true; more;) {
    more = false;
    for (const load of loads) {
      count(load, bytes);
      if (ledger.overflowOf(load, bytes) === undefined) more = true;
      else count(load, -bytes);
    }
  }
  return loads.map(({ inFlightBytes }) => inFlightBytes);
}

test('in flight, too, no resource takes more than is still free: one resource gets half, and a namespace three quarters', () => {
  const one = ledgerOf(1_000_000);
  expect(fill(one, [one.join('a')], 1000)).toEqual([500_000]);
  const many = ledgerOf(1_000_000);
  const noisy = many.join('a');
  fill(many, Array<NamespaceLoad>(30).fill(noisy), 1000);
  expect(noisy.bytes).toBe(750_000);
  const [other] = fill(many, [many.join('b')], 1000);
  expect(other).toBe(125_000);
});

test('it says what is full', () => {
  const ledger = ledgerOf(1000);
  const namespace = ledger.join('shop');
  ledger.inFlight = 900;
  namespace.bytes = 210;
  const load = { heldBytes: 0, inFlightBytes: 210, namespace };
  expect(ledger.overflowOf(load, 100)).toBe('takes its share of memory already: 110 bytes, with 200 left for all');
  ledger.inFlight = 1100;
  expect(ledger.overflowOf(load, 200)).toBe('900 bytes of memory are taken already');
});

test('a namespace is forgotten with its last resource', () => {
  const ledger = ledgerOf(1000);
  const [first, second] = [ledger.join('a'), ledger.join('a')];
  expect(first).toBe(second);
  ledger.leave(first);
  expect(ledger.namespaces.size).toBe(1);
  ledger.leave(second);
  expect(ledger.namespaces.size).toBe(0);
});

test('no port takes more connections than are still free, and they count in the ledger', () => {
  const ledger = ledgerOf(Number.POSITIVE_INFINITY);
  const connections = new Connections(ledger);
  connections.limit = 100;
  const taken: unknown[] = [];
  for (let i = 0; i < 100; i++) taken.push(connections.take(80, true));
  expect(taken.filter((load) => load !== undefined)).toHaveLength(50);
  expect(ledger.inFlight).toBe(50 * connectionBytes);
  for (let i = 0; i < 100; i++) connections.take(81, true);
  expect(connections.count).toBe(75);
  const [load] = taken;
  for (let i = 0; i < 50; i++) connections.leave(80, load as never);
  expect([connections.count, ledger.inFlight]).toEqual([25, 25 * connectionBytes]);
});

test('memory bounds them as well', () => {
  const ledger = ledgerOf(100 * connectionBytes);
  const connections = new Connections(ledger);
  while (connections.take(80, true) !== undefined);
  expect(connections.count).toBe(50);
});

test('over the mark the largest of the biggest holder ends first, and no more than is needed', () => {
  const ledger = ledgerOf(1000);
  const stalls = new Stalls(ledger);
  const ended: string[] = [];
  const add = (name: string, namespace: number, resource: number, bytes: number): void =>
    stalls.add({
      bytes,
      holder: {
        heldBytes: 0,
        inFlightBytes: resource,
        namespace: { name: String(namespace), bytes: namespace, resources: 1 },
      },
      end: () => {
        ended.push(name);
        ledger.inFlight -= bytes;
      },
    });
  const round = (): void => {
    add('large of a small namespace', 300, 300, 290);
    add('small of the biggest', 600, 400, 20);
    add('large of the biggest', 600, 400, 100);
    add('of its other resource', 600, 200, 150);
    stalls.settle();
  };
  ledger.inFlight = 800;
  round();
  expect(ended).toEqual([]);
  ledger.inFlight = 910;
  round();
  expect(ended).toEqual(['large of the biggest', 'small of the biggest']);
});
