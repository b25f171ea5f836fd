import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  allocatePorts,
  buildSlices,
  listenPortOf,
  type PortAllocation,
  type PortClaimant,
  portLabel,
  type ServiceInfo,
  type SliceInfo,
  trimSlice,
  type Workload,
} from '../index.ts';
import { toLabels } from '../state/labels.ts';
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
  const claimants = ['a', 'b', 'c'].map((name) => claimant(name));
  const { patches, refused } = allocatePorts(claimants, [], { from: 20_000, to: 20_001 });
  expect(patches).toHaveLength(2);
  expect(refused).toHaveLength(1);
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
