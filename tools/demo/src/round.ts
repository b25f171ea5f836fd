import { hash, randomBytes } from 'node:crypto';
import type { EmbeddedCluster } from '@scaler/testing-kit/kubernetes';
import { type EchoAnswer, echoAppPath } from '@scaler/testing-kit';
import { followWorkload, type Timeline } from './timeline.ts';

export const modes = ['always', 'selector'] as const;
export type Mode = (typeof modes)[number];

export const appNamespace = 'demo';
/** The image of the workloads. */
export const images = { app: { command: [process.execPath, echoAppPath()], env: { START_DELAY_MS: '200' } } };
const bodyBytes = 256 * 1024;
const idleMs = 2_000;

/** The result of a round: its problems, and the milliseconds of the wake. */
export interface Round {
  problems: string[];
  wake: { scaleCall: number; podReady: number; firstByte: number; restored: number };
}

type Say = (text: string) => void;

/** Creates the Deployment and Service of a mode; resolves when the workload serves and is adopted. */
export async function createWorkload(cluster: EmbeddedCluster, mode: Mode): Promise<string> {
  const name = `shop-${mode}`;
  const annotations: Record<string, string> = { 'scaler/routing': mode, 'scaler/cooldown': '1s' };
  if (mode === 'always') annotations['scaler/idle-after'] = `${idleMs}ms`;
  else {
    const metric = { metric_name: 'requests', window_size: '2s', threshold: 0 };
    annotations['scaler/metrics'] = JSON.stringify([metric]);
    reportMetric(cluster, name);
  }
  await cluster.deployment(appNamespace, name, {
    image: 'app',
    port: 8080,
    labels: { 'scaler/enabled': 'true' },
    annotations,
    readinessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 1 },
  });
  await cluster.service(appNamespace, name, { port: 80, targetPort: 8080, portName: 'http' });
  await cluster.waitFor(() => phaseOf(cluster, name) === 'awake' && served(cluster, name, mode), { timeoutMs: 20_000 });
  return name;
}

function phaseOf({ api }: EmbeddedCluster, name: string): string | undefined {
  return api.store.find('apps/v1/deployments', appNamespace, name)?.metadata.labels?.['scaler/phase'];
}

/** Whether it has a ready pod, and in `always` the DLX in its path. */
function served({ api }: EmbeddedCluster, name: string, mode: Mode): boolean {
  const { status } = api.store.get('apps/v1/deployments', appNamespace, name) as {
    status?: { readyReplicas?: number };
  };
  const { spec } = api.store.get('v1/services', appNamespace, name) as { spec?: { selector?: Record<string, string> } };
  return status?.readyReplicas === 1 && (mode === 'selector' || spec?.selector?.['scaler/asleep'] !== undefined);
}

/** The value of the metrics API: connections to the Service in the last two seconds. */
function reportMetric({ api, proxy }: EmbeddedCluster, name: string): void {
  const samples: { atMs: number; connections: number }[] = [];
  const value = (): string => {
    const atMs = performance.now();
    samples.push({ atMs, connections: proxy.counters(appNamespace, name).connections });
    const before = samples.findLast((sample) => sample.atMs <= atMs - 2_000);
    return String((samples.at(-1)?.connections ?? 0) - (before?.connections ?? 0));
  };
  const metric = { namespace: appNamespace, resource: 'deployments.apps', name, metric: 'requests_per_2s' };
  api.metrics.set({ ...metric, value, windowSeconds: 2 });
}

const since = (ms: number, from: number): string => `${Math.round(ms - from)} ms`.padStart(9);

/** Prints the moments between two times, with the milliseconds since `from`. */
function printMoments(
  timeline: Timeline,
  from: number,
  until: number,
  extra: { atMs: number; text: string }[],
  say: Say,
): void {
  const moments = [...timeline.moments, ...extra].filter(({ atMs }) => atMs >= from && atMs <= until);
  for (const { atMs, text } of moments.toSorted((a, b) => a.atMs - b.atMs)) say(`  ${since(atMs, from)}  ${text}`);
}

/** One request on a connection of its own; `firstByteMs` is when the head of the answer came. */
async function ask(url: string, body?: Buffer<ArrayBuffer>) {
  const sentMs = performance.now();
  const response = await fetch(url, {
    method: body ? 'POST' : 'GET',
    headers: { connection: 'close' },
    body: body ?? null,
    signal: AbortSignal.timeout(30_000),
  });
  const firstByteMs = performance.now();
  return { status: response.status, text: await response.text(), sentMs, firstByteMs };
}

/** Plays traffic, idleness, a park, a POST that wakes, and the hand-back, and prints each step as it happens. */
export async function playRound(cluster: EmbeddedCluster, name: string, mode: Mode, say: Say): Promise<Round> {
  const timeline = followWorkload(cluster, appNamespace, name);
  try {
    const url = cluster.serviceUrl(appNamespace, name, 80);
    const problems: string[] = [];
    say(`\n${name}: routing mode ${mode}`);
    for (let i = 0; i < 20; i++) {
      const { status } = await ask(url);
      if (status !== 200) problems.push(`awake: answered ${status}`);
    }
    const idleAt = performance.now();
    say(
      `  20 requests answered. No more come: ${mode === 'always' ? "the DLX's count" : 'its metric'} shows that it is idle.`,
    );
    const asleep = await cluster.waitFor(() => timeline.first('asleep', idleAt), { timeoutMs: 20_000 });
    printMoments(timeline, idleAt, asleep.atMs, [], say);
    const woken = await wake(cluster, url, mode, timeline, say);
    return { ...woken, problems: [...problems, ...woken.problems] };
  } finally {
    timeline.close();
  }
}

/** Wakes the workload by a POST. */
async function wake(cluster: EmbeddedCluster, url: string, mode: Mode, timeline: Timeline, say: Say): Promise<Round> {
  const problems: string[] = [];
  const body = randomBytes(bodyBytes);
  say(`  Asleep. A POST of ${bodyBytes / 1024} KiB arrives, and is held.`);
  const { status, text, sentMs, firstByteMs } = await ask(url, body);
  const answer = status === 200 ? (JSON.parse(text) as EchoAnswer) : undefined;
  const hashRight = answer?.bodySha256 === hash('sha256', body);
  if (answer === undefined) problems.push(`asleep: answered ${status} ${text.slice(0, 200)}`);
  else if (!hashRight) problems.push('the body arrived with another hash');
  const awake = await cluster.waitFor(() => timeline.first('awake', sentMs), { timeoutMs: 20_000 });
  const last = mode === 'selector' ? (timeline.first('slice-deleted', sentMs) ?? awake) : awake;
  const ready = await cluster.waitFor(() => timeline.first('ready', sentMs), { timeoutMs: 20_000 });
  const until = Math.max(awake.atMs, last.atMs, ready.atMs);
  const served = answer && `, by ${answer.identity}, hash ${hashRight ? 'right' : 'WRONG'}`;
  const answered = { atMs: firstByteMs, text: `first byte of the answer: ${status}${served ?? ''}` };
  printMoments(timeline, sentMs, until, [answered], say);
  if (mode === 'selector' && !timeline.first('restored', sentMs)) problems.push('the Service was not restored');
  const at = (what: string): number => Math.round((timeline.first(what, sentMs)?.atMs ?? Number.NaN) - sentMs);
  return {
    problems,
    wake: {
      scaleCall: at('waking'),
      podReady: Math.round(ready.atMs - sentMs),
      firstByte: Math.round(firstByteMs - sentMs),
      restored: Math.round(Math.max(awake.atMs, last.atMs) - sentMs),
    },
  };
}
