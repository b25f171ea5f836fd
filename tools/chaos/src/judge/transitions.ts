import type { AuditEntry } from '@scaler/testing-kit';
import { brakeParks, fleet, keyOf, type Member, times } from '../world/fleet.ts';
import { isLegal } from './legal.ts';
import type { Report, Scene } from './scene.ts';
import { barOf } from './wishes.ts';
import type { Change, KeyChange, Token } from './workload-log.ts';

/** What each of our writes to a workload may do: phases, epochs, zeros, the brake. */
export interface Transitions {
  changed(change: Change, entry: AuditEntry): void;
  keyChanged(change: KeyChange, entry: AuditEntry, tokens: ReadonlyMap<string, Token>): void;
}

interface Park {
  readonly epoch: string;
  readonly user: string;
  readonly replicas: number;
  readonly atMs: number;
}

const second = 1_000;

export function createTransitions(scene: Scene, report: Report): Transitions {
  const { counts, timeline } = scene;
  const epochs = new Set<string>();
  const parks = new Map<string, Park>();
  const begun: (Park & { key: string })[] = [];
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
      const park = { epoch: after.epoch ?? '', user: entry.user, replicas: before.replicas, atMs: timeline.ms };
      parks.set(change.key, park);
      begun.push({ ...park, key: change.key });
      judgeBrake(scene, report, begun, entry.user);
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
      report('zero ends a park', `${what}: the park ${before.epoch} was begun by ${park?.user ?? 'nobody'}`);
    else if (park.replicas !== before.replicas)
      report("others' replicas", `${what}: somebody set them from ${park.replicas} to ${before.replicas} meanwhile`);
    const member = members.get(change.key);
    if (member === undefined) return;
    judgeWishes(scene, report, before, entry, what);
    judgeIdle(scene, report, member, before, entry, what);
  };

  return {
    changed: (change, entry) => {
      const { before, after } = change;
      if (before === undefined || after === undefined || !isOurs(entry)) return;
      if (before.phase !== after.phase || before.epoch !== after.epoch) swapped(change, before, after, entry);
      if (before.replicas > 0 && after.replicas === 0) zeroed(change, before, after, entry);
    },
    keyChanged: ({ service, before, after }, entry, tokens) => {
      const token = tokens.get(service);
      if (!isOurs(entry) || before === undefined || after !== undefined || token === undefined) return;
      const sleeps = token.enabled && token.phase === 'asleep' && token.replicas === 0;
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

/** Nothing goes to sleep against what its owner wants: the write itself must have tested it. */
function judgeWishes(
  { programs, timeline, counts }: Scene,
  report: Report,
  { wishes }: Token,
  { user }: AuditEntry,
  what: string,
): void {
  const program = programs.find(({ id }) => id === user);
  if (program === undefined) return;
  counts.add('parks judged by wishes');
  // Whose wall clock was wrong may have seen the end of it.
  const wallMs = program.clockJumped ? Number.MAX_SAFE_INTEGER : timeline.clock.now();
  const bar = barOf(wishes, wallMs);
  if (bar !== undefined) report("owner's wishes", `${what}: ${bar}`);
}

/** Nothing goes to sleep that was used, or of which nobody could know whether it was. */
function judgeIdle(
  scene: Scene,
  report: Report,
  member: Member,
  { wishes }: Token,
  entry: AuditEntry,
  what: string,
): void {
  const { metrics, traffic, timeline, health, counts } = scene;
  const key = keyOf(member);
  const zeroMs = timeline.ms;
  // A decision may have had to wait for the API, in retries that each had their time.
  const troubled = zeroMs - health.disturbedMs < 30 * second;
  const slackMs = troubled ? 22 * second : 1.5 * second;
  const window = times.window * second;
  const tick = times.interval * second;
  counts.add('parks judged');
  if (member.veto && scene.vetoes.barsSinceMs(key) < zeroMs - slackMs)
    report("owner's wishes", `${what}: its pods have not let it sleep since ${scene.vetoes.barsSinceMs(key)} ms`);
  // Neither requests nor metrics count against that; what is under way in a DLX does.
  const jumped = scene.programs.find(({ id }) => id === entry.user)?.clockJumped === true;
  const wanted = wishes.pause === 'asleep' && (jumped || wishes.pauseUntilMs > timeline.clock.now() - slackMs);
  for (const sent of traffic.served(key)) {
    const { endedMs = Infinity, sentMs } = sent;
    const byDlx = scene.programs.some(({ address }) => sent.backend?.startsWith(`${address}:`));
    // What was answered after the write had been sent could still undo it, and did not.
    const arrivalMs = entry.at - timeline.clock.now() + zeroMs;
    if (byDlx && sentMs >= arrivalMs + 1 && endedMs <= zeroMs)
      report(
        'no busy resource parked',
        `${what}: request ${sent.id} was served by a DLX after its fence, at ${endedMs} ms`,
      );
    const inWindow = sentMs > zeroMs - window + 2 * second && sentMs < zeroMs - slackMs;
    if (!inWindow || wanted) continue;
    const seen = member.metric
      ? metrics.throughout(key, sentMs, zeroMs).truth
      : scene.programs.some(
          (one) => sent.backend?.startsWith(`${one.address}:`) && one.endedMs === undefined && one.startedMs < sentMs,
        );
    if (seen) report('no busy resource parked', `${what}: request ${sent.id} came at ${sentMs} ms, in its window`);
  }
  for (const { id, key: itsKey, sentMs, reachedMs = Infinity, backend } of traffic.open) {
    const byDlx = scene.programs.some(({ address }) => backend?.startsWith(`${address}:`));
    if (itsKey !== key || !byDlx) continue;
    if (reachedMs <= zeroMs)
      report('no busy resource parked', `${what}: request ${id} was in flight by a DLX since ${reachedMs} ms`);
    if (sentMs < zeroMs - slackMs)
      report('no busy resource parked', `${what}: request ${id} was in a DLX since ${sentMs} ms`);
  }
  if (!member.metric || wanted) return;
  const toMs = zeroMs - slackMs;
  const unknownMs = metrics.longestUnknownMs(key, zeroMs - window + second, toMs);
  if (unknownMs > 2 * tick + second)
    report('unknown means awake', `${what}: its metric was unknown for ${unknownMs} ms of its window`);
  if (!troubled && metrics.throughout(key, toMs - tick - second, zeroMs).busy)
    report('no busy resource parked', `${what}: its metric said busy up to the end`);
}

/** When the source last gave it nothing: what a retry of the same tick made good is no failure. */
function lastFailureMs({ audit, timeline }: Scene, user: string): number {
  const asked = audit.entries({ user }).filter(({ path }) => path.startsWith('/apis/custom.metrics'));
  const failed = asked.filter(
    ({ path, status, at }) =>
      status >= 500 &&
      !asked.some(
        (later) =>
          later.path === path && later.status === 200 && later.at >= at && later.at < at + times.interval * second,
      ),
  );
  return Math.max(-Infinity, ...failed.map(({ at }) => at - timeline.clock.now() + timeline.ms));
}

/** After a failure of the source, more than a few at once begin to park only a few per tick. */
function judgeBrake(scene: Scene, report: Report, begun: readonly (Park & { key: string })[], user: string): void {
  const { timeline } = scene;
  const since = begun.filter((park) => park.user === user && park.atMs > timeline.ms - times.interval * second * 0.9);
  const metered = since.length;
  if (metered <= 10) return;
  const lastMs = lastFailureMs(scene, user);
  if (timeline.ms - lastMs < 1.6 * times.window * second)
    report(
      'the brake',
      `${metered} parks (more than 10, so at most ${brakeParks}) were begun by ${user} within a tick, ${Math.round(timeline.ms - lastMs)} ms after the source failed`,
    );
}
