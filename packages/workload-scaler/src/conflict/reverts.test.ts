import { describe, expect, test } from '@jest/globals';
import { trimDeployment, workloadKinds } from '../testing/kinds.ts';
import { trimService } from '../routing/service-info.ts';
import { trimSlice } from '../routing/slices.ts';
import { parseOptions } from '../config/options.ts';
import { afterSwap, revertsOf, seenOf } from './reverts.ts';
import { parseSettings } from '../config/settings.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import { followedZero, followedZeroBefore, served } from '../machine/table.ts';

const nowMs = Date.parse('2026-01-01T00:01:00Z');

interface What {
  readonly phase?: string | undefined;
  readonly epoch?: string;
  readonly replicas?: number;
  readonly reason?: string;
  readonly since?: string;
  readonly key?: boolean;
  readonly slices?: boolean;
  readonly uid?: string;
  readonly enabled?: string;
  readonly routing?: string;
}

function snapshot(what: What): Snapshot {
  const { phase, replicas = 0, reason = 'parked', since = '2026-01-01T00:00:59Z', key = true, slices = true } = what;
  const { uid = 'u', enabled = 'true', routing = 'selector', epoch = 'e' } = what;
  const workload = trimDeployment({
    metadata: {
      ...{ namespace: 'shop', name: 'web', uid: 'w' },
      labels: {
        'scaler/enabled': enabled,
        ...(phase === undefined ? {} : { 'scaler/phase': phase, 'scaler/epoch': epoch }),
      },
      annotations: {
        'scaler/routing': routing,
        'scaler/state': JSON.stringify({ epoch, uid: 'w', since, replicas: 1, by: 'x', reason }),
      },
    },
    spec: { replicas, selector: {}, template: {} },
  } as Parameters<typeof trimDeployment>[0]);
  const service = trimService({
    metadata: { namespace: 'shop', name: 'web', uid },
    spec: { selector: { app: 'web', ...(key ? { 'scaler/asleep': 'e' } : {}) } },
  });
  const labels = { 'kubernetes.io/service-name': 'web', 'endpointslice.kubernetes.io/managed-by': 'scaler' };
  const slice = trimSlice({
    metadata: { namespace: 'shop', name: 'web-scaler-ipv4', labels },
    addressType: 'IPv4',
    endpoints: [],
  });
  return {
    ref: { namespace: 'shop', name: 'web' },
    managed: { kind: workloadKinds.deployment, workload, ...parseSettings(workload.annotations, parseOptions({})) },
    services: [{ name: 'web', service, leads: true, ours: true, slices: slices ? [slice] : [] }],
    live: true,
  };
}

const asleep = snapshot({ phase: 'asleep' });
const after = (what: What): string[] =>
  revertsOf(snapshot(what), seenOf(asleep, undefined), nowMs).map((revert) => revert.what);

describe('what counts as taken back', () => {
  test('a key, a slice, the labels: what was there when it was last looked at', () => {
    expect(after({ phase: 'asleep' })).toEqual([]);
    expect(after({ phase: 'asleep', key: false })).toEqual(['key']);
    expect(after({ phase: 'asleep', slices: false })).toEqual(['slices']);
    expect(after({ phase: undefined })).toEqual(['token']);
    expect(revertsOf(snapshot({ phase: undefined, key: false, slices: false }), undefined, nowMs)).toEqual([]);
  });

  test('a key that goes while it wakes, if another client is known to have written: a request may have come first', () => {
    const waking = snapshot({ phase: 'waking', replicas: 1, reason: 'a request arrived', key: false, slices: false });
    const key = { what: 'key', object: 'Service web', doubtful: true };
    expect(revertsOf(waking, seenOf(asleep, undefined), nowMs)).toEqual([key]);
    expect(revertsOf(waking, undefined, nowMs)).toEqual([]);
  });

  test('not what another leader has handed back, but what belongs to `always`', () => {
    const gone = { key: false, slices: false, replicas: 1, reason: 'adopted' };
    expect(after({ ...gone, key: true, phase: 'waking' })).toEqual([]);
    expect(after({ ...gone, phase: 'awake', routing: 'selector' })).toEqual([]);
    expect(after({ ...gone, phase: 'awake', routing: 'always' })).toEqual(['key', 'slices']);
  });

  test('not what was seen before another client swapped the token: another leader may have handed it back since', () => {
    const parking = snapshot({ phase: 'parking', epoch: 'f', key: false, slices: false, replicas: 1 });
    const seen = seenOf(asleep, undefined);
    expect(revertsOf(parking, seen, nowMs)).toEqual([]);
    const what = (swap: { from: string | undefined; to: string }): string[] =>
      revertsOf(parking, afterSwap(seen, 'w', swap), nowMs).map((revert) => revert.what);
    expect(what({ from: 'e', to: 'f' })).toEqual(['key', 'slices']);
    expect(what({ from: 'other', to: 'f' })).toEqual([]);
  });

  test('not what went with a Service that was recreated, or with the opt-in', () => {
    expect(after({ phase: 'asleep', key: false, slices: false, uid: 'other' })).toEqual([]);
    expect(after({ phase: undefined, enabled: 'false' })).toEqual([]);
  });

  test('replicas of what we put to sleep, once per sleep; not of a zero that was followed', () => {
    const started = snapshot({ phase: 'asleep', replicas: 1 });
    expect(after({ phase: 'asleep', replicas: 1 })).toEqual(['replicas']);
    expect(revertsOf(started, { ...seenOf(asleep, undefined), reported: 'e' }, nowMs)).toEqual([]);
    for (const reason of [followedZero, followedZeroBefore])
      expect(after({ phase: 'asleep', replicas: 1, reason })).toEqual([]);
  });

  test('a zero while it wakes or right after, not one that comes later', () => {
    expect(after({ phase: 'waking' })).toEqual(['zero']);
    expect(after({ phase: 'awake', reason: served })).toEqual(['zero']);
    expect(after({ phase: 'awake', reason: served, since: '2026-01-01T00:00:00Z' })).toEqual([]);
    expect(after({ phase: 'awake', reason: 'adopted' })).toEqual([]);
  });
});
