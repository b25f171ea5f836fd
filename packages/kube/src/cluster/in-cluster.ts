import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@scaler/scaler-types';
import { KubeError } from '../errors.ts';
import { cachedCredentials, type Cluster } from './credentials.ts';

/** The environment and files by which a process knows that it runs in a pod. */
export interface PodSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the files of the pod's ServiceAccount are. */
  readonly folder: string;
  readonly home: string;
}

const surroundings: PodSurroundings = {
  env: process.env,
  folder: '/var/run/secrets/kubernetes.io/serviceaccount',
  home: homedir(),
};

/**
 * The cluster that this pod runs in, as its ServiceAccount; undefined where a kubeconfig goes before it or this is no
 * pod. `@kubernetes/client-node` does the same, at 0.5 s and up to 90 MB for each process that loads it.
 * See docs/decisions/in-cluster-client.md.
 */
export async function inCluster(clock: Clock, pod: PodSurroundings = surroundings): Promise<Cluster | undefined> {
  const { KUBECONFIG, KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = pod.env;
  if (KUBECONFIG || !host || !port) return undefined;
  const tokenFile = join(pod.folder, 'token');
  if (existsSync(join(pod.home, '.kube', 'config')) || !existsSync(tokenFile)) return undefined;
  return {
    server: serverOf(host, port),
    namespace: (await read(join(pod.folder, 'namespace'))).trim() || undefined,
    ...cachedCredentials(async () => {
      const [token, ca] = await Promise.all([read(tokenFile), read(join(pod.folder, 'ca.crt'))]);
      return { headers: { Authorization: `Bearer ${token.trim()}` }, tls: { ca }, proxy: undefined };
    }, clock),
  };
}

function serverOf(host: string, port: string): URL {
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (URL.canParse(server)) return new URL(server);
  throw new KubeError('bad-config', `KUBERNETES_SERVICE_HOST "${host}" and _PORT "${port}" make no address`);
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new KubeError('bad-config', `${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}
