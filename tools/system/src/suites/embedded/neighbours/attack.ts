import { once } from 'node:events';
import type { ProcessImage } from '@scaler/testing-kit/kubernetes';
import type { EmbeddedSystem } from '@scaler/demo';
import { createManaged } from '../fleet/fleet.ts';
import type { Workload } from '../fleet/workload.ts';
import { largeServices } from './hostile-writes.ts';
import { commandOf, startProgram } from './program.ts';

/** The namespace in which the hostile tenant may `edit`. */
export const hostileNamespace = 'mallory';
const ownService = 'front';

/** The program of the hostile tenant's pods: a process of its own, so that it takes no time of the trial's. */
export function hostileImage(): ProcessImage {
  return { command: commandOf('hostile-app.ts') };
}

/**
 * Creates the hostile tenant's objects: a workload in use, through the DLX; and its large Services, now, because opening a
 * thousand sockets for them stalls the trial, where a real kube-proxy writes rules.
 */
export async function createHostile(system: EmbeddedSystem, image: string): Promise<void> {
  const annotations = { 'scaler/routing': 'always', 'scaler/idle-after': '1h' };
  await createManaged(system, { namespace: hostileNamespace, name: ownService }, annotations, { image });
  for (const { object } of largeServices(hostileNamespace, -1)) await system.apply(object);
  await system.waitFor(() => system.proxy.backends(hostileNamespace, ownService, 80).length > 0);
}

/** The report of the hostile processes at their end. */
export interface AttackReport {
  readonly writes: number;
  /** Writes that the API refused, by the first words of the reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Connections that its clients opened, and requests that they sent. */
  readonly connections: number;
  readonly requests: number;
}

/**
 * Writes and requests the worst that the tenant may for so long, each from a process of its own which yields to all
 * others.
 */
export async function attack(
  { api, proxy }: EmbeddedSystem,
  victims: readonly Workload[],
  forMs: number,
): Promise<AttackReport> {
  const seconds = String(forMs / 1_000);
  const names = victims.map(({ namespace, name }) => `${namespace}/${name}`);
  const [written, called] = await Promise.all([
    runToReport('hostile-writer.ts', [api.url, hostileNamespace, seconds, ...names]),
    runToReport('hostile-clients.ts', [seconds, ...proxy.backends(hostileNamespace, ownService, 80)]),
  ]);
  return { ...written, ...called } as AttackReport;
}

/** Runs a hostile program to its end; resolves with its report. */
async function runToReport(program: string, args: readonly string[]): Promise<Partial<AttackReport>> {
  const child = startProgram(program, args);
  let report: Partial<AttackReport> = {};
  child.on('message', (message: Partial<AttackReport>) => (report = message));
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
  return report;
}
