import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cores } from '../machine/cores.ts';
import { findProgram } from '../machine/programs.ts';
import { startWorker } from '../processes/child.ts';
import type { NodeAppCalls } from './node-app.ts';
import { startNginx } from './nginx.ts';
import type { Proxy } from './proxy.ts';

export interface NodeApp extends Proxy {
  /** Bytes of bodies that it received so far. */
  received(): Promise<number>;
}

/** The body that `/large` answers with. */
export const largeBytes = 16 * 1024 * 1024;

/** The app behind the proxies: nginx, which is never the bottleneck; without nginx, a small server in Node. */
export function startApp(): Promise<Proxy> {
  return findProgram('nginx') === undefined ? startNodeApp() : startNginxApp();
}

function startNginxApp(): Promise<Proxy> {
  return startNginx('app', {
    core: cores.others,
    config(folder) {
      const file = join(folder, 'large');
      writeFileSync(file, '');
      truncateSync(file, largeBytes);
      return {
        server: `
    location / { return 200 "hello"; }
    location = /large { root ${folder}; }`,
      };
    },
  });
}

/** Reads bodies to their end before it answers, which nginx does not. */
export async function startNodeApp(): Promise<NodeApp> {
  const { calls, ...worker } = await startWorker<NodeAppCalls>('proxies/node-app');
  return { name: 'app', port: await calls.listen(), received: calls.received, ...worker };
}
