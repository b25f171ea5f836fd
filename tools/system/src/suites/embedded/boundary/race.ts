import { createEchoImage, type EchoImage } from '@scaler/testing-kit/kubernetes';
import { type EmbeddedSystem, startEmbeddedSystem } from '@scaler/demo';
import { createRandom } from '@scaler/chaos';
import { type BoundaryResult, type Shot, tryBoundary } from './boundary.ts';
import { each, type Finding, none, printTable, spread } from '../../../harness/report.ts';
import { createFleet, type Fleet, type ProxyOf } from '../fleet/fleet.ts';
import { sizeFrom } from '../../../harness/size.ts';
import { createSweep, steps } from './sweep.ts';
import { printLogs } from '../fleet/app-logs.ts';
import { type Mode, modes } from '../fleet/workload.ts';

const settleMs = 300;
const windowMs = 250;
/** The lag of the kube-proxies of two nodes, from and to: each change has another one, below settle. */
const proxyLagsMs = [
  { from: 20, to: 100 },
  { from: 100, to: 220 },
] as const;
const jitterEveryMs = 50;
/** Enough workloads to keep the machine busy; with more it is so slow that no step is as short as it could be. */
const counts = { selector: 9, overlay: 8, always: 7 };

export interface RaceOptions {
  readonly trials: number;
  readonly dlxReplicas: number;
  /** The time by which the DLX's watches lag. */
  readonly staleMs?: number;
}

/** 2,000 trials, half of them with one DLX and half with two. */
export async function race(): Promise<readonly Finding[]> {
  const trials = sizeFrom('TRIALS_RACE', 2_000);
  const halves: Finding[] = [];
  for (const dlxReplicas of [1, 2]) {
    halves.push(...(await runRace({ trials: Math.ceil(trials / 2), dlxReplicas })));
  }
  return halves;
}

/** The same, with a DLX whose watches lag by 2 s. */
export function stale(): Promise<readonly Finding[]> {
  const trials = sizeFrom('TRIALS_STALE', 200);
  return runRace({ trials, dlxReplicas: 2, staleMs: 2_000 });
}

async function runRace(options: RaceOptions): Promise<readonly Finding[]> {
  const { dlxReplicas, staleMs } = options;
  const image = createEchoImage({ startDelayMs: 15 });
  await using system = await startEmbeddedSystem({
    images: { app: image },
    dlxReplicas,
    settleMs,
    scalerOptions: { apiQps: '2000' },
    controllerLagMs: { endpointslice: 10, replicaset: 5 },
    autoscalerArgs: ['--scale-interval=150ms', '--cooldown=1ms', '--max-parks=64', '--max-reconciles=64'],
  });
  const proxies = [system.proxy, await system.addProxy()];
  const fleet = await createFleet(system, { counts, windowMs, proxies });
  if (staleMs !== undefined) {
    system.api.faults.add({ verb: 'watch', userAgent: 'scaler-dlx', action: { type: 'staleWatch', ms: staleMs } });
  }
  const staleness = staleMs ? `, what it knows is ${staleMs} ms old` : '';
  console.log(`  ${fleet.workloads.length} workloads, ${dlxReplicas} DLX${staleness}`);
  const results = await tryAll(fleet, proxies, options);
  return await report(system, image, results, dlxReplicas);
}

/** Every workload has its trials one after the other; the workloads run at the same time. */
async function tryAll(
  { system, workloads }: Fleet,
  proxies: readonly ProxyOf[],
  { trials, staleMs = 0 }: RaceOptions,
): Promise<BoundaryResult[]> {
  const random = createRandom(sizeFrom('TRIALS_SEED', 1)).next;
  const results: BoundaryResult[] = [];
  let left = trials;
  const options = { system, proxies, settleMs, random, anchorTimeoutMs: 5_000 + 2 * staleMs };
  const jitter = setInterval(() => {
    for (const [i, proxy] of proxies.entries()) {
      const { from, to } = proxyLagsMs[i] ?? proxyLagsMs[0];
      proxy.lagMs = from + random() * (to - from);
    }
  }, jitterEveryMs);
  await Promise.all(
    workloads.map(async (workload) => {
      const sweep = createSweep(workload.mode, { windowMs, settleMs }, random);
      for (let cancelled = false; left-- > 0;) {
        const result = await tryBoundary(workload, sweep.next(cancelled), options);
        cancelled = result.park === 'cancelled';
        results.push(result);
      }
    }),
  );
  clearInterval(jitter);
  return results;
}

