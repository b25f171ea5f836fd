import type http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, keptAlive, type Answer } from '../../../harness/requests.ts';
import { type ProxyOf, urlOf } from '../fleet/fleet.ts';
import { type Aim, stepOf, type StepName } from './sweep.ts';
import type { EmbeddedSystem } from '@scaler/demo';
import type { Workload } from '../fleet/workload.ts';

/** The result of one trial at the boundary of sleep. */
export interface BoundaryResult {
  readonly workload: Workload;
  readonly aim: Aim;
  readonly park: 'completed' | 'cancelled' | 'not begun';
  /** The anchor did not come in time; the requests were sent nevertheless. */
  readonly missed: boolean;
  readonly shots: readonly Shot[];
  /** Why the workload did not come to rest afterwards. */
  readonly unrest: string | undefined;
}

/** One request of a trial. */
export interface Shot {
  readonly answer: Answer;
  /** The step of the park in which it was sent. */
  readonly step: StepName;
}

export interface BoundaryOptions {
  readonly system: EmbeddedSystem;
  readonly proxies: readonly ProxyOf[];
  readonly settleMs: number;
  readonly random: () => number;
  /** The longest time until an anchor is reached. */
  readonly anchorTimeoutMs: number;
}

const answerTimeoutMs = 20_000;
const restTimeoutMs = 30_000;
const pauseMs = 25;

/**
 * One trial: the workload falls idle, and two requests arrive in the step of its park that is aimed at, one over a new
 * connection and one over a connection that was opened before. Then the workload is woken, and left at rest.
 */
export async function tryBoundary(workload: Workload, aim: Aim, options: BoundaryOptions): Promise<BoundaryResult> {
  const { system, proxies, random } = options;
  const proxy = proxies[Math.floor(random() * proxies.length)];
  const url = urlOf(system, workload, proxy);
  const agent = keptAlive();
  const shots: Shot[] = [];
  const send = async (over?: http.Agent): Promise<void> => {
    const step = stepOf(workload, options.settleMs);
    const kind = over ? 'kept-alive' : 'new';
    workload.journal.note(`client: a request over a ${kind} connection, step ${step}, aimed at ${aim.anchor}`);
    const answer = await ask(url, { timeoutMs: answerTimeoutMs, ...(over && { agent: over }) });
    workload.journal.note(`client: the ${kind} one ended: ${answer.text.slice(0, 80)}`);
    shots.push({ answer, step });
  };
  try {
    await send(agent);
    const before = { parks: workload.parks, sleeps: workload.sleeps };
    const missed = !(await reached(workload, aim, options));
    const shoot = async (over?: http.Agent): Promise<void> => {
      await sleep(aim.fromMs + random() * (aim.toMs - aim.fromMs));
      await send(over);
    };
    await Promise.all([shoot(), shoot(agent)]);
    const park = await outcomeOf(workload, before);
    workload.idle = false;
    const rested = await bringToRest(workload, () => send());
    return { workload, aim, park, missed, shots, unrest: rested ? undefined : `${workload}` };
  } finally {
    agent.destroy();
  }
}

/** Lets the workload fall idle; true when the anchor was reached. */
function reached(workload: Workload, aim: Aim, { anchorTimeoutMs }: BoundaryOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const { anchor, holdMs = 0 } = aim;
    const end = (hit: boolean): void => {
      clearTimeout(timer);
      workload.armed = undefined;
      resolve(hit);
    };
    const timer = setTimeout(() => end(false), anchorTimeoutMs);
    workload.idle = true;
    if (anchor === 'idle') end(true);
    else workload.armed = { anchor, holdMs, fire: () => end(true) };
  });
}

/**
 * Wakes it as often as it sleeps, because a park whose fence read the metric before it changed still completes; in `always`,
 * where nothing but its own traffic keeps it awake, sleep is rest too.
 */
async function bringToRest(workload: Workload, wake: () => Promise<void>): Promise<boolean> {
  const untilMs = performance.now() + restTimeoutMs;
  const rests = (): boolean => (workload.mode === 'always' ? workload.isAtRest : workload.isWhole);
  while (performance.now() < untilMs) {
    await workload.until(() => rests() || workload.phase === 'asleep', untilMs - performance.now());
    if (rests()) return true;
    if (workload.phase === 'asleep') await wake();
    // A dying pod may have answered the request: then the next request wakes the workload.
    if (workload.phase === 'asleep') await sleep(pauseMs);
  }
  return false;
}

async function outcomeOf(
  workload: Workload,
  before: { parks: number; sleeps: number },
): Promise<BoundaryResult['park']> {
  await workload.until(() => workload.phase === 'asleep' || workload.phase === 'awake', restTimeoutMs);
  if (workload.sleeps > before.sleeps) return 'completed';
  return workload.parks > before.parks ? 'cancelled' : 'not begun';
}
