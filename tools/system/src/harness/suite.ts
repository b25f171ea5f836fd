import { type Finding, printTable } from './report.ts';

/** A property of the whole system that a run shows. */
export interface Case<Ground> {
  readonly name: string;
  /** One sentence: the property that it shows. */
  readonly doc: string;
  /** The longest time that it may take; default: the suite's. */
  readonly limitMs?: number;
  /** Rejects when it could not run, which is a failure too. */
  run(ground: Ground): Promise<readonly Finding[]>;
}

/** The ground of one case. */
export interface Stand<Ground> {
  readonly ground: Ground;
  /** Requests that the case sent, and those that were lost. */
  readonly counted?: { readonly sent: number; readonly lost: number };
  /** Restores everything as it was before the case. */
  end?(): Promise<void>;
}

/** Cases on one kind of ground. */
export interface Suite<Ground, One extends Case<Ground>> {
  /** In the order in which they run. */
  readonly cases: readonly One[];
  readonly limitMs: number;
  /** The signal aborts when the case's time is over. */
  prepare(one: One, signal: AbortSignal): Stand<Ground>;
  /** The reason why a case cannot run here. */
  unable?(one: One): string | undefined;
  /** The parts that its cases left out, each with the reason. */
  readonly leftOut?: readonly string[];
}

type Log = (line: string) => void;

interface Verdict {
  readonly name: string;
  readonly text: 'passed' | 'FAILED' | 'skipped';
  readonly seconds: number;
  readonly why: string;
  readonly counted?: Stand<unknown>['counted'] | undefined;
}

/**
 * Runs the cases, or those named, one after the other. Prints the findings of each, a table of verdicts, and the skipped ones;
 * resolves with the exit code.
 */
export async function runSuite<Ground, One extends Case<Ground>>(
  suite: Suite<Ground, One>,
  names: readonly string[],
  log: Log = console.log,
): Promise<number> {
  const verdicts: Verdict[] = [];
  const skipped: string[] = [];
  for (const one of suite.cases) {
    const { name } = one;
    if (names.length > 0 && !names.includes(name)) continue;
    const why = suite.unable?.(one);
    if (why !== undefined) skipped.push(`${name}: ${why}`);
    verdicts.push(why === undefined ? await verdictOf(suite, one, log) : { name, text: 'skipped', seconds: 0, why });
  }
  const counts = verdicts.some(({ counted }) => counted !== undefined);
  const rows = verdicts.map(({ name, text, seconds, why, counted: { sent = 0, lost = 0 } = {} }) => {
    return [name, text, seconds, ...(counts ? [sent || '', sent ? lost : ''] : []), why];
  });
  log('');
  printTable([['', 'verdict', 'seconds', ...(counts ? ['sent', 'lost'] : []), ''], ...rows], log);
  skipped.push(...(suite.leftOut ?? []));
  if (skipped.length > 0) log('\nskipped:');
  for (const line of skipped) log(`  ${line}`);
  return verdicts.some(({ text }) => text === 'FAILED') ? 1 : 0;
}

async function verdictOf<Ground, One extends Case<Ground>>(
  suite: Suite<Ground, One>,
  one: One,
  log: Log,
): Promise<Verdict> {
  const { name, doc, limitMs = suite.limitMs } = one;
  log(`\n=== ${name}: ${doc}`);
  const beginMs = performance.now();
  const signal = AbortSignal.timeout(limitMs);
  const { ground, counted, end } = suite.prepare(one, signal);
  const findings = await Promise.race([one.run(ground), late(signal)]).catch(failure);
  const seconds = Math.round((performance.now() - beginMs) / 1000);
  const rows = findings.map(({ what, wanted, got, good }) => [good ? 'ok' : 'NOT', what, got, wanted]);
  printTable([['', name, 'measured', 'wanted'], ...rows], log);
  log(`  ${seconds} s`);
  await end?.();
  const wrong = findings.find(({ good }) => !good);
  // A case without findings has shown nothing.
  const text = wrong === undefined && findings.length > 0 ? 'passed' : 'FAILED';
  const why = wrong === undefined ? '' : `${wrong.what}: ${wrong.got}`.slice(0, 120);
  return { name, text, seconds, why, counted };
}

function late(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener('abort', () => reject(new Error('its time limit is over'))),
  );
}

function failure(error: unknown): readonly Finding[] {
  const got = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return [{ what: 'it ran to its end', wanted: 'yes', got, good: false }];
}
