import type { Agent } from 'node:http';
import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from '@scaler/scaler-types';
import { KubeError } from '../errors.ts';
import { cachedCredentials, type Cluster, type Credentials } from './credentials.ts';
import { inCluster } from './in-cluster.ts';

/** Where the kubeconfig comes from; see `connectKube`. */
export interface ClusterOptions {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly clock: Clock;
}

/** Finds the cluster as `kubectl` would. Loads `@kubernetes/client-node` (about 0.5 s) only here, and for kubeconfigs only. */
export async function loadCluster(options: ClusterOptions): Promise<Cluster> {
  const { kubeconfig, context, clock } = options;
  const own = kubeconfig === undefined && context === undefined ? await inCluster(clock) : undefined;
  if (own !== undefined) return own;
  const config = await loadConfig(options);
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw new KubeError('bad-config', `The kubeconfig has no cluster for its context "${config.getCurrentContext()}"`);
  }
  // client-node refuses plain HTTP unless verification of TLS, which there is none of, is off.
  const plain = cluster.server.startsWith('http:');
  if (plain) (cluster as { skipTLSVerify: boolean }).skipTLSVerify = true;
  return {
    server: parseServer(cluster.server),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace,
    ...cachedCredentials(() => readCredentials(config, cluster.proxyUrl !== undefined), clock),
  };
}

async function loadConfig({ kubeconfig, context }: ClusterOptions): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
  } catch (cause) {
    const where = kubeconfig ?? process.env['KUBECONFIG'] ?? 'the default kubeconfig';
    throw new KubeError('bad-config', `${where} cannot be read: ${(cause as Error).message}`, { cause });
  }
  if (context === undefined) return config;
  if (config.getContextObject(context) === null) {
    const known = config.getContexts().map(({ name }) => name);
    throw new KubeError('bad-config', `The kubeconfig has no context "${context}", only ${known.join(', ') || 'none'}`);
  }
  config.setCurrentContext(context);
  return config;
}

function parseServer(server: string): URL {
  if (!URL.canParse(server) || !/^https?:/.test(server)) {
    throw new KubeError('bad-config', `The kubeconfig's server "${server}" is not an http or https address`);
  }
  return new URL(server);
}

async function readCredentials(config: KubeConfig, proxied: boolean): Promise<Credentials> {
  const options: RequestOptions = { headers: {} };
  try {
    await config.applyToHTTPSOptions(options);
  } catch (cause) {
    throw new KubeError('bad-config', `The credentials of the kubeconfig cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
  const headers = { ...(options.headers as Record<string, string>) };
  if (typeof options.auth === 'string')
    headers['Authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  // A token file may end in a line feed, which no header may have.
  if (headers['Authorization'] !== undefined) headers['Authorization'] = headers['Authorization'].trim();
  const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = options;
  const tls = Object.fromEntries(
    Object.entries({ ca, cert, key, pfx, passphrase, rejectUnauthorized, servername }).filter(
      ([, value]) => value !== undefined,
    ),
  );
  return { headers, tls, proxy: proxied ? (options.agent as Agent) : undefined };
}
