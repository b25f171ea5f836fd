import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import { allocatePorts, type PortAllocation, type PortClaimant, FreePorts } from './allocate-ports.ts';
import { heldPort, defaultPortRange, listenPortOf, portLabel } from './port-label.ts';
import { buildSlices, type SliceInfo, trimSlice } from '../routing/slices.ts';
import type { ServiceInfo } from '../routing/service-info.ts';
import type { Workload } from '../workload/workload.ts';
import { toLabels } from '../workload/labels.ts';
import { service, workload } from '../testing/objects.ts';

const range = { from: 20_000, to: 20_019 };

function claimant(name: string, labels: Record<string, string> = {}, overrides: Partial<Workload> = {}): PortClaimant {
  return {
    workload: workload({
      name,
      uid: `uid-${name}`,
      ...toLabels({ 'scaler/enabled': 'true', ...labels }),
      ...overrides,
    }),
    services: [service({ name, uid: `uid-service-${name}` })],
  };
}

function sliceOf({ workload: { name }, services: [first] }: PortClaimant, listenPort: number): SliceInfo {
  const ports = [{ name: undefined, listenPort }];
  const [slice] = buildSlices({
    service: first as ServiceInfo,
    resource: name,
    epoch: 'e',
    addresses: ['10.0.0.1'],
    ports,
  });
  return trimSlice(slice as Parameters<typeof trimSlice>[0]);
}

function patched(claimants: readonly PortClaimant[], { patches }: PortAllocation): PortClaimant[] {
  return claimants.map(({ workload: before, services }) => {
    const changes = patches.find(({ workload: w }) => w === before)?.labels ?? {};
    const ports = Object.fromEntries(before.portLabels.map(({ label, value }) => [label, value]));
    const labels = Object.entries({ ...before.labels, ...ports, ...changes }).filter(([, value]) => value !== null);
    return { workload: { ...before, ...toLabels(Object.fromEntries(labels) as Record<string, string>) }, services };
  });
}

function portsOf(claimants: readonly PortClaimant[]): (number | undefined)[] {
  return claimants.flatMap(({ workload: w, services }) =>
    services.flatMap(({ name, ports }) => ports.map(({ port }) => listenPortOf(w, name, port, range))),
  );
}

test('each target gets a port of its own, and keeps it', () => {
  const claimants = [claimant('a'), claimant('b'), claimant('c')];
  const after = patched(claimants, allocatePorts(claimants, [], range));
  expect(new Set(portsOf(after)).size).toBe(3);
  expect(allocatePorts(after, [], range)).toEqual({ patches: [], refused: [] });
});

test('where two have one port, it stays with the older workload', () => {
  const older = claimant('b', { [portLabel('b', 80)]: '20005' }, { createdAt: '2020-01-01T00:00:00Z' });
  const younger = claimant('a', { [portLabel('a', 80)]: '20005' });
  const { patches } = allocatePorts([younger, older], [], range);
  expect(patches.map(({ workload: w }) => w.name)).toEqual(['a']);
});

test('where two have one port, it stays with the one whose slice carries it', () => {
  const older = claimant('b', { [portLabel('b', 80)]: '20005' }, { createdAt: '2020-01-01T00:00:00Z' });
  const younger = claimant('a', { [portLabel('a', 80)]: '20005' });
  const { patches } = allocatePorts([younger, older], [sliceOf(younger, 20_005)], range);
  expect(patches.map(({ workload: w }) => w.name)).toEqual(['b']);
});

test('a label that was edited or lost is restored from the slice that carries the port', () => {
  const lost = claimant('a', { [portLabel('a', 80)]: 'x' });
  const thief = claimant('b', { [portLabel('b', 80)]: '20007' }, { createdAt: '2020-01-01T00:00:00Z' });
  const after = patched([lost, thief], allocatePorts([lost, thief], [sliceOf(lost, 20_007)], range));
  expect(portsOf(after)[0]).toBe(20_007);
  expect(portsOf(after)[1]).not.toBe(20_007);
});

test('a port that the slice of a resource which is gone still carries is not given away', () => {
  const small = { from: 20_000, to: 20_001 };
  const gone = claimant('gone');
  const { patches } = allocatePorts([claimant('a')], [sliceOf(gone, 20_000)], small);
  expect(patches[0]?.labels).toEqual({ [portLabel('a', 80)]: '20001' });
});

