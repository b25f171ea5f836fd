import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '@scaler/scaler-types';
import { silentLogger } from '@scaler/testing-kit';
import { connectKube, kinds } from '../index.ts';
import { sendJson, startScriptedApi } from '../testing/scripted-api.ts';
import { loadCluster } from './cluster.ts';
import { inCluster } from './in-cluster.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'kube-'))));
afterAll(() => rm(folder, { recursive: true }));

async function kubeconfig(server: string, user: object = { token: 'secret' }): Promise<string> {
  const path = join(folder, 'config');
  const config = {
    'current-context': 'main',
    contexts: [
      { name: 'main', context: { cluster: 'c', user: 'u', namespace: 'shop' } },
      { name: 'other', context: { cluster: 'missing', user: 'u' } },
    ],
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user }],
  };
  await writeFile(path, JSON.stringify(config));
  return path;
}

const load = (path: string, context?: string) => loadCluster({ kubeconfig: path, context, clock: systemClock });

test('a kubeconfig gives the address, the user and the namespace', async () => {
  const api = await startScriptedApi((_request, response) => sendJson(response, 200, { metadata: {} }));
  const path = await kubeconfig(`http://127.0.0.1:${api.port}/prefix/`);
  const client = await connectKube({ kubeconfig: path, userAgent: 'scaler-test/1', logger: silentLogger });
  expect(client.namespace).toBe('shop');
  await client.get(kinds.pod, { namespace: 'shop', name: 'web' });
  expect(api.requests[0]).toMatchObject({
    path: '/prefix/api/v1/namespaces/shop/pods/web',
    headers: { authorization: 'Bearer secret', 'user-agent': 'scaler-test/1' },
  });
  client.close();
  await api.close();
});

test('a user with a password is authenticated by it', async () => {
  const cluster = await load(await kubeconfig('https://127.0.0.1:1', { username: 'me', password: 'pw' }));
  await expect(cluster.credentials()).resolves.toMatchObject({ headers: { Authorization: 'Basic bWU6cHc=' } });
});

test('a plug-in is asked for the token, and asked again when that was refused', async () => {
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: process.execPath,
    args: [
      '-e',
      'console.log(JSON.stringify({status:{token:"t"+process.pid,expirationTimestamp:"2020-01-01T00:00:00Z"}}))',
    ],
  };
  const cluster = await load(await kubeconfig('https://127.0.0.1:1', { exec }));
  const first = await cluster.credentials();
  expect(first.headers['Authorization']).toMatch(/^Bearer t\d+$/);
  expect(await cluster.credentials()).toBe(first);
  cluster.forgetCredentials();
  expect((await cluster.credentials()).headers['Authorization']).not.toBe(first.headers['Authorization']);
});

test.each([
  ['a file that is not there', () => Promise.resolve('/nowhere/config'), undefined, '/nowhere/config cannot be read'],
  ['a context that is not there', () => kubeconfig('https://x'), 'prod', 'no context "prod", only main, other'],
  ['a context without its cluster', () => kubeconfig('https://x'), 'other', 'no cluster for its context "other"'],
  ['a server that is no address', () => kubeconfig('ftp://x'), undefined, '"ftp://x" is not an http or https address'],
])('%s is a bad config, in one sentence', async (_name, path, context, sentence) => {
  await expect(load(await path(), context)).rejects.toMatchObject({
    code: 'bad-config',
    message: expect.stringContaining(sentence),
  });
});

test('in a pod its ServiceAccount is used, and its token is read again as it rotates', async () => {
  const pod = join(folder, 'pod');
  await mkdir(pod);
  const write = (name: string, text: string): Promise<void> => writeFile(join(pod, name), text);
  await Promise.all([write('token', 't1\n'), write('ca.crt', 'PEM'), write('namespace', 'scaler-system')]);
  const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
  const cluster = await inCluster(systemClock, { env, folder: pod, home: folder });
  expect([cluster?.server.href, cluster?.namespace]).toEqual(['https://[fd00::1]/', 'scaler-system']);
  await expect(cluster?.credentials()).resolves.toEqual({
    headers: { Authorization: 'Bearer t1' },
    tls: { ca: 'PEM' },
    proxy: undefined,
  });
  await write('token', 't2\n');
  cluster?.forgetCredentials();
  await expect(cluster?.credentials()).resolves.toMatchObject({ headers: { Authorization: 'Bearer t2' } });
  await rm(join(pod, 'ca.crt'));
  cluster?.forgetCredentials();
  await expect(cluster?.credentials()).rejects.toThrow(/ca\.crt cannot be read/);
});

test('a kubeconfig goes before the pod, and without its files or addresses this is no pod', async () => {
  const pod = join(folder, 'pod');
  const env = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };
  const none = [
    { env: { ...env, KUBECONFIG: 'some' }, folder: pod, home: folder },
    { env: {}, folder: pod, home: folder },
    { env, folder: join(folder, 'nowhere'), home: folder },
  ];
  for (const surroundings of none) await expect(inCluster(systemClock, surroundings)).resolves.toBeUndefined();
  await mkdir(join(folder, '.kube'));
  await writeFile(join(folder, '.kube', 'config'), '');
  await expect(inCluster(systemClock, { env, folder: pod, home: folder })).resolves.toBeUndefined();
});
