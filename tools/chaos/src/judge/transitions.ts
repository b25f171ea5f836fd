import type { AuditEntry } from '@scaler/testing-kit/kubernetes';
import { fleet, keyOf } from '../world/fleet.ts';
import { createBrakeWatch } from './brake.ts';
import { judgeIdle, judgeIntent } from './idleness.ts';
import { isLegal } from './legal.ts';
import type { Report, Scene } from './scene.ts';
import type { Change, KeyChange, Token } from './workload-log.ts';

interface Park {
  readonly epoch: string;
  readonly user: string;
  readonly replicas: number;
}

const second = 1_000;

/** Checks each of our writes to a workload: phases, epochs, zeros, the brake. */
export function createTransitions(scene: Scene, report: Report) {
  const { counts, timeline } = scene;
  const epochs = new Set<string>();
  const parks = new Map<string, Park>();
  const brakeWatch = createBrakeWatch(scene, report);
  const members = new Map(fleet.map((member) => [keyOf(member), member]));

  const swapped = (change: Change, before: Token, after: Token, entry: AuditEntry): void => {
    const from = before.phase ?? 'unknown';
    const to = after.phase ?? 'unknown';
    const what = `${change.key}: ${from} → ${to} by ${entry.user} at ${Math.round(timeline.ms)} ms`;
    if (!isLegal(from, to)) report('legal phases', what);
    if (entry.user.startsWith('dlx') && to !== 'waking') report('legal phases', `${what}: a DLX only wakes`);
    if (to !== 'unknown') {
      if (after.epoch === undefined || epochs.has(after.epoch))
        report('new epochs', `${what}: the epoch ${after.epoch} is not new`);
      else epochs.add(after.epoch);
    }
    tally(from, to, before, after);
    if (to === 'parking') {
      parks.set(change.key, { epoch: after.epoch ?? '', user: entry.user, replicas: before.replicas });
      brakeWatch(entry.user);
    }
  };

  const tally = (from: string, to: string, before: Token, after: Token): void => {
    if (to === 'parking') counts.add('parks begun');
    if (from === 'parking' && to === 'asleep') counts.add('parks');
    if (from === 'parking' && to === 'waking') counts.add('parks cancelled');
    if (to === 'waking' && before.replicas === 0 && after.replicas > 0) counts.add('wakes');
    if (to === 'asleep' && from !== 'parking') counts.add('zeros followed');
  };

  const zeroed = (change: Change, before: Token, after: Token, entry: AuditEntry): void => {
    const what = `${change.key}: replicas ${before.replicas} → 0 by ${entry.user} at ${Math.round(timeline.ms)} ms`;
    if (before.phase !== 'parking' || after.phase !== 'asleep') {
      report('zero ends a park', `${what}, from phase ${before.phase ?? 'unknown'} to ${after.phase ?? 'unknown'}`);
      return;
    }
    const park = parks.get(change.key);
    if (park === undefined || park.epoch !== before.epoch || park.user !== entry.user)
      report('zero ends a park', `${what}: the park ${before.epoch} was begun by ${park?.user ?? 'no process'}`);
    else if (park.replicas !== before.replicas)
      report(
        "others' replicas",
        `${what}: another client set them from ${park.replicas} to ${before.replicas} meanwhile`,
      );
    const member = members.get(change.key);
    if (member === undefined) return;
    judgeIntent(scene, report, { member, before, entry, what });
    judgeIdle(scene, report, { member, before, entry, what });
  };

  return {
    changed: (change: Change, entry: AuditEntry): void => {
      const { before, after } = change;
      if (before === undefined || after === undefined || !isOurs(entry)) return;
      if (before.phase !== after.phase || before.epoch !== after.epoch) swapped(change, before, after, entry);
      if (before.replicas > 0 && after.replicas === 0) zeroed(change, before, after, entry);
    },
    keyChanged: (
      { service, before, after }: KeyChange,
      entry: AuditEntry,
      tokens: ReadonlyMap<string, Token>,
    ): void => {
      const token = tokens.get(service);
      if (!isOurs(entry) || before === undefined || after !== undefined || token === undefined) return;
      // In `always` the key may be of an earlier epoch; without the key the slices lead to the DLX as before.
      const isHeld = members.get(service)?.routing !== 'always';
      const sleeps = isHeld && token.enabled && token.phase === 'asleep' && token.replicas === 0;
      const dlxGone = timeline.ms - scene.health.withoutDlxMs < 30 * second;
      if (sleeps && !dlxGone)
        report(
          'routing has its epoch',
          `${entry.user} took the key ${before} from Service ${service}, which sleeps by ${token.epoch}`,
        );
    },
  };
}

function isOurs({ user }: AuditEntry): boolean {
  return user.startsWith('autoscaler') || user.startsWith('dlx');
}
