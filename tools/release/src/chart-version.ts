import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chart, writeDerived } from '@scaler/chart';

/** A package that a release gives another version. */
export interface Step {
  readonly from: string;
  readonly to: string;
}

/** The next version of the chart and the images: theirs takes the widest step of the packages that they are made of. */
export function nextVersion(current: string, steps: readonly Step[]): string {
  const numbers = numbersOf(current);
  const at = Math.min(...steps.map(({ from, to }) => changedAt(numbersOf(from), numbersOf(to))));
  if (at > 2) return current;
  return numbers.map((number, i) => (i < at ? number : i === at ? number + 1 : 0)).join('.');
}

/** 0: another major, 1: another minor, 2: another patch, 3: the same. */
function changedAt(from: readonly number[], to: readonly number[]): number {
  const at = from.findIndex((number, i) => number !== to[i]);
  return at === -1 ? 3 : at;
}

function numbersOf(version: string): readonly number[] {
  const numbers = version.split('.').map(Number);
  if (numbers.length !== 3 || !numbers.every((one) => Number.isSafeInteger(one) && one >= 0))
    throw new Error(`the version is "${version}", allowed is MAJOR.MINOR.PATCH`);
  return numbers;
}

/** Gives the chart, and with `appVersion` the images, their next version; and every file that tells of it. */
export async function versionChart(steps: readonly Step[]): Promise<string> {
  const file = join(chart, 'Chart.yaml');
  const text = await readFile(file, 'utf8');
  const current = /^version: (\S+)$/m.exec(text)?.[1] ?? '';
  const next = nextVersion(current, steps);
  await writeFile(file, text.replaceAll(/^(version|appVersion): \S+$/gm, `$1: ${next}`));
  await writeDerived();
  return next;
}
