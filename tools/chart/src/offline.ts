import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ValueSchema } from '@scaler/runtime';
import { chart, read, root } from './places.ts';
import { valuesSchema } from './schema.ts';
import { documentedValues, valuesTable } from './values.ts';

/** One sentence for each problem. */
export type Problems = string[];

const byWriting = ': write it by npm run chart:check -- --write';
const marks = ['<!-- values -->', '<!-- /values -->'] as const;

/** Writes the files that derive from the code and from the comments of the values. */
export async function writeDerived(): Promise<void> {
  await writeFile(join(chart, 'values.schema.json'), await schemaText());
  await writeFile(join(chart, 'README.md'), await readmeText());
}

/** The checks that need neither helm nor a cluster. */
export async function checkDerived(): Promise<Problems> {
  const problems: Problems = [];
  if ((await read('values.schema.json')) !== (await schemaText()))
    problems.push(`values.schema.json differs from the settings of the apps${byWriting}`);
  if ((await read('README.md')) !== (await readmeText()))
    problems.push(`README.md has other values than values.yaml, or another version than Chart.yaml${byWriting}`);
  const checks = [checkPaths(), checkAnnotations(), checkAlerts(), checkMetrics()];
  return [...problems, ...(await Promise.all(checks)).flat()];
}

/** What only one of two lists has, each with the words for it. */
function onlyInOne(
  [one, ofOne]: readonly [names: readonly string[], words: (name: string) => string],
  [two, ofTwo]: readonly [names: readonly string[], words: (name: string) => string],
): Problems {
  const missing = (names: readonly string[], from: readonly string[]) => names.filter((name) => !from.includes(name));
  return [...missing(one, two).map(ofOne), ...missing(two, one).map(ofTwo)];
}

async function schemaText(): Promise<string> {
  return `${JSON.stringify(await valuesSchema(), null, 2)}\n`;
}

async function readmeText(): Promise<string> {
  const appVersion = /^appVersion: (\S+)$/m.exec(await read('Chart.yaml'))?.[1];
  // The example of an image that is made from ours.
  const readme = (await read('README.md')).replaceAll(/(scaler-(?:dlx|autoscaler)):[\d.]+/g, `$1:${appVersion}`);
  const [before, rest] = readme.split(marks[0]);
  const after = rest?.split(marks[1])[1];
  if (before === undefined || after === undefined) throw new Error(`README.md lacks ${marks.join(' … ')}`);
  return `${before}${marks[0]}\n\n${valuesTable(await documentedValues())}\n\n${marks[1]}${after}`;
}

/** Each value has a schema and each schema a value. */
async function checkPaths(): Promise<Problems> {
  const values = (await documentedValues()).map(({ path }) => path);
  const schemas = leaves(await valuesSchema()).filter((path) => path !== 'global');
  return onlyInOne(
    [values, (path) => `values.yaml has ${path}, which the schema lacks`],
    [schemas, (path) => `the schema has ${path}, which values.yaml lacks`],
  );
}

function leaves(schema: ValueSchema, path: readonly string[] = []): string[] {
  const properties = schema['properties'] as Record<string, ValueSchema> | undefined;
  // The settings of an app are one value, an empty object.
  if (properties === undefined || path.at(-1) === 'settings') return [path.join('.')];
  return Object.entries(properties).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

/** The admission policy knows the annotations that the default scaler reads. */
async function checkAnnotations(): Promise<Problems> {
  const file = join(root, 'packages/workload-scaler/src/config/settings.ts');
  const { settingTable } = (await import(file)) as { settingTable: Record<string, unknown> };
  const known = Object.keys(settingTable);
  const policy = await read('files/annotations.yaml');
  const judged = [...policy.matchAll(/^([a-z-]+):$/gm)].map(([, name = '']) => name);
  return [
    ...(await checkLengths(policy)),
    ...onlyInOne(
      [known, (name) => `files/annotations.yaml lacks scaler/${name}`],
      [judged, (name) => `files/annotations.yaml has scaler/${name}, which the scaler does not read`],
    ),
  ];
}

/** The policy has the same bounds for annotations as the scaler. */
async function checkLengths(policy: string): Promise<Problems> {
  const file = join(root, 'packages/workload-scaler/src/config/past-bound.ts');
  const { longestList, mostItems } = (await import(file)) as { longestList: number; mostItems: Record<string, number> };
  const entries = policy.split(/^(?=[a-z-]+:$)/m).slice(1);
  return entries.flatMap((entry) => {
    const name = entry.split(':', 1)[0] as string;
    const most = /^ {2}most: (\d+)$/m.exec(entry)?.[1];
    const wanted = name in mostItems ? String(longestList) : undefined;
    const items = mostItems[name];
    // The policy checks the length of JSON alone, not its items.
    const counts = items === undefined || name === 'quiet' || entry.includes(`.size() <= ${items} &&`);
    return [
      ...(most === wanted
        ? []
        : [`files/annotations.yaml allows ${most} characters for scaler/${name}, the scaler ${wanted}`]),
      ...(counts ? [] : [`files/annotations.yaml does not limit scaler/${name} to ${items} items`]),
    ];
  });
}

/** Each alert has an entry in the runbook, and each entry an alert. */
async function checkAlerts(): Promise<Problems> {
  const alerts = [...(await read('files/alerts.yaml')).matchAll(/^- alert: (\w+)$/gm)].map(([, name = '']) => name);
  const entries = [...(await read('RUNBOOK.md')).matchAll(/^## (\w+)$/gm)].map(([, name = '']) => name);
  return onlyInOne(
    [alerts, (name) => `RUNBOOK.md has no entry ${name}`],
    [entries, (name) => `RUNBOOK.md has an entry ${name}, but files/alerts.yaml has no such alert`],
  );
}

/** Alerts and dashboard use metrics that the apps have. */
async function checkMetrics(): Promise<Problems> {
  const sources: string[] = [];
  for (const folder of ['packages/dlx/src', 'packages/autoscaler/src']) {
    for (const file of await readdir(join(root, folder), { recursive: true })) {
      if (file.endsWith('.ts')) sources.push(await readFile(join(root, folder, file), 'utf8'));
    }
  }
  const code = sources.join('\n');
  const asked = new Set<string>();
  for (const file of ['files/alerts.yaml', 'files/dashboard.json']) {
    for (const [name] of (await read(file)).matchAll(/\bscaler_(dlx|autoscaler)_\w+/g)) asked.add(name);
  }
  const isKnown = (name: string): boolean => code.includes(`'${name.replace(/^scaler_/, '').replace(/_bucket$/, '')}'`);
  return [...asked].filter((name) => !isKnown(name)).map((name) => `no app has the metric ${name}`);
}
