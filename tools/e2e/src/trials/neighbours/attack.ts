import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EmbeddedSystem } from '@scaler/demo';
import type { ProcessImage } from '@scaler/testing-kit';
import type { Workload } from '../workload.ts';
import { hostileWrites, largeServices } from './hostile-writes.ts';

/** The namespace in which the hostile tenant may `edit`. */
export const hostileNamespace = 'mallory';
const ownService = 'front';
/** Between two writes of the hostile tenant. */
const writeEveryMs = 50;
const fromSource = ['--conditions=@scaler/source', '--disable-warning=ExperimentalWarning'];

/** What the hostile tenant's pods run: a process of its own, so that it takes no time of the trial's. */
export function hostileImage(): ProcessImage {
  return { command: [process.execPath, ...fromSource, join(import.meta.dirname, 'hostile-app.ts')] };
}

/**
 * What the hostile tenant has before it begins: a workload in use, through the DLX; and its large Services, since that a
 * thousand sockets are opened for them stalls the trial, where a kube-proxy writes rules.
 */
export async function createHostile(system: EmbeddedSystem, image: string): Promise<void> {
  await system.deployment(hostileNamespace, ownService, {
    image,
    port: 8080,
    labels: { 'scaler/enabled': 'true' },
    annotations: { 'scaler/routing': 'always', 'scaler/idle-after': '1h' },
  });
  await system.service(hostileNamespace, ownService, { port: 80, targetPort: 8080, portName: 'http' });
  for (const { object } of largeServices(hostileNamespace, -1)) await system.apply(object);
  await system.waitFor(() => system.proxy.backends(hostileNamespace, ownService, 80).length > 0);
}

export interface AttackReport {
  readonly writes: number;
  /** Writes that the API refused, by the first words of the reason. */
  readonly refused: ReadonlyMap<string, number>;
}

/** Writes and asks the worst that it may for so long. */
export async function attack(
  system: EmbeddedSystem,
  victims: readonly Workload[],
  forMs: number,
): Promise<AttackReport> {
  // `writes` or `clients`: that half of it alone, to find out which one does harm.
  const only = process.env['TRIALS_ATTACK'];
  const clients = only === 'writes' ? undefined : startClients(system, forMs);
  const refused = new Map<string, number>();
  const endsAtMs = performance.now() + forMs;
  let writes = 0;
  while (only !== 'clients' && performance.now() < endsAtMs) {
    for (const { name, object } of hostileWrites(system, hostileNamespace, victims, writes)) {
      if (performance.now() >= endsAtMs) break;
      writes += 1;
      await system.apply(object).catch((error: unknown) => {
        const reason = `${name}: ${String((error as Error).message).slice(0, 100)}`;
        refused.set(reason, (refused.get(reason) ?? 0) + 1);
      });
      await sleep(writeEveryMs);
    }
  }
  await clients;
  return { writes, refused };
}

function startClients(system: EmbeddedSystem, forMs: number): Promise<void> {
  const url = system.serviceUrl(hostileNamespace, ownService, 80);
  const args = [...fromSource, join(import.meta.dirname, 'hostile-clients.ts'), url, String(forMs / 1_000)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => {
      process.off('exit', end);
      resolve();
    });
  });
}
