import { type Finding, shown, spread, sum } from '../../../harness/report.ts';
import type { Ground } from '../scenario.ts';
import { type Answer, type Client, type FlowReport, noFlow } from './client.ts';
import { seenIn } from './seen.ts';
import { type Described, urlOf } from './workloads.ts';

/** Requests per second to each workload: on new connections, and by one client that keeps its own. */
export interface Rates {
  readonly fresh: number;
  readonly kept: number;
}

/** The times of a park and of the wake after it. */
export interface Times {
  /** From the last request until zero replicas. */
  readonly parkMs: number;
  /** The first request's own time: held, woken, answered. */
  readonly wakeMs: number;
  /** From that request until the traffic was handed back. */
  readonly restoreMs: number;
}

type Named = Pick<Described, 'name'>;

const flowsOf = ({ name }: Named): readonly string[] => [`new ${name}`, `kept ${name}`];

/** Asks a workload from now on, until the scenario ends. */
export async function startFlows(ground: Ground, one: Described, { fresh, kept }: Rates): Promise<void> {
  const { traffic } = await ground.client();
  const [freshId = '', keptId = ''] = flowsOf(one);
  ground.later(() => stopFlows(ground, one));
  await traffic.start(freshId, { url: urlOf(one), rps: fresh, keepAlive: false });
  if (kept > 0) await traffic.start(keptId, { url: urlOf(one), rps: kept, keepAlive: true });
}

export async function stopFlows(ground: Ground, one: Named): Promise<void> {
  const { traffic } = await ground.client();
  for (const id of flowsOf(one)) await traffic.stop(id);
}

/** No more requests: a kept-alive connection stays open. */
export async function pauseFlows({ traffic }: Client, one: Named): Promise<void> {
  for (const id of flowsOf(one)) await traffic.pause(id);
}

/** A wake by a POST of 1 MB, whose hash comes back, under the load of its flows. */
export async function wake(
  ground: Ground,
  client: Client,
  one: Described,
  limitMs: number,
): Promise<{ answer: Answer; restoreMs: number; problems: string[] }> {
  await client.setMetric(one.namespace, one.name, '5');
  const wokenAt = performance.now();
  const posted = client.ask({ protocol: 'post', url: urlOf(one) });
  for (const id of flowsOf(one)) await client.traffic.resume(id);
  const answer = await posted;
  const problems = answer.ok ? [] : [`POST: ${answer.status ?? ''} ${answer.text}`];
  const { spec } = await seenIn(ground, one, 'awake', limitMs);
  const restoreMs = performance.now() - wokenAt;
  if (spec?.replicas !== 1) problems.push(`awake with ${spec?.replicas} replicas`);
  return { answer, restoreMs, problems };
}

/** The reports of the requests on new connections, by workload. */
export async function reportsOf(ground: Ground, all: readonly Named[]): Promise<FlowReport[]> {
  const reports = await (await ground.client()).traffic.reports();
  return all.map((one) => reports[flowsOf(one)[0] ?? ''] ?? noFlow);
}

/** The requests to some workloads, and those that were lost, on new connections and by kept-alive clients. */
export interface Totals {
  readonly sent: number;
  readonly lost: number;
  readonly keptSent: number;
  readonly keptLost: number;
}

/** Logs the first errors of the flows, and counts them on the ground. */
export async function totalsOf(ground: Ground, all: readonly Named[], errorsShown: number): Promise<Totals> {
  const reports = await (await ground.client()).traffic.reports();
  for (const id of all.flatMap(flowsOf))
    for (const { at, text } of reports[id]?.errors.slice(0, errorsShown) ?? []) ground.log(`${id}: ${at} ${text}`);
  const flows = (which: number) => all.map((one) => reports[flowsOf(one)[which] ?? ''] ?? noFlow);
  const [sent = 0, keptSent = 0] = [0, 1].map((which) => sum(flows(which), (flow) => flow.sent));
  const [lost = 0, keptLost = 0] = [0, 1].map((which) => sum(flows(which), (flow) => flow.failed));
  ground.count(sent + keptSent, lost + keptLost);
  return { sent, lost, keptSent, keptLost };
}

/** The measures of some cycles that are not judged. A kept-alive client loses what any scale-down loses, but in `always`. */
export function shownOf(prefix: string, { keptSent, keptLost }: Totals, cycles: readonly Times[]): Finding[] {
  const ms = (what: string, time: keyof Times): Finding =>
    shown(`${prefix}${what}`, `${spread(cycles.map((cycle) => cycle[time]))} ms p50 / p99`);
  return [
    shown(`${prefix}lost of kept-alive clients`, `${keptLost} of ${keptSent}`),
    ms('last request to zero replicas', 'parkMs'),
    ms('first request to its answer', 'wakeMs'),
    ms('first request to traffic handed back', 'restoreMs'),
  ];
}