test('a full range refuses, and says whom', () => {
  const claimants = ['a', 'b', 'c'].map((name) => claimant(name, {}, { namespace: name }));
  const { patches, refused } = allocatePorts(claimants, [], { from: 20_000, to: 20_001 });
  expect(patches).toHaveLength(2);
  expect(refused).toHaveLength(1);
});

describe('a label that was written for another object', () => {
  const copied = { 'scaler/state': JSON.stringify({ uid: 'uid-of-the-original' }) };

  test('counts for nothing, in the allocation and where it is read', () => {
    const original = claimant('a', { [portLabel('a', 80)]: '20005' });
    const copy = claimant(
      'b',
      { [portLabel('b', 80)]: '20005' },
      { annotations: copied, createdAt: '2020-01-01T00:00:00Z' },
    );
    expect(portsOf([original, copy])).toEqual([20_005, undefined]);
    const { patches } = allocatePorts([copy, original], [], range);
    expect(patches.map(({ workload: w }) => w.name)).toEqual(['b']);
  });

  test('is believed where the slice of its own Service leads there', () => {
    const restored = claimant('a', { [portLabel('a', 80)]: '20005' }, { annotations: copied });
    expect(allocatePorts([restored], [sliceOf(restored, 20_005)], range)).toEqual({ patches: [], refused: [] });
  });
});

describe('who has a port keeps it', () => {
  const older = claimant('b', { [portLabel('b', 80)]: '20005' }, { createdAt: '2020-01-01T00:00:00Z' });
  const owner = claimant('a', { [portLabel('a', 80)]: '20005' });
  const held = new Set([heldPort(owner.workload, portLabel('a', 80), '20005')]);

  test('against a label that another client writes on an older workload', () => {
    expect(allocatePorts([older, owner], [], range).patches.map(({ workload: w }) => w.name)).toEqual(['a']);
    expect(allocatePorts([older, owner], [], range, { held }).patches.map(({ workload: w }) => w.name)).toEqual(['b']);
  });

  test('against a slice that another client writes later, or for another Service than the one there is', () => {
    const led = { ...sliceOf(owner, 20_005), createdAt: '2026-02-01T00:00:00Z' };
    const later = { ...sliceOf(older, 20_005), createdAt: '2026-02-02T00:00:00Z' };
    const foreign = { ...sliceOf(older, 20_005), createdAt: '2020-01-01T00:00:00Z', ownerUid: 'another' };
    for (const forged of [later, foreign]) {
      const { patches } = allocatePorts([older, owner], [forged, led], range);
      expect(patches.map(({ workload: w }) => w.name)).toEqual(['b']);
    }
  });

  test('when its label says something else while its slice leads there', () => {
    const stale = claimant('a', { [portLabel('a', 80)]: '20009' });
    expect(allocatePorts([stale], [sliceOf(stale, 20_005)], range).patches[0]?.labels).toEqual({
      [portLabel('a', 80)]: '20005',
    });
  });
});

