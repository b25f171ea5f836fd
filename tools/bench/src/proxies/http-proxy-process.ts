// @fastify/http-proxy with its defaults.
import type { AddressInfo } from 'node:net';
// This peer is what the bench measures.
// eslint-disable-next-line no-restricted-imports
import httpProxy from '@fastify/http-proxy';
import { fastify } from 'fastify';
import { serveCalls } from '../processes/calls.ts';

/** The calls that the process answers. */
export type HttpProxyCalls = typeof calls;

const calls = {
  /** Resolves with its port. */
  async listen(appPort: number): Promise<number> {
    const app = fastify();
    await app.register(httpProxy, { upstream: `http://127.0.0.1:${appPort}`, disableRequestLogging: true });
    await app.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
    return (app.server.address() as AddressInfo).port;
  },
};

serveCalls(calls);
