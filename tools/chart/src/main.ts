import { commandLine, flag } from '@scaler/command';
import { checkCluster } from './cluster.ts';
import { checkRefusals, checkRendering, valueSets } from './helm.ts';
import { checkDerived, writeDerived } from './offline.ts';

const { values } = commandLine({
  name: 'npm run chart:check',
  doc: 'Checks the Helm chart: its schema, its README, and what helm renders of each set of values.',
  options: {
    write: flag("writes values.schema.json and the README's table from the code and the comments of the values"),
    cluster: flag('on the Kubernetes of KUBECONFIG too: installs, parks, wakes, uninstalls'),
  },
  variables: { IMAGES: 'with --cluster: REGISTRY:TAG of both images, which the nodes have; default localhost:dev' },
  examples: { '': 'needs helm', '--cluster': 'needs helm, kubectl and a cluster' },
});

if (values.write) await writeDerived();
const problems = await checkDerived();
const refusals = await checkRefusals();
problems.push(...(await checkRendering()), ...refusals.problems);
say(`${(await valueSets()).length} value sets rendered, ${refusals.refused} wrong ones refused`);
if (values.cluster) problems.push(...(await checkCluster(say)));
for (const problem of problems) say(`problem: ${problem}`);
say(problems.length === 0 ? 'the chart has no problems' : `the chart has ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
