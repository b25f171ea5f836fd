import type { AuditEntry } from '@scaler/testing-kit/kubernetes';
import { keyOf, type Member, times } from '../world/fleet.ts';
import { isProgram, type Report, type Scene } from './scene.ts';
import { parkBlockerOf } from './owner-intent.ts';
import type { Token } from './workload-log.ts';

const second = 1_000;

/** The write that sets the replicas of a resource to zero. */
export interface Zero {
  readonly member: Member;
  readonly before: Token;
  readonly entry: AuditEntry;
  /** The write, in words. */
  readonly what: string;
}

/** No park ends against the owner's intent: the write itself must have tested it. */
export function judgeIntent(scene: Scene, report: Report, { before, entry, what }: Zero): void {
  // A process whose wall clock was wrong may have seen the end of the intent.
  const wallMs = hasJumped(scene, entry) ? Number.MAX_SAFE_INTEGER : scene.timeline.clock.now();
  const bar = parkBlockerOf(before.intent, wallMs);
  if (bar !== undefined) report("owner's wishes", `${what}: ${bar}`);
}

/** No resource goes to sleep that was in use, or whose use could not be known. */
export function judgeIdle(scene: Scene, report: Report, { member, before: { intent }, entry, what }: Zero): void {
  const { metrics, traffic, timeline, health, counts } = scene;
  const key = keyOf(member);
  const zeroMs = timeline.ms;
  // A decision may have waited for the API, in retries that each had their own time-out.
  const troubled = zeroMs - health.disturbedMs < 30 * second;
  const slackMs = troubled ? 22 * second : 1.5 * second;
  const window = times.window * second;
  const tick = times.interval * second;
  counts.add('parks judged');
  if (member.veto && scene.vetoes.vetoedSinceMs(key) < zeroMs - slackMs)
    report("owner's wishes", `${what}: its pods have not let it sleep since ${scene.vetoes.vetoedSinceMs(key)} ms`);
  // Neither requests nor metrics count against a pause `asleep`; a request in a DLX does.
  const wanted =
    intent.pause === 'asleep' && (hasJumped(scene, entry) || intent.pauseUntilMs > timeline.clock.now() - slackMs);
  for (const sent of traffic.served(key)) {
    const { endedMs = Infinity, sentMs } = sent;
    const byDlx = isProgram(scene, sent.backend);
    // A request that was answered after the write had been sent could still undo the write, and did not.
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
    const byDlx = isProgram(scene, backend);
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

function hasJumped({ programs }: Scene, { user }: AuditEntry): boolean {
  return programs.find(({ id }) => id === user)?.clockJumped === true;
}
