import { cores } from '../machine/cores.ts';
import { startWorker } from '../processes/child.ts';
import type { HttpProxyCalls } from './http-proxy-process.ts';
import type { Proxy } from './proxy.ts';

export async function startHttpProxy(appPort: number): Promise<Proxy> {
  const { calls, ...worker } = await startWorker<HttpProxyCalls>('proxies/http-proxy-process', cores.proxy);
  return { name: 'http-proxy', port: await calls.listen(appPort), ...worker };
}
