import { setTimeout as sleep } from 'node:timers/promises';
import type { EmbeddedSystem } from '@scaler/demo';
import { ask } from '../../../harness/ask.ts';
import { all, atMost, type Finding, none } from '../../../harness/finding.ts';
import { seconds } from '../../../harness/numbers.ts';
import { readyPods, rollOut } from '../fleet/apps.ts';
import { putToSleep, urlOf } from '../fleet/fleet.ts';
import type { Workload } from '../fleet/workload.ts';

/** A rollout of the DLX. */
export interface Rollout {
  readonly name: string;
  readonly strategy: object;
  /** A new pod may be ready only after this. */
  readonly delaySeconds: number;
}

export interface RolloutLimits {
  /** The limit of the dead-man switch. */
  readonly limitMs: number;
  /** If the switch were thrown, the first workload would be started after so long. */
  readonly noticeMs: number;
}

/** All sleep on, and afterwards a request wakes one of them as usual. */
export async function slowRollout(
  system: EmbeddedSystem,
  workloads: readonly Workload[],
  { name, strategy, delaySeconds }: Rollout,
  { limitMs, noticeMs }: RolloutLimits,
): Promise<readonly Finding[]> {
  const gaps = watchGaps(system);
  const readinessProbe = { initialDelaySeconds: delaySeconds };
  await rollOut(system, 'dlx', strategy, { container: { readinessProbe } });
  const { noneForMs, fewerForMs } = gaps.stop();
  await sleep(noticeMs);
  const woken = workloads.filter(({ phase, replicas }) => phase !== 'asleep' || replicas > 0);
  const [first] = workloads as [Workload];
  const answer = await ask(urlOf(system, first), { timeoutMs: 20_000 });
  console.log(`  a rollout, ${name}: fewer than both ready for ${seconds(fewerForMs)}, none for ${seconds(noneForMs)}`);
  first.idle = false;
  await first.until(() => first.isWhole, 20_000);
  await putToSleep(system, [first]);
  return [
    atMost(`a slow rollout, ${name}: no ready DLX for`, noneForMs, limitMs - 1_000),
    none(`  woken or restored by it, of ${workloads.length} asleep`, woken.length),
    all('  a request to a sleeper afterwards is answered', answer.status ?? 0, 200),
  ];
}

interface Gaps {
  /** The longest time without a ready DLX, and with fewer than both. */
  readonly noneForMs: number;
  readonly fewerForMs: number;
}

function watchGaps(system: EmbeddedSystem): { stop(): Gaps } {
  const none = longest(() => readyPods(system, 'dlx') === 0);
  const fewer = longest(() => readyPods(system, 'dlx') < 2);
  const timer = setInterval(() => [none, fewer].forEach(({ look }) => look()), 20);
  return {
    stop: () => {
      clearInterval(timer);
      return { noneForMs: none.ms(), fewerForMs: fewer.ms() };
    },
  };
}

/** The longest time for which a condition held at each look. */
function longest(is: () => boolean): { look(): void; ms(): number } {
  let sinceMs: number | undefined;
  let longestMs = 0;
  return {
    look: () => {
      const nowMs = performance.now();
      sinceMs = is() ? (sinceMs ?? nowMs) : undefined;
      if (sinceMs !== undefined) longestMs = Math.max(longestMs, nowMs - sinceMs);
    },
    ms: () => longestMs,
  };
}
