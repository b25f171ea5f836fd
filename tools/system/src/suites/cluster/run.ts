import { kubectl } from '@scaler/chart';
import { run } from '@scaler/command';
import { connectKube } from '@scaler/kube';
import { createLogger } from '@scaler/runtime';
import { runSuite } from '../../harness/suite.ts';
import { scenarios } from './all.ts';
import { mainJob } from './cycles/main-job.ts';
import { createPackedRelease } from './cycles/product.ts';
import { createGround, type Site } from './ground.ts';
import type { Scenario } from './scenario.ts';
import { findKit } from './site/find-kit.ts';
import { systemNamespace, uninstallHelpers } from './site/helpers.ts';
import { findImages } from './site/images.ts';
import { createRelease, productNamespace } from './site/install.ts';

const limitMs = 360_000;

/** Every scenario, or those named, with the product as the chart installs it from the images; the exit code. */
export async function runScenarios(names: readonly string[]): Promise<number> {
  const kit = await findKit();
  console.log(`freezes and restarts Kubernetes' own programs: ${kit ? kit.name : 'nothing'}`);
  const parts = await told(async () => {
    const images = await findImages(kit?.images, (line) => console.log(line));
    return { ...(await connect()), images, kit, release: createRelease(images) };
  });
  return parts ? runOn(parts, scenarios, names) : 2;
}

/** The main job, with the packages as they are published, in pods of one image; the exit code. */
export async function runMainJob(image: string): Promise<number> {
  const connected = await told(connect);
  if (!connected) return 2;
  const release = createPackedRelease(image, Number(process.env['SETTLE_MS'] ?? 2_000));
  const images = { autoscaler: image, dlx: image, app: image, nginx: undefined };
  return runOn({ ...connected, images, kit: undefined, release }, [mainJob], []);
}

/** What is missing is told in one sentence. */
async function told<T>(prepare: () => Promise<T>): Promise<T | undefined> {
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
