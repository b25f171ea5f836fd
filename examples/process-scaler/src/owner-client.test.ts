import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { systemClock } from '@scaler/scaler-types';
import type { Declaration } from './declaration.ts';
import { OwnerClient } from './owner-client.ts';

const file = '/declared/here';
const { signal } = new AbortController();
let server: Server | undefined;
afterEach(() => void server?.close());

/** Another program that has the port, and says nothing but `a`, on one line. */
async function withStranger(path: string): Promise<OwnerClient> {
  const pour = (response: ServerResponse): void => {
    while (!response.destroyed && response.write('a'.repeat(65_536)));
    response.once('drain', () => pour(response));
  };
  server = createServer(({ url }, response) => (url === path ? pour(response) : response.end(file)));
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return new OwnerClient({ file, controlPort: port } as Declaration, systemClock);
}

test('an answer to a step that does not end is read up to a bound', async () => {
  const client = await withStranger('/');
  await expect(client.ask('wake', 'local/web', signal)).rejects.toThrow('over 1048576 bytes');
});

test('so is a line of the watch', async () => {
  const client = await withStranger('/watch');
  await expect(client.watch(() => {}, signal)).rejects.toThrow('over 1048576 bytes');
});
