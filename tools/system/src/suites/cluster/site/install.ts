import { chart, helm } from '@scaler/chart';
import { run } from '@scaler/command';
import type { Images } from './images.ts';

/** Values of the chart, as they are nested there. */
export interface Values {
  readonly [name: string]: unknown;
}

/** Where the product is. */
export const productNamespace = 'scaler-system';

/** The scenarios' own values: short intervals, and the settling of a prompt kube-proxy, so that no step takes minutes. */
function ownValues({ autoscaler, dlx }: Images): Values {
  return {
    images: { registry: '', autoscaler: named(autoscaler), dlx: named(dlx) },
    scaler: { options: { settle: '2s' } },
    autoscaler: { settings: { scaleInterval: '1s', cooldown: '2s' }, resources: { requests: { cpu: '10m' } } },
    dlx: { replicas: 2, resources: { requests: { cpu: '10m' } } },
    uninstall: { grace: '30s' },
  };
}

function named(image: string): { repository: string; tag?: string; digest?: string } {
  const [repository = '', digest] = image.split('@');
  if (digest !== undefined) return { repository, digest };
  const [, name = image, tag = ''] = /^(.*):([^:/]+)$/.exec(image) ?? [];
  return { repository: name, tag };
}

/** Values of one over those of the other. */
export function merged(under: Values, over: Values): Values {
  const isObject = (value: unknown): value is Values =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const all: Record<string, unknown> = { ...under };
  for (const [name, value] of Object.entries(over)) {
    const before = all[name];
    all[name] = isObject(before) && isObject(value) ? merged(before, value) : value;
  }
  return all;
}

/** The release on the cluster. */
export interface Release {
  upgrade(values: Values): Promise<void>;
  uninstall(): Promise<void>;
}

export function createRelease(images: Images): Release {
  let installed: string | undefined;
  return {
    async upgrade(values) {
      const wanted = JSON.stringify(merged(ownValues(images), values));
      if (wanted === installed) return;
      installed = undefined;
      const flags = ['--namespace', productNamespace, '--wait', '--timeout', '3m', '--values', '-'];
      if ((await run('kubectl', ['create', 'namespace', productNamespace])).code === 0) {
        const restricted = 'pod-security.kubernetes.io/enforce=restricted';
        await run('kubectl', ['label', 'namespace', productNamespace, restricted]);
      }
      await helm(['upgrade', '--install', 'scaler', chart, ...flags], wanted);
      installed = wanted;
    },
    async uninstall() {
      installed = undefined;
      const flags = ['--namespace', productNamespace, '--wait', '--timeout', '4m', '--ignore-not-found'];
      await helm(['uninstall', 'scaler', ...flags]);
    },
  };
}
