import { kubectl, run } from '@scaler/chart';
import { connectKube } from '@scaler/kube';
import { createLogger } from '@scaler/runtime';
import type { Finding } from '../../harness/finding.ts';
import { tableLines } from '../../harness/table.ts';
import { systemNamespace, uninstall } from './main-job/system.ts';
import { scenarios } from './all.ts';
import { createGround, type Site } from './ground.ts';
import { findImages } from './site/images.ts';
import { createRelease, productNamespace } from './site/install.ts';
import { findKit } from './site/find-kit.ts';
import type { Scenario } from './scenario.ts';

const defaultLimitMs = 360_000;

interface Verdict {
  readonly name: string;
  readonly text: 'passed' | 'FAILED' | 'skipped';
  readonly why: string;
  readonly sent: number;
  readonly lost: number;
  readonly seconds: number;
}

/** Every scenario, or those named, one after the other, and a table of their verdicts; the exit code. */
export async function runScenarios(names: readonly string[]): Promise<number> {
  const site = await openSite();
  const verdicts: Verdict[] = [];
  try {
    for (const scenario of scenarios) {
      if (names.length === 0 || names.includes(scenario.name)) verdicts.push(await verdictOf(scenario, site));
    }
  } finally {
    if (!process.env['KEEP']) await closeSite(site);
    site.kube.close();
  }
  const rows = verdicts.map(({ name, text, sent, lost, seconds, why }) => [
    name,
    text,
    sent || '',
    sent ? lost : '',
    seconds,
    why,
  ]);
  console.log();
  for (const line of tableLines([['scenario', 'verdict', 'sent', 'lost', 'seconds', ''], ...rows])) console.log(line);
  if (site.leftOut.length > 0) console.log('\nskipped:');
  for (const line of site.leftOut) console.log(`  ${line}`);
  return verdicts.some(({ text }) => text === 'FAILED') ? 1 : 0;
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

async function verdictOf(scenario: Scenario, site: Site): Promise<Verdict> {
  const { name, nodes = 1, needsKit, limitMs = defaultLimitMs } = scenario;
  const skipped = (why: string): Verdict => {
    site.leftOut.push(`${name}: ${why}`);
    return { name, text: 'skipped', why, sent: 0, lost: 0, seconds: 0 };
  };
  if (site.nodes.length < nodes) return skipped(`it needs ${nodes} nodes, and there is ${site.nodes.length}`);
  if (needsKit && !site.kit) return skipped("nothing here freezes and restarts Kubernetes' own programs");
  console.log(`\n=== ${name}: ${scenario.doc}`);
  const beginMs = performance.now();
  const { ground, counted, end } = createGround(site, name, AbortSignal.timeout(limitMs));
  const findings = await Promise.race([scenario.run(ground), late(ground.signal)]).catch(failure);
  const seconds = Math.round((performance.now() - beginMs) / 1000);
  const rows = findings.map(({ what, wanted, got, good }) => [good ? 'ok' : 'NOT', what, got, wanted]);
  for (const line of tableLines([['', name, 'seen', 'wanted'], ...rows])) console.log(line);
  await end();
  const wrong = findings.filter(({ good }) => !good);
  const text = wrong.length === 0 && findings.length > 0 ? 'passed' : 'FAILED';
  return { name, text, why: wrong[0] ? `${wrong[0].what}: ${wrong[0].got}`.slice(0, 120) : '', ...counted, seconds };
}

function late(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('its time is over'))));
}

function failure(error: unknown): readonly Finding[] {
  const got = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return [{ what: 'it could be carried out', wanted: 'yes', got, good: false }];
}
