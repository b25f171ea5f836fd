import { parseArgs } from 'node:util';
import { runCloses } from '../closes/main.ts';
import { fuzz } from './fuzz.ts';
import { hostile } from './hostile/hostile.ts';
import { fuzzRaw } from './raw-fuzz.ts';

const protocols = ['http1', 'http2', 'upgrade', 'tcp'];

/** Each with its default, and what it says. A number is whole, and at least as large as the third says. */
const numbers = {
  count: ['100000', 'conversations, 1000 with --closes', 1],
  seed: ['1', 'of the first conversation', 0],
  from: ['0', 'with --hostile: the first one that is played', 0],
  parallel: ['128', 'with --hostile: conversations at once', 1],
  ledger: ['256', 'with --hostile: megabytes of its own record', 1],
  only: [undefined, 'with --hostile: this one alone', 0],
} as const;
const texts = {
  protocol: `with --hostile: one of ${protocols.join(', ')}`,
  hostile: 'hostile clients and endpoints on both sides of the DLX, and not malformed requests',
  closes: 'how streams of HTTP/2 end',
  write: 'with --closes: writes the table',
};

const usage = `Usage: npm run fuzz -- [options]

Malformed conversations with the DLX, from a seed. The exit code is 1 when something is wrong.

Options:
${Object.entries(numbers)
  .map(
    ([name, [value, doc]]) => `  ${`--${name} N`.padEnd(17)} ${doc}${value === undefined ? '' : `; default ${value}`}`,
  )
  .join('\n')}
${Object.entries(texts)
  .map(([name, doc]) => `  ${`--${name}${name === 'protocol' ? ' NAME' : ''}`.padEnd(17)} ${doc}`)
  .join('\n')}
  --help            prints this

Examples:
  npm run fuzz                a minute
  npm run fuzz -- --hostile   ten minutes
`;

/** One sentence, and the exit code of a wrong command line. */
function refuse(sentence: string): never {
  process.stderr.write(`${sentence}\n`);
  process.exit(2);
}

function readOptions() {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({
      options: {
        ...{ count: text, seed: text, from: text, parallel: text, ledger: text, only: text, protocol: text },
        ...{ hostile: flag, closes: flag, write: flag, help: flag },
      },
    }).values;
  } catch (error) {
    const { message } = error as Error;
    const [, unknown] = /^Unknown option '(.+?)'/.exec(message) ?? [];
    const known = [...Object.keys(numbers), ...Object.keys(texts), 'help'].map((name) => `--${name}`).join(', ');
    return refuse(
      unknown === undefined
        ? (message.split('\n')[0] ?? message)
        : `There is no option "${unknown}" of npm run fuzz; there are ${known}.`,
    );
  }
}

const values = readOptions();
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}

if (values.protocol !== undefined && !protocols.includes(values.protocol))
  refuse(`--protocol is "${values.protocol}", allowed is one of ${protocols.join(', ')}`);

function wholeNumber(name: keyof typeof numbers): number {
  const [usual = '0', , least] = numbers[name];
  const value = Number(values[name] ?? usual);
  if (Number.isSafeInteger(value) && value >= least) return value;
  return refuse(`--${name} is "${values[name]}", allowed is a whole number of at least ${least}`);
}

const [count, seed, from, only] = [wholeNumber('count'), wholeNumber('seed'), wholeNumber('from'), wholeNumber('only')];
const [parallel, ledgerMegabytes] = [wholeNumber('parallel'), wholeNumber('ledger')];
const beginMs = performance.now();
const seconds = (): string => ((performance.now() - beginMs) / 1000).toFixed(0);
const failures = values.closes
  ? await runCloses(values.count === undefined ? 1000 : count, values.write)
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
