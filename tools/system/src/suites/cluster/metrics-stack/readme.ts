import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '@scaler/chart';

/** What the autoscaler's README says about prometheus-adapter, for windows of another length: nothing else is tried. */
export interface Told {
  /** Prometheus's `scrape_configs`. */
  readonly scrape: string;
  /** The adapter's `rules`. */
  readonly rules: string;
  /** `scaler/metrics`, by what is asked. */
  readonly annotations: { readonly deployment: string; readonly pods: string };
}

const windowThere = '5m';

/** @throws where a block is not there. */
export async function toldByReadme(window: string): Promise<Told> {
  const readme = await readFile(join(root, 'packages/autoscaler/README.md'), 'utf8');
  const section = (name: string): string => {
    const text = new RegExp(`<!-- ${name} -->([\\s\\S]*?)<!-- /${name} -->`).exec(readme)?.[1];
    if (!text?.includes(name === 'adapter scrape' ? 'scrape_configs' : windowThere))
      throw new Error(`packages/autoscaler/README.md has no block "${name}"`);
    return text.replaceAll(windowThere, window);
  };
  const yaml = (name: string): string => /```yaml\n([\s\S]*?)```/.exec(section(name))?.[1] ?? '';
  const [deployment = '', pods = ''] = [...section('adapter annotations').matchAll(/\| `([^`]+)` +\|$/gm)].map(
    ([, annotation = '']) => annotation,
  );
  return { scrape: yaml('adapter scrape'), rules: yaml('adapter rules'), annotations: { deployment, pods } };
}
