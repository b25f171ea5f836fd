// Malformed requests against the DLX: npm run fuzz -- [--count N] [--seed N]. Exit 1 when something is wrong.
import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';
import { fuzzRaw } from './raw-fuzz.ts';

const { values } = parseArgs({
  options: { count: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
});
const [count, seed] = [Number(values.count), Number(values.seed)];
if (!Number.isInteger(count) || count < 1 || !Number.isInteger(seed)) {
  process.stderr.write(
    `--count ${values.count} --seed ${values.seed}: whole numbers are wanted, at least one request\n`,
  );
  process.exit(2);
}
const beginMs = performance.now();
const report = await fuzz({ count, seed, onProgress: (done) => process.stdout.write(`${done} of ${count}\n`) });
for (const failure of report.failures) process.stdout.write(`FAILED ${failure}\n`);
const { accepted, forwarded, outcomes } = report;
const seconds = ((performance.now() - beginMs) / 1000).toFixed(0);
process.stdout.write(
  `${count} conversations from seed ${seed} in ${seconds} s: ${accepted} requests accepted, ${forwarded} reached the app, ` +
    `${report.failures.length} failures\n${JSON.stringify(outcomes)}\n`,
);
const raw = await fuzzRaw({ count: Math.ceil(count / 10), seed });
for (const failure of raw.failures) process.stdout.write(`FAILED ${failure}\n`);
process.stdout.write(
  `${Math.ceil(count / 10)} raw conversations: ${raw.accepted} accepted, ${raw.joined} reached the app, ` +
    `${raw.failures.length} failures\n${JSON.stringify(raw.outcomes)}\n`,
);
process.exitCode = report.failures.length + raw.failures.length === 0 ? 0 : 1;
