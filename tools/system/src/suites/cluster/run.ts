import { kubectl, run } from '@scaler/chart';
import { connectKube } from '@scaler/kube';
import { createLogger } from '@scaler/runtime';
import { runSuite, type Suite } from '../../harness/suite.ts';
import { systemNamespace, uninstall } from './main-job/system.ts';
import { scenarios } from './all.ts';
import { createGround, type Site } from './ground.ts';
import { findImages } from './site/images.ts';
import { createRelease, productNamespace } from './site/install.ts';
import { findKit } from './site/find-kit.ts';
import type { Ground, Scenario } from './scenario.ts';

const limitMs = 360_000;

/** Every scenario, or those named; the exit code. */
export async function runScenarios(names: readonly string[]): Promise<number> {
  const site = await openSite();
  const suite: Suite<Ground, Scenario> = {
    ...{ cases: scenarios, limitMs, leftOut: site.leftOut },
    prepare: ({ name }, signal) => createGround(site, name, signal),
    unable({ nodes = 1, needsKit = false }) {
      if (site.nodes.length < nodes) return `it needs ${nodes} nodes, and there is ${site.nodes.length}`;
      if (needsKit && !site.kit) return "nothing here freezes and restarts Kubernetes' own programs";
      return undefined;
    },
  };
  try {
    return await runSuite(suite, names);
  } finally {
    if (!process.env['KEEP']) await closeSite(site);
    site.kube.close();
  }
}

async function openSite(): Promise<Site> {
  const kit = await findKit();
  console.log(`freezes and restarts Kubernetes' own programs: ${kit ? kit.name : 'nothing'}`);
  const images = await findImages(kit?.images, (line) => console.log(line));
  const nodes = (await kubectl(['get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}'])).split(' ');
  const logger = createLogger({ name: 'e2e', level: 'warn', format: 'text' });
  const kube = await connectKube({ userAgent: 'scaler-e2e', logger });
  return { kube, nodes, images, kit, leftOut: [], release: createRelease(images), client: undefined };
}

async function closeSite({ kube, release, client }: Site): Promise<void> {
  await release.uninstall();
  if (client) await uninstall(kube);
  // Waits, so that the next run does not find what is going.
  await run('kubectl', ['delete', 'namespace', productNamespace, systemNamespace, '--ignore-not-found']);
}
