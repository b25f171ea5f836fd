import { startWorker } from '../processes/child.ts';
import type { HttpProxyCalls } from './http-proxy-process.ts';
import type { Proxy } from './proxy.ts';
import { beside } from '../processes/beside.ts';

export async function startHttpProxy(appPort: number, core: number | undefined): Promise<Proxy> {
  const worker = await startWorker<HttpProxyCalls>(beside(import.meta, 'http-proxy-process'), { core });
  return { name: 'http-proxy', pid: worker.pid, port: await worker.calls.listen(appPort), stop: worker.stop };
}
