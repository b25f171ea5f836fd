import { isBounded, isWithin, boundText, rangeText, valueText } from './figure.ts';
import { findProgram } from './machine/programs.ts';
import { thisMachine } from './machine/machine.ts';
import { keepResult } from './results.ts';
import type { Figure, Scenario } from './scenario.ts';

export interface RunOptions {
  readonly quick: boolean;
  readonly rounds: number;
  /** Whether the results are kept as JSON. */
  readonly keep: boolean;
  log(line: string): void;
}

/** `undecided`: missed in a quick run, while the machine was too disturbed to judge. */
export type Verdict = 'good' | 'missed' | 'undecided' | 'failed' | 'skipped';

/** The programs that a scenario needs in such a run and that are not on PATH. */
export function missingPrograms({ needs = [], isGate = false }: Scenario, quick: boolean): string[] {
  return quick && isGate ? [] : needs.filter((name) => findProgram(name) === undefined);
}

/** Runs a scenario, prints its figures, and judges them. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<Verdict> {
  const { quick, rounds, keep, log } = options;
  const beganMs = performance.now();
  log('');
  log(`=== ${scenario.name}: ${scenario.doc}`);
  const missing = missingPrograms(scenario, quick);
  if (missing.length > 0) {
    log(`!!! SKIPPED: ${missing.join(' and ')} not on PATH`);
    return 'skipped';
  }
  const measured: object[] = [];
  const doubts: string[] = [];
  let figures: readonly Figure[];
  try {
    figures = await scenario.run({
      quick,
      rounds,
      log: (line) => log(`  ${line}`),
      keep: (round) => measured.push(round),
      doubt: (reason) => doubts.push(reason),
    });
  } catch (error) {
    log(`!!! FAILED: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return 'failed';
  }
  for (const line of figureLines(figures, quick)) log(line);
  if (keep) {
    const [date = ''] = new Date().toISOString().split('T');
    const { name, doc } = scenario;
    await keepResult({ scenario: name, doc, date, machine: thisMachine(), rounds, figures, measured });
  }
  log(`  ${((performance.now() - beganMs) / 1000).toFixed(0)} s`);
  for (const reason of doubts) log(`!!! IN DOUBT: ${reason}`);
  return verdictOf(figures, quick, doubts.length > 0);
}

/** A doubt excuses figures that were measured, never figures that were counted. */
export function verdictOf(figures: readonly Figure[], quick: boolean, isInDoubt: boolean): Verdict {
  const missed = figures.filter((figure) => !isWithin(figure, quick));
  if (missed.length === 0) return 'good';
  return quick && isInDoubt && missed.every(({ unit }) => unit !== '') ? 'undecided' : 'missed';
}

function figureLines(figures: readonly Figure[], quick: boolean): string[] {
  const mark = (figure: Figure): string => (!isBounded(figure, quick) ? '' : isWithin(figure, quick) ? 'ok' : 'NOT');
  const rows = [
    ['', 'figure', 'measured', 'range', 'wanted'],
    ...figures.map((figure) => [
      mark(figure),
      figure.name,
      valueText(figure),
      rangeText(figure),
      boundText(figure, quick),
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd());
}
