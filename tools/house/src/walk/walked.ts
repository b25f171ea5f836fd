import { readFile, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type EmbeddedSystem, systemNamespace } from '@scaler/demo';

const root = fileURLToPath(new URL('../../../..', import.meta.url));

/** The source files of which the pods of an app ran something since the last call, by package, sorted. */
export async function walked(
  system: EmbeddedSystem,
  app: 'dlx' | 'autoscaler',
): Promise<ReadonlyMap<string, string[]>> {
  const urls = new Set<string>();
  for (const { namespace, pod, pid } of system.processes()) {
    if (namespace !== systemNamespace || !pod.startsWith(`${app}-`) || pid === undefined) continue;
    const file = join(system.logFolder, `walked-${pod}.json`);
    await rm(file, { force: true });
    process.kill(pid, 'SIGUSR2');
    for (const url of JSON.parse(await written(file)) as string[]) urls.add(url);
  }
  const files = [...urls].map((url) => relative(root, fileURLToPath(url)));
  const ours = files.filter((file) => /^(packages|examples)\/[^/]+\/src\//.test(file)).sort();
  return Map.groupBy(ours, (file) => file.split('/')[1] ?? '');
}

async function written(file: string): Promise<string> {
  for (let tries = 2_000; tries > 0; tries--) {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text !== undefined) return text;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`The program did not write ${file} within 10 s of SIGUSR2`);
}
