import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { promisify } from 'node:util';
import { Client, credentials, Server, ServerCredentials, type ServiceError } from '@grpc/grpc-js';
import { beforeAll, expect, test } from '@jest/globals';
import { endpoint } from '../testing/harness.ts';
import { startRaw } from '../testing/tcp.ts';

let pair: { key: Buffer; cert: Buffer };
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const subject = ['-subj', '/CN=db.test', '-addext', 'subjectAltName=DNS:db.test'];
  await promisify(execFile)('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert, ...subject]);
  pair = { key: await readFile(key), cert: await readFile(cert) };
  await rm(folder, { recursive: true });
});

test('TLS goes through a cold start end to end: the client meets the certificate of the app', async () => {
  const app = createServer({ ...pair, ALPNProtocols: ['echo'] }, (socket) => socket.pipe(socket)).listen(
    0,
    '127.0.0.1',
  );
  await once(app, 'listening');
  const { h, port } = await startRaw();
  const client = connect({ port, host: '127.0.0.1', servername: 'db.test', ca: pair.cert, ALPNProtocols: ['echo'] });
  const call = await h.scaler.call(0);
  h.scaler.endpoints('db', [endpoint((app.address() as AddressInfo).port)]);
  call.ok();
  await once(client, 'secureConnect');
  expect([client.authorized, client.alpnProtocol]).toEqual([true, 'echo']);
  client.write('behind the lock');
  expect(String((await once(client, 'data'))[0])).toBe('behind the lock');
  client.end();
  await once(client, 'close');
  app.close();
  await h.end({ forwarded: 1 });
});

const same = (value: Buffer): Buffer => value;

test('gRPC over TLS goes through a cold start, each channel on a connection of its own', async () => {
  const server = new Server();
  const methods = {
    path: '/test.Test/Unary',
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  server.addService({ Unary: methods }, {
    Unary: ({ request }: { request: Buffer }, answer: (error: null, value: Buffer) => void) =>
      answer(null, Buffer.from(`got ${request.toString()}`)),
  } as never);
  const locked = ServerCredentials.createSsl(null, [{ private_key: pair.key, cert_chain: pair.cert }]);
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', locked, (error, at) => (error === null ? resolve(at) : reject(error)));
  });
  // Nothing is declared: the first bytes tell.
  const { h, port } = await startRaw({});
  const clients = [1, 2].map(
    () =>
      new Client(`127.0.0.1:${port}`, credentials.createSsl(pair.cert), {
        'grpc.ssl_target_name_override': 'db.test',
        'grpc.use_local_subchannel_pool': 1,
      }),
  );
  const calls = clients.map(
    (client, i) =>
      new Promise<string>((resolve) => {
        const done = (error: ServiceError | null, value?: Buffer): void => resolve(error?.message ?? String(value));
        client.makeUnaryRequest('/test.Test/Unary', same, same, Buffer.from(`call ${i}`), done);
      }),
  );
  const call = await h.scaler.call(0);
  h.scaler.endpoints('db', [endpoint(bound)]);
  call.ok();
  expect(await Promise.all(calls)).toEqual(['got call 0', 'got call 1']);
  for (const client of clients) client.close();
  await h.until(() => h.dlx.core.accounting.inFlight === 0);
  server.forceShutdown();
  await h.end({ forwarded: 2 });
});
