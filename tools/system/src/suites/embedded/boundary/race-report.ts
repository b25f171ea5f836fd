import type { EmbeddedSystem } from '@scaler/demo';
import { spread } from '../../../harness/numbers.ts';
import { printLogs } from '../fleet/app-logs.ts';
import type { BoundaryResult, Shot } from './boundary.ts';
import { steps } from './sweep.ts';
import { printTable } from '../../../harness/table.ts';
import { type Mode, modes } from '../fleet/workload.ts';

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
