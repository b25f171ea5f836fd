import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { commandLine, flag } from '@scaler/command';
import { prove } from './proof.ts';
import { Results } from './results.ts';
import { suites } from './suites.ts';

const root = join(import.meta.dirname, '../../../..');
const { values, names } = commandLine({
  name: 'npm run proof',
  doc: 'Runs every suite in turn and keeps the results of this commit, so that it goes on where it was stopped. All together take hours.',
  options: {
    again: flag('runs what has a result already, too'),
    list: flag('shows the suites with their results, and runs none'),
  },
  names: { what: 'suite', doc: 'these alone', known: suites.map(({ name }) => name) },
  variables: {
    KUBECONFIG: 'the cluster for what needs one; default: that of the cluster kit, where it is there',
    AGAINST: 'the commit that the suite "against" compares with; default: HEAD~1',
  },
  examples: { '': 'what is left', 'fuzz trials': 'these two', '--list': 'how far it is' },
});

const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
const commit = git('rev-parse', '--short=12', 'HEAD') + (git('status', '--porcelain') === '' ? '' : '-changed');
const results = new Results(join(root, 'dist/proof'), commit);
const chosen = suites.filter(({ name }) => names.length === 0 || names.includes(name));
const kit = process.env['CLUSTER_KIT'] ?? join(root, '../shared/cluster');

const stop = new AbortController();
process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort());
const say = (line: string): void => console.log(line);
const hasCluster = process.env['KUBECONFIG'] !== undefined || existsSync(join(kit, 'build'));

const proved = values.list
  ? chosen.every(({ name }) => results.get(name)?.passed === true)
  : await prove({ ...{ suites: chosen, results, root, hasCluster, say }, again: values.again, signal: stop.signal });

say(`\n${commit}`);
for (const { name, command } of chosen) {
  const result = results.get(name);
  const how = result === undefined ? 'no result' : `${result.passed ? 'passed' : 'FAILED'}, ${result.seconds} s`;
  say(`  ${name.padEnd(16)} ${how.padEnd(16)} ${command}`);
}
process.exitCode = proved ? 0 : 1;