describe('a namespace takes no more than is still free', () => {
  const wide = { from: 20_000, to: 20_999 };
  const greedy = (count: number, labels: Record<string, string> = {}): PortClaimant => {
    const ports = Array.from({ length: count }, (_, i) => ({
      ...{ name: `p${i}`, port: i + 1, targetPort: 80, protocol: 'TCP', appProtocol: undefined },
    }));
    const one = claimant('greedy', labels, { namespace: 'greedy', createdAt: '2020-01-01T00:00:00Z' });
    return { ...one, services: [service({ namespace: 'greedy', name: 'greedy', ports })] };
  };
  const others = Array.from({ length: 20 }, (_, i) => claimant(`w${i}`, {}, { namespace: `team-${i % 4}` }));

  test('with one Service of 999 ports: it gets none, since all of them would be too many', () => {
    const { patches, refused } = allocatePorts([greedy(999), ...others], [], wide);
    expect(refused.map(({ name }) => name)).toEqual(['greedy']);
    expect(patches).toHaveLength(20);
  });

  test('with labels for all of them that were not given to it', () => {
    const labels = Object.fromEntries(
      Array.from({ length: 999 }, (_, i) => [portLabel('greedy', i + 1), String(20_000 + i)]),
    );
    const { patches, refused } = allocatePorts([greedy(999, labels), ...others], [], wide, { held: new Set() });
    expect(refused.map(({ name }) => name)).toEqual(['greedy']);
    expect(Object.values(patches.find(({ workload: w }) => w.name === 'greedy')?.labels ?? {})).toEqual(
      Array.from({ length: 999 }, () => null),
    );
    expect(patches).toHaveLength(21);
  });

  test('with slices of ours that lead to all of them', () => {
    const slice = sliceOf(claimant('gone', {}, { namespace: 'greedy' }), 20_000);
    const ports = Array.from({ length: 999 }, (_, i) => ({ name: `p${i}`, port: 20_000 + i, protocol: 'TCP' }));
    const { patches, refused } = allocatePorts(others, [{ ...slice, namespace: 'greedy', ports }], wide);
    expect([patches.length, refused]).toEqual([20, []]);
  });

  test('or as many as an admin says', () => {
    expect(allocatePorts([greedy(600)], [], wide).refused).toHaveLength(1);
    expect(allocatePorts([greedy(600)], [], wide, { perNamespace: 600 }).refused).toEqual([]);
    expect(allocatePorts([greedy(601)], [], wide, { perNamespace: 600 }).refused).toHaveLength(1);
  });
});

test('a whole range is given away port by port, each once', () => {
  const free = new FreePorts(defaultPortRange);
  const given = new Set<number>();
  for (let i = 0; free.left > 0; i++) {
    const port = free.nextFor(`target ${i}`) as number;
    given.add(port);
    free.take(port);
  }
  expect(given.size).toBe(defaultPortRange.to - defaultPortRange.from + 1);
  expect(free.nextFor('one more')).toBeUndefined();
});

test('labels of Services and ports that are gone are removed, UDP ports get none', () => {
  const udp = { name: 'dns', port: 53, targetPort: 53, protocol: 'UDP', appProtocol: undefined };
  const a = { ...claimant('a', { [portLabel('old', 80)]: '20001' }), services: [service({ name: 'a', ports: [udp] })] };
  expect(allocatePorts([a], [], range).patches[0]?.labels).toEqual({ [portLabel('old', 80)]: null });
});

describe('the label', () => {
  test('is short enough for any Service', () => {
    expect(portLabel('web', 80)).toBe('scaler/port-web-80');
    const long = portLabel('a'.repeat(63), 65_535);
    expect(long).toMatch(/^scaler\/port-a{40}-[0-9a-f]{8}$/);
    expect(long).not.toBe(portLabel('a'.repeat(63), 65_534));
  });

  test.each(['', '0', '020000', '1e4', '99999', '19999', 'x'])('says nothing when it is "%s"', (value) => {
    expect(listenPortOf(workload(toLabels({ [portLabel('web', 80)]: value })), 'web', 80)).toBeUndefined();
  });
});

test('never two targets with one port, stable, whatever labels and slices say', () => {
  const value = fc.oneof(
    fc.integer({ min: 19_998, max: 20_022 }).map(String),
    fc.constantFrom('x', '', '-1', '20000 '),
  );
  const one = fc.record({
    label: fc.option(value, { nil: undefined }),
    slice: fc.option(fc.integer({ min: 20_000, max: 20_019 }), { nil: undefined }),
    year: fc.integer({ min: 2020, max: 2022 }),
    managed: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 18 }), (facts) => {
      const all = facts.map(({ label, year }, i) =>
        claimant(`w${i}`, label === undefined ? {} : { [portLabel(`w${i}`, 80)]: label }, {
          createdAt: `${year}-01-01T00:00:00Z`,
          namespace: `team-${i}`,
        }),
      );
      const slices = all.flatMap((c, i) => {
        const port = facts[i]?.slice;
        return port === undefined ? [] : [sliceOf(c, port)];
      });
      const claimants = all.filter((_, i) => facts[i]?.managed);
      const result = allocatePorts(claimants, slices, range);
      const after = patched(claimants, result);
      const ports = portsOf(after).filter((port) => port !== undefined);
      expect(new Set(ports).size).toBe(ports.length);
      expect(claimants.length - ports.length).toBe(result.refused.length);
      expect(allocatePorts(after, slices, range).patches).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
