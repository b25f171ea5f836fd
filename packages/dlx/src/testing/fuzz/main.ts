// Malformed requests against the DLX: npm run fuzz -- [--count N] [--seed N]. Hostile clients and endpoints on both sides of
// it: npm run fuzz -- --hostile [--count N] [--seed N] [--from N] [--only N] [--protocol http1] [--parallel N] [--ledger MB]. How
// streams of HTTP/2 end: npm run fuzz -- --closes [--count N] [--write]. Exit 1 when something is wrong.
import { parseArgs } from 'node:util';
import { runCloses } from '../closes/main.ts';
import { fuzz } from './fuzz.ts';
import { hostile } from './hostile/hostile.ts';
import { fuzzRaw } from './raw-fuzz.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    hostile: { type: 'boolean', default: false },
    only: { type: 'string' },
    protocol: { type: 'string' },
    parallel: { type: 'string', default: '128' },
    ledger: { type: 'string', default: '256' },
    closes: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const { only: alone = '0' } = values;
const numbers = [values.count, values.seed, values.from, alone, values.parallel, values.ledger].map(Number);
const [count = 0, seed = 0, from = 0, only = 0, parallel = 0, ledgerMegabytes = 0] = numbers;
if (!numbers.every(Number.isInteger) || count < 1 || from < 0 || parallel < 1 || ledgerMegabytes < 1) {
  process.stderr.write(
    `--count ${values.count} --seed ${values.seed} --from ${values.from} --only ${alone} --parallel ${values.parallel} ` +
      `--ledger ${values.ledger}: whole numbers are wanted, of conversations and megabytes at least one\n`,
  );
  process.exit(2);
}
const beginMs = performance.now();
const seconds = (): string => ((performance.now() - beginMs) / 1000).toFixed(0);
const failures = values.closes
  ? await runCloses(process.argv.some((text) => text.startsWith('--count')) ? count : 1000, values.write)
  : values.hostile
    ? await runHostile()
    : await runMalformed();
process.exitCode = failures === 0 ? 0 : 1;

/** Returns the number of failures, as does the other. */
async function runHostile(): Promise<number> {
  const report = await hostile({
    ...{ count, seed, from, parallel, ledgerMegabytes, protocol: values.protocol },
    only: values.only === undefined ? undefined : only,
    onProgress: (text) => process.stdout.write(`${seconds()} s: ${text}\n`),
  });
  for (const failure of report.failures) process.stdout.write(`FAILED ${failure}\n`);
  const [rest, peak, bound] = [report.restBytes, report.peakBytes, report.boundBytes].map((bytes) =>
    (bytes / 2 ** 20).toFixed(0),
  );
  process.stdout.write(
    `${report.played} conversations from seed ${seed} in ${seconds()} s: ${report.accepted} requests accepted, ` +
      `${report.exits} exits, ${report.hangs} hangs, at most ${peak} MB of memory (${rest} at rest, ${bound} allowed), ` +
      `the longest turn took ${report.longestTurnMs} ms of CPU time, the neighbour asked ${report.neighbourAsked} times and ` +
      `waited ${report.neighbourSlowestMs.toFixed(0)} ms at most, ${report.failures.length} failures\n` +
      `${JSON.stringify(report.outcomes)}\n`,
  );
  return report.failures.length;
}

async function runMalformed(): Promise<number> {
  const report = await fuzz({ count, seed, onProgress: (done) => process.stdout.write(`${done} of ${count}\n`) });
  for (const failure of report.failures) process.stdout.write(`FAILED ${failure}\n`);
  const { accepted, forwarded, outcomes } = report;
  process.stdout.write(
    `${count} conversations from seed ${seed} in ${seconds()} s: ${accepted} requests accepted, ${forwarded} reached the app, ` +
      `${report.failures.length} failures\n${JSON.stringify(outcomes)}\n`,
  );
  const raw = await fuzzRaw({ count: Math.ceil(count / 10), seed });
  for (const failure of raw.failures) process.stdout.write(`FAILED ${failure}\n`);
  process.stdout.write(
    `${Math.ceil(count / 10)} raw conversations: ${raw.accepted} accepted, ${raw.joined} reached the app, ` +
      `${raw.failures.length} failures\n${JSON.stringify(raw.outcomes)}\n`,
  );
  return report.failures.length + raw.failures.length;
}
