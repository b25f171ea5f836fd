import { findProgram } from '../machine/programs.ts';
import type { DlxProcess } from '../processes/dlx.ts';
import { startDlxProxy } from '../proxies/dlx-proxy.ts';
import { startHaproxy } from '../proxies/haproxy.ts';
import { startHttpProxy } from '../proxies/http-proxy.ts';
import { startNginxProxy } from '../proxies/nginx.ts';
import type { Proxy } from '../proxies/proxy.ts';
import type { Context } from '../scenario.ts';

/** The DLX and its peers, in front of one app. */
export interface LineUp extends AsyncDisposable {
  readonly dlx: DlxProcess;
  readonly sides: ReadonlyMap<string, Proxy>;
}

const programs: Readonly<Record<string, typeof startNginxProxy>> = { nginx: startNginxProxy, haproxy: startHaproxy };

/** A quick run has the one peer that needs no program. */
export async function startLineUp(app: Proxy, { quick, log }: Pick<Context, 'quick' | 'log'>): Promise<LineUp> {
  await using stack = new AsyncDisposableStack();
  const dlx = stack.use(await startDlxProxy(app.port));
  const peers = [stack.use(await startHttpProxy(app.port))];
  for (const [name, start] of Object.entries(quick ? {} : programs)) {
    if (findProgram(name) === undefined) log(`${name} is not on PATH: not compared`);
    else peers.push(stack.use(await start(app.port)));
  }
  const sides = new Map<string, Proxy>([dlx, ...peers].map((side) => [side.name, side]));
  const started = stack.move();
  return { dlx, sides, [Symbol.asyncDispose]: () => started.disposeAsync() };
}
