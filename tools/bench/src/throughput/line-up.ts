import { cores } from '../machine/cores.ts';
import { findProgram } from '../machine/programs.ts';
import { type DlxProxy, startDlxProxy } from '../proxies/dlx-proxy.ts';
import { startHaproxy } from '../proxies/haproxy.ts';
import { startHttpProxy } from '../proxies/http-proxy.ts';
import { startNginxProxy } from '../proxies/nginx.ts';
import type { Proxy } from '../proxies/proxy.ts';
import type { Context } from '../scenario.ts';

/** The DLX and its peers, in front of one app. */
export interface LineUp extends AsyncDisposable {
  readonly dlx: DlxProxy;
  readonly sides: ReadonlyMap<string, Proxy>;
}

const programs: Readonly<Record<string, typeof startNginxProxy>> = { nginx: startNginxProxy, haproxy: startHaproxy };

/** A quick run has the one peer that needs no program. */
export async function startLineUp(app: Proxy, { quick, log }: Pick<Context, 'quick' | 'log'>): Promise<LineUp> {
  const sides = new Map<string, Proxy>();
  const stop = async (): Promise<void> => {
    await Promise.all([...sides.values()].map((side) => side.stop()));
  };
  try {
    const dlx = await startDlxProxy(app.port, cores.proxy);
    sides.set(dlx.name, dlx);
    const httpProxy = await startHttpProxy(app.port, cores.proxy);
    sides.set(httpProxy.name, httpProxy);
    for (const [name, start] of Object.entries(quick ? {} : programs)) {
      if (findProgram(name) === undefined) log(`${name} is not on PATH: not compared`);
      else sides.set(name, await start(app.port, cores.proxy));
    }
    return { dlx, sides, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
