import { randomBytes } from 'node:crypto';
import { kubectl } from '@scaler/chart';
import { run } from '@scaler/command';
import { connectKube, type KubeClient } from '@scaler/kube';
import { createLogger } from '@scaler/runtime';
import { runSuite, type Stand } from '../../harness/suite.ts';
import { scenarios } from './all.ts';
import { mainJob } from './cycles/main-job.ts';
import { createPackedRelease } from './cycles/product.ts';
import type { Ground, Scenario } from './scenario.ts';
import { findKit } from './site/find-kit.ts';
import { systemNamespace, uninstallHelpers } from './site/helpers.ts';
import { findImages, type Images } from './site/images.ts';
import { createRelease, productNamespace, type Release } from './site/install.ts';
import { type Client, createClient } from './site/client.ts';
import { apply, namespaceObject } from './site/manifests.ts';
import type { Kit } from './site/kit.ts';

const limitMs = 360_000;

/** Every scenario, or those named, with the product as the chart installs it from the images; the exit code. */
export async function runScenarios(names: readonly string[]): Promise<number> {
  const kit = await findKit();
  console.log(`freezes and restarts Kubernetes' own programs: ${kit ? kit.name : 'nothing'}`);
  const parts = await preparing(async () => {
    const images = await findImages(kit?.images, (line) => console.log(line));
    return { ...(await connect()), images, kit, release: createRelease(images) };
  });
  return parts ? runOn(parts, scenarios, names) : 2;
}

/** The main job, with the packages as they are published, in pods of one image; the exit code. */
export async function runMainJob(image: string): Promise<number> {
  const connected = await preparing(connect);
  if (!connected) return 2;
  const release = createPackedRelease(image, Number(process.env['SETTLE_MS'] ?? 2_000));
  const images = { autoscaler: image, dlx: image, app: image, nginx: undefined };
  return runOn({ ...connected, images, kit: undefined, release }, [mainJob], []);
}

/** Prints the one sentence that names what is missing. */
async function preparing<T>(prepare: () => Promise<T>): Promise<T | undefined> {
  try {
    return await prepare();
  } catch (error) {
    console.error((error as Error).message);
    return undefined;
  }
}

async function connect(): Promise<Pick<Site, 'kube' | 'nodes'>> {
  const logger = createLogger({ name: 'e2e', level: 'warn', format: 'text' });
  const kube = await connectKube({ userAgent: 'scaler-e2e', logger });
  const nodes = (await kubectl(['get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}'])).split(' ');
  return { kube, nodes };
}

async function runOn(
  parts: Omit<Site, 'leftOut' | 'client'>,
  cases: readonly Scenario[],
  names: readonly string[],
): Promise<number> {
  const site: Site = { ...parts, leftOut: [], client: undefined };
  try {
    return await runSuite(
      {
        ...{ cases, limitMs, leftOut: site.leftOut },
        prepare: ({ name }, signal) => createGround(site, name, signal),
        unable({ nodes = 1, needsKit = false, addon }: Scenario) {
          if (site.nodes.length < nodes) return `it needs ${nodes} nodes, and there is ${site.nodes.length}`;
          if (needsKit && !site.kit) return "nothing here freezes and restarts Kubernetes' own programs";
          if (addon !== undefined && !site.kit?.addon) return `nothing here installs ${addon}`;
          return undefined;
        },
      },
      names,
    );
  } finally {
    if (!process.env['KEEP']) await closeSite(site);
    site.kube.close();
  }
}

async function closeSite({ release, client }: Site): Promise<void> {
  await release.uninstall();
  if (client) await uninstallHelpers();
  // Waits, so that the next run does not find what is going.
  await run('kubectl', ['delete', 'namespace', productNamespace, systemNamespace, '--ignore-not-found']);
}

/** The parts that all scenarios of a run share. */
export interface Site {
  readonly kube: KubeClient;
  readonly nodes: readonly string[];
  readonly images: Images;
  readonly kit: Kit | undefined;
  /** The skipped parts, each with its reason; for the end of the run. */
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