async function report(
  system: EmbeddedSystem,
  image: EchoImage,
  results: readonly BoundaryResult[],
  dlxReplicas: number,
): Promise<Finding[]> {
  const duplicates = new Set(image.duplicates());
  printModes(results, duplicates);
  printSteps(results);
  await printLosses(system, results);
  const shots = results.flatMap(({ shots: own, workload }) => own.map((shot) => ({ ...shot, mode: workload.mode })));
  const lost = shots.filter(({ answer }) => !answer.ok);
  const countsAgainst = lost.filter(({ answer, mode }) => !answer.reused || mode === 'always');
  const of = `of ${shots.length} requests in ${results.length} trials, ${dlxReplicas} DLX`;
  return [
    none(`new connections lost ${of}`, countsAgainst.filter(({ mode }) => mode !== 'always').length),
    none(`lost in always, kept-alive ones too, ${of}`, countsAgainst.filter(({ mode }) => mode === 'always').length),
    none('duplicates at the upstream', duplicates.size),
    each('at rest at the end of each trial', results, ({ unrest }) => unrest === undefined),
    none('problems of the cluster itself', system.problems.length),
  ];
}

const toldLosses = 4;

const ofMode = (results: readonly BoundaryResult[], mode: Mode): BoundaryResult[] =>
  results.filter(({ workload }) => workload.mode === mode);
const shotsOf = (results: readonly BoundaryResult[]): Shot[] => results.flatMap(({ shots }) => shots);

const tookMs = ({ answer: { sentMs, firstByteMs } }: Shot): number => firstByteMs - sentMs;

/** Per mode: the number of trials, and the results of parks and requests. */
export function printModes(results: readonly BoundaryResult[], duplicates: ReadonlySet<string>): void {
  const head = ['mode', 'trials', 'completed', 'cancelled', 'not begun', 'missed'];
  const rest = ['new', 'lost', 'kept-alive', 'lost', 'duplicates', 'not at rest', 'held p50 / p99 ms'];
  const rows = modes.map((mode) => {
    const own = ofMode(results, mode);
    const shots = shotsOf(own);
    const parks = (end: BoundaryResult['park']): number => own.filter(({ park }) => park === end).length;
    const sent = (reused: boolean): Shot[] => shots.filter(({ answer }) => answer.reused === reused);
    const lost = (reused: boolean): number => sent(reused).filter(({ answer }) => !answer.ok).length;
    return [
      ...[mode, own.length, parks('completed'), parks('cancelled'), parks('not begun')],
      ...[own.filter(({ missed }) => missed).length, sent(false).length, lost(false), sent(true).length, lost(true)],
      shots.filter(({ answer }) => duplicates.has(answer.id)).length,
      own.filter(({ unrest }) => unrest !== undefined).length,
      spread(shots.filter(({ step }) => step.startsWith('asleep')).map(tookMs)),
    ];
  });
  printTable([[...head, ...rest], ...rows]);
}

/** Per mode: how many requests were sent in which step. */
export function printSteps(results: readonly BoundaryResult[]): void {
  const rows = modes.map((mode) => {
    const shots = shotsOf(ofMode(results, mode));
    return [mode, ...steps.map((step) => shots.filter((shot) => shot.step === step).length)];
  });
  printTable([['sent while', ...steps], ...rows]);
}

/** The history around the first requests that were lost, and around workloads that did not come to rest. */
export async function printLosses(system: EmbeddedSystem, results: readonly BoundaryResult[]): Promise<void> {
  const bad = results.filter(
    ({ shots, workload, unrest }) =>
      unrest !== undefined ||
      shots.some(({ answer: { ok, reused } }) => !ok && (!reused || workload.mode === 'always')),
  );
  for (const { workload, aim, shots, unrest } of bad.slice(0, toldLosses)) {
    const lost = shots.find(({ answer }) => !answer.ok);
    const what = lost ? `a request sent in step ${lost.step} ended with ${lost.answer.text}` : `not at rest: ${unrest}`;
    console.log(`\n  ${workload.name}, aimed at ${aim.anchor}: ${what}`);
    const atMs = lost?.answer.sentMs ?? performance.now();
    for (const line of workload.journal.around(atMs, lost ? 1_500 : 30_000, 2_500)) console.log(`  ${line}`);
    await printLogs(system, new RegExp(`\\b${workload.name}(?!\\d)\\b`), 12);
  }
}
