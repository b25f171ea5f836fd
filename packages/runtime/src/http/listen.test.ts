import { createServer } from 'node:http';
import { expect, test } from '@jest/globals';
import { listen } from './listen.ts';

test('a connection that could not be accepted does not end the process', async () => {
  const server = createServer();
  await listen(server, 'test', { host: '127.0.0.1', port: 0 });
  // The error of Node where descriptors or memory are used up.
  expect(() => server.emit('error', new Error('accept ENOBUFS'))).not.toThrow();
  await new Promise((resolve) => server.close(resolve));
});
