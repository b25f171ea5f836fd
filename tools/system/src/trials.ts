import { commandLine } from '@scaler/command';
import { isFull } from './harness/size.ts';
import { runSuite } from './harness/suite.ts';
import { trials } from './suites/embedded/all.ts';

const { names } = commandLine({
  name: 'npm run trials',
  doc: 'Long proofs with the real programs on the embedded cluster. The exit code is 1 when a verdict is not good.',
  names: { what: 'trial', doc: 'the trials to run; default: all', known: trials.map(({ name }) => name) },
  variables: {
    UPGRADE_FROM: 'the commit that the trial `upgrade` begins with; default: 02d5e27',
    TRIALS: '`full`: every case, however long it takes',
    TRIALS_TIMES: '`shown`: times are shown and not judged, for a machine that others use',
  },
  examples: { '': 'all, an hour', 'race latency': 'these two' },
});

/** Each trial ends within minutes; one that takes longer than this hangs. With `TRIALS=full` some take hours. */
const limitMs = isFull ? 12 * 3_600_000 : 3_600_000;

const code = await runSuite({ cases: trials, limitMs, prepare: () => ({ ground: undefined }) }, names);
// A trial that was given up leaves its programs running.
process.exit(code);
