import { randomBytes } from 'node:crypto';
import type { KubeClient } from '@scaler/kube';
import { kubectl } from '@scaler/chart';
import { run } from '@scaler/command';
import { type Client, createClient } from './site/client.ts';
import type { Images } from './site/images.ts';
import type { Release } from './site/install.ts';
import { apply, namespaceObject } from './site/manifests.ts';
import type { Kit } from './site/kit.ts';
import type { Stand } from '../../harness/suite.ts';
import type { Ground } from './scenario.ts';

/** What all scenarios of a run share. */
export interface Site {
  readonly kube: KubeClient;
  readonly nodes: readonly string[];
  readonly images: Images;
  readonly kit: Kit | undefined;
  /** What is skipped, each with its reason; for the end of the run. */
  readonly leftOut: string[];
  readonly release: Release;
  /** The client's pods, once they were wanted. */
  client: Promise<Client> | undefined;
}

export function createGround(site: Site, name: string, signal: AbortSignal): Stand<Ground> {
  const undos: (() => Promise<unknown>)[] = [];
  const counted = { sent: 0, lost: 0 };
  const ground: Ground = {
    ...site,
    signal,
    log: (line) => console.log(`  ${name}: ${line}`),
    kubectl,
    apply,
    async namespace(namespace = `e2e-${name}-${randomBytes(3).toString('hex')}`) {
      await apply([namespaceObject(namespace)]);
      undos.push(() => run('kubectl', ['delete', 'namespace', namespace, '--wait', '--ignore-not-found']));
      return namespace;
    },
    product: (values = {}) => site.release.upgrade(values),
    uninstall: () => site.release.uninstall(),
    client: () => (site.client ??= createClient(site.kube, site.images.app, site.nodes[0] ?? '')),
    leaveOut: (what) => void site.leftOut.push(`${name}: ${what}`),
    count(sent, lost) {
      counted.sent += sent;
      counted.lost += lost;
    },
    later: (undo) => void undos.push(undo),
  };
  return {
    ground,
    counted,
    async end() {
      for (const undo of undos.reverse()) {
        await undo().catch((error: Error) => console.log(`  ${name}: while clearing up: ${error.message}`));
      }
    },
  };
}
