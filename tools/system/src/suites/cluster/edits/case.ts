import { until } from '@scaler/command';
import { type Finding, seconds, tried } from '../../../harness/report.ts';
import type { Answer, Client } from '../site/client.ts';
import type { Ground } from '../scenario.ts';
import type { Where } from '../site/seen.ts';
import { askOnce, type Described } from '../site/workloads.ts';

/** The parts that a case needs to act. */
export interface Scene {
  readonly ground: Ground;
  readonly client: Client;
}

/** Something that is done to a sleeper, and what has to come of it. */
export interface Case {
  readonly described: Described;
  /** Further objects beside the workload and its Service. */
  readonly more?: readonly object[];
  /** Once all sleep. Rejects when it did not come to what it had to. */
  act(scene: Scene, described: Described): Promise<string>;
}

/** Acts, and tells what came of it. */
export async function findingOf(one: Case, scene: Scene): Promise<Finding> {
  const beginMs = performance.now();
  const finding = await tried(one.described.name, 'as it must be', () => one.act(scene, one.described));
  return { ...finding, got: `${finding.got} (${seconds(performance.now() - beginMs)})` };
}

/** The pod that answered, by its echo. */
export interface Echo {
  readonly identity: string;
  readonly revision?: string;
}

/** Asks once, and has to be answered. @throws with the answer, where it is not the right one. */
export async function answered({ ground }: Scene, where: Where): Promise<Echo & { ms: number }> {
  const answer = await askOnce(ground, where);
  return { ...echoOf(answer), ms: answer.ms };
}

/** Asks again and again, each time for so long, until it is answered, by a pod whose name begins so. */
export async function answersSoon(
  { client }: Scene,
  url: string,
  limitMs: number,
  timeoutMs: number,
  pod = '',
): Promise<void> {
  await until('an answer', limitMs, async () => {
    const { identity } = echoOf(await client.ask({ protocol: 'get', url, timeoutMs }));
    if (!identity.startsWith(pod)) throw new Error(`answered by ${identity}`);
    return true;
  });
}

/** @throws where it is none. */
function echoOf({ ok, status, text }: Answer): Echo {
  if (!ok) throw new Error(`answered ${status ?? 'nothing'}: ${text}`);
  return JSON.parse(text) as Echo;
}
