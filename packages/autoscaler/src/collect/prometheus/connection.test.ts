import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startFakePrometheus, type Tls } from '../../testing/prometheus.ts';
import { readAnswer } from './answer.ts';
import { type ConnectionOptions, createConnection } from './connection.ts';

const signal = new AbortController().signal;
const path = '/api/v1/query';
let folder: string;
let certificate: Tls;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scaler-prometheus-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=prometheus', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  await promisify(execFile)('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert, ...subject]);
  certificate = { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

function connect(options: Partial<ConnectionOptions> & { url: string }) {
  return createConnection({
    caFile: undefined,
    tokenFile: undefined,
    basicFile: undefined,
    concurrency: 2,
    ...options,
  });
}

describe('TLS', () => {
  test('is checked against the authorities of the file, which may be replaced', async () => {
    const fake = await startFakePrometheus({ tls: certificate });
    const caFile = await file('ca.pem', 'nonsense');
    const connection = connect({ url: fake.url, caFile });
    await expect(connection.ask(path, {}, signal)).rejects.toThrow();
    await writeFile(caFile, certificate.cert);
    await expect(connection.ask(path, { query: 'up' }, signal)).resolves.toMatchObject({ status: 200 });
    await rm(caFile);
    await expect(connection.ask(path, {}, signal)).rejects.toThrow('ENOENT');
    connection.close();
    const trusting = connect({ url: fake.url });
    await expect(trusting.ask(path, {}, signal)).rejects.toThrow(/self.signed/);
    trusting.close();
    expect(fake.asked).toHaveLength(1);
    await fake.close();
  });
});

describe('the credential', () => {
  test('is a bearer token, read again for each request; or user and password; or none', async () => {
    const fake = await startFakePrometheus({ prefix: '/prom' });
    const tokenFile = await file('token', 'one\n');
    const bearer = connect({ url: `${fake.url}/`, tokenFile });
    await bearer.ask(path, undefined, signal);
    await writeFile(tokenFile, 'two');
    await bearer.ask(path, { query: 'up' }, signal);
    const basic = connect({ url: fake.url, basicFile: await file('basic', 'user:pass word\n') });
    await basic.ask(path, undefined, signal);
    const anonymous = connect({ url: fake.url });
    await anonymous.ask(path, undefined, signal);
    expect(fake.asked.map(({ method, path: asked, authorization }) => [method, asked, authorization])).toEqual([
      ['GET', '/prom/api/v1/query', 'Bearer one'],
      ['POST', '/prom/api/v1/query', 'Bearer two'],
      ['GET', '/prom/api/v1/query', 'Basic dXNlcjpwYXNzIHdvcmQ='],
      ['GET', '/prom/api/v1/query', undefined],
    ]);
    for (const connection of [bearer, basic, anonymous]) connection.close();
    await fake.close();
  });
});

test('an answer of 64 MB is not read to its end, and words of 50,000 characters are quoted cut', async () => {
  const fake = await startFakePrometheus();
  const connection = connect({ url: fake.url });
  fake.answer = () => ({ body: { status: 'success', data: 'x'.repeat(64 * 1024 * 1024) } });
  await expect(connection.ask(path, { query: 'up' }, signal)).rejects.toThrow('it answered more than 16777216 bytes');
  connection.close();
  await fake.close();
  const long = 'x'.repeat(50_000);
  const vector = (text: string): object => ({ resultType: 'vector', result: [{ metric: {}, value: [1, text] }] });
  for (const answer of [
    { status: 'error', errorType: long, error: long },
    { status: 'success', warnings: [long, long], data: vector('1') },
    { status: 'success', warnings: { long }, data: vector('1') },
    { status: 'success', data: { resultType: long, result: [] } },
  ]) {
    expect(() => readAnswer(answer)).toThrow(/^[^]{10,500}$/);
  }
  const [series] = readAnswer({ status: 'success', data: vector(long) });
  expect((series as { problem: string }).problem.length).toBeLessThan(200);
});

test('a server that goes over to another protocol is not waited for', async () => {
  const server = createServer(({ socket }) => {
    socket.write('HTTP/1.1 101 So\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const connection = connect({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  await expect(connection.ask(path, undefined, signal)).rejects.toThrow('the connection closed without an answer');
  connection.close();
  await new Promise((resolve) => server.close(resolve));
});
