import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '@scaler/command';
import { helm } from './kubectl.ts';
import type { Problems } from './offline.ts';
import { chart, root } from './places.ts';

const wrong = join(root, 'tools/chart/wrong');
const openshift = ['--api-versions', 'security.openshift.io/v1'];

/** The value sets that must be accepted, by name. */
export async function valueSets(): Promise<string[]> {
  const files = await readdir(join(chart, 'ci'));
  return files.map((file) => file.replace(/-values\.yaml$/, '')).sort();
}

/** The chart with one of its value sets, as `helm template` renders it. @throws with the output of helm. */
export async function rendered(
  set: string,
  { kubeVersion = '1.35.0', namespace = 'scaler-system' } = {},
): Promise<string> {
  const values = join(chart, 'ci', `${set}-values.yaml`);
  const flags = ['--kube-version', kubeVersion, ...(set === 'openshift' ? openshift : [])];
  return helm(['template', 'scaler', chart, '-n', namespace, '-f', values, ...flags]);
}

/** Every value set is rendered, and lint finds nothing. */
export async function checkRendering(): Promise<Problems> {
  const problems: Problems = [];
  for (const set of await valueSets()) {
    await rendered(set).catch((error: Error) => problems.push(`${set}: ${error.message}`));
  }
  await helm(['lint', '--strict', chart, '--kube-version', '1.35.0']).catch((error: Error) =>
    problems.push(error.message),
  );
  return [...problems, ...(await namesOfBoth())];
}

/** Objects without a namespace that two releases of the same name, in two namespaces, would both own. */
async function namesOfBoth(): Promise<Problems> {
  const names = async (namespace: string): Promise<string[]> =>
    (await rendered('default', { namespace }))
      .split(/^---$/m)
      .filter((object) => !/^ {2}namespace: /m.test(object))
      .flatMap((object) => {
        const [kind, name] = [/^kind: (.+)$/m, /^ {2}name: (.+)$/m].map((pattern) => pattern.exec(object)?.[1]);
        return kind === undefined ? [] : [`${kind} ${name}`];
      });
  const [one, two] = [await names('one'), await names('two')];
  if (one.length === 0) return ['the chart renders no object without a namespace, which the check needs'];
  return one
    .filter((name) => two.includes(name))
    .map((name) => `${name} has no namespace, and two releases would both own it`);
}

/** Every wrong value set is refused, and the message names the wrong value. */
export async function checkRefusals(): Promise<{ refused: number; problems: Problems }> {
  const problems: Problems = [];
  const files = await readdir(wrong);
  for (const file of files) {
    const name = /^# names: (.+)$/m.exec(await readFile(join(wrong, file), 'utf8'))?.[1] ?? '?';
    const args = ['template', 'scaler', chart, '-f', join(wrong, file), '--kube-version', '1.35.0'];
    const { code, text } = await run('helm', args);
    if (code === 0) problems.push(`${file} is accepted`);
    else if (!text.includes(name)) problems.push(`${file} is refused without naming ${name}: ${text}`);
  }
  return { refused: files.length, problems };
}
