import { type DlxProcess, startDlx } from '../processes/dlx.ts';
import { loopback, sleeper } from '../hold/stage.ts';
import type { Proxy } from './proxy.ts';

/** The real DLX, for one resource `web` that is awake. */
export async function startDlxProxy(appPort: number, tree?: string): Promise<DlxProcess & Proxy> {
  const dlx = await startDlx({ tree });
  await dlx.control.set([sleeper('web', { phase: 'awake' })]);
  await dlx.control.endpoints('web', [loopback(appPort)]);
  return { name: 'DLX', ...dlx };
}
