/**
 * Checks the chart: npm run chart:check [-- --write | --cluster]
 *
 *   --write    writes values.schema.json and the README's table from the code and the values' comments
 *   --cluster  on the cluster of KUBECONFIG: installs, parks, wakes, uninstalls; see cluster.ts
 */
import { parseArgs } from 'node:util';
import { checkCluster } from './cluster.ts';
import { checkRefusals, checkRendering, valueSets } from './helm.ts';
import { checkDerived, writeDerived } from './offline.ts';

const { values } = parseArgs({
  options: { write: { type: 'boolean', default: false }, cluster: { type: 'boolean', default: false } },
});

if (values.write) await writeDerived();
const problems = await checkDerived();
const refusals = await checkRefusals();
problems.push(...(await checkRendering()), ...refusals.problems);
say(`${(await valueSets()).length} value sets rendered, ${refusals.refused} wrong ones refused`);
if (values.cluster) problems.push(...(await checkCluster(say)));
for (const problem of problems) say(`wrong: ${problem}`);
say(problems.length === 0 ? 'the chart is right' : `${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
