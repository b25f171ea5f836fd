import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Settings } from '../../settings.ts';

/** What a DLX in a process of its own takes, and what it counts. */
export interface Costs {
  /** Bytes in use after a collection. */
  readonly used: number;
  readonly held: number;
  readonly heldBytes: number;
  readonly inFlight: number;
  /** All that is counted. */
  readonly ledger: number;
}

/** `web` is asleep on the shared port, `db` on `tcpPort`, and `app` is awake at `appPort`; see held-child.ts. */
export async function startCosting(
  settings: Settings,
  tcpPort: number,
  appPort = 1,
): Promise<{ child: ChildProcess; port: number; end(): void }> {
  const child = fork(
    join(import.meta.dirname, '../children/held-child.ts'),
    [JSON.stringify([settings, tcpPort, appPort])],
    {
      execArgv: ['--expose-gc', '--conditions=@scaler/source', '--disable-warning=ExperimentalWarning'],
    },
  );
  const [port] = (await once(child, 'message')) as [number];
  return { child, port, end: () => child.kill('SIGKILL') };
}

export async function untilCosts(child: ChildProcess, condition: (costs: Costs) => boolean): Promise<void> {
  while (!condition(await askCosts(child, false)));
}

export async function askCosts(child: ChildProcess, collects = true): Promise<Costs> {
  child.send(collects);
  const [told] = (await once(child, 'message')) as [Costs];
  return told;
}
