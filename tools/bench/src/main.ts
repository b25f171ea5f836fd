import { commandLine } from '@scaler/command';
import { comparable, leastPairs, runAgainst } from './against/against.ts';
import { type BenchArguments, commandOf } from './arguments.ts';
import { writeReadmes } from './readme.ts';
import { readResults } from './results.ts';
import { missingPrograms, runScenario, type Verdict } from './run.ts';
import { inOrder, scenarios } from './scenarios.ts';

/** A run with fewer rounds is not kept. */
const leastRounds = 6;
const usualRounds = { full: 8, quick: 3 };

const log = (line: string): void => console.log(line);

// Handlers of `exit` end the processes that were started; these signals would end this process without them.
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));

function list(): void {
  const width = Math.max(...scenarios.map(({ name }) => name.length));
  for (const scenario of scenarios) {
    const missing = missingPrograms(scenario, false);
    const note = missing.length === 0 ? '' : ` [cannot run: ${missing.join(' and ')} not on PATH]`;
    log(`${scenario.name.padEnd(width)}  ${scenario.doc}${scenario.isGate ? ' (in --quick)' : ''}${note}`);
  }
}

async function writeTables(): Promise<void> {
  await writeReadmes(inOrder(await readResults()));
}

async function runAll({
  names,
  values: { quick, rounds = quick ? usualRounds.quick : usualRounds.full },
}: BenchArguments): Promise<number> {
  const keep = !quick && rounds >= leastRounds;
  const isChosen = ({ name, isGate = false }: (typeof scenarios)[number]): boolean =>
    names.length > 0 ? names.includes(name) : !quick || isGate;
  const verdicts: [string, Verdict][] = [];
  for (const scenario of scenarios.filter(isChosen)) {
    verdicts.push([scenario.name, await runScenario(scenario, { quick, rounds, keep, log })]);
  }
  log('');
  for (const [name, verdict] of verdicts) log(`${verdict === 'good' ? '   ' : '!!!'} ${name}: ${verdict}`);
  if (!keep && !quick) log(`not kept: fewer than ${leastRounds} rounds`);
  if (keep && names.length === 0) await writeTables();
  return verdicts.some(([, verdict]) => verdict === 'missed' || verdict === 'failed') ? 1 : 0;
}

async function compareWith(commit: string, { names, values }: BenchArguments): Promise<number> {
  const wrong = names.filter((name) => !comparable.includes(name));
  if (wrong.length > 0) {
    console.error(`--against runs ${comparable.join(', ')}; it cannot run ${wrong.join(', ')}`);
    return 2;
  }
  const { quick, rounds } = values;
  const pairs = Math.max(rounds ?? leastPairs, leastPairs);
  return runAgainst({ commit, names, quick, pairs, log }).catch((error: unknown) => {
    console.error((error as Error).message);
    return 1;
  });
}

const args = commandLine(commandOf(scenarios.map(({ name }) => name)));
const { values } = args;
if (values.list) list();
else if (values.against !== undefined) process.exit(await compareWith(values.against, args));
else if (values['write-readme']) await writeTables();
else process.exit(await runAll(args));
