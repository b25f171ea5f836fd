import { commandLine } from '@scaler/command';
import { trials } from './suites/embedded/all.ts';
import type { Finding, Trial } from './harness/finding.ts';
import { say } from './harness/say.ts';
import { tableLines } from './harness/table.ts';

const { names: named } = commandLine({
  name: 'npm run trials',
  doc: 'Long proofs with the real programs on the embedded cluster. The exit code is 1 when a verdict is not good.',
  names: { what: 'trial', doc: 'the trials to run; default: all', known: Object.keys(trials) },
  variables: {
    TRIALS: '`full`: every case, however long it takes',
    TRIALS_TIMES: '`shown`: times are shown and not judged, for a machine that others use',
  },
  examples: { '': 'all, an hour', 'race latency': 'these two' },
});

async function carryOut(name: string, trial: Trial): Promise<readonly Finding[]> {
  try {
    return await trial();
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return [{ what: 'it could be carried out', wanted: 'yes', got: text, good: false }];
  }
}

let good = true;
for (const [name, trial] of Object.entries(trials)) {
  if (named.length > 0 && !named.includes(name)) continue;
  const beganMs = performance.now();
  say(`\n=== ${name}`);
  const findings = await carryOut(name, trial);
  const rows = findings.map(({ what, wanted, got, good: isGood }) => [isGood ? 'ok' : 'NOT', what, got, wanted]);
  say();
  for (const line of tableLines([['', `verdict of ${name}`, 'measured', 'wanted'], ...rows])) say(line);
  say(`  ${((performance.now() - beganMs) / 1000).toFixed(0)} s`);
  good &&= findings.every((finding) => finding.good);
}
process.exitCode = good ? 0 : 1;
