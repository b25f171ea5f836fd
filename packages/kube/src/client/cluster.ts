import type { Agent } from 'node:http';
import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from '@scaler/scaler-types';
import { KubeError } from '../errors.ts';

/** Where the kubeconfig comes from; see `connectKube`. */
export interface ClusterOptions {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly clock: Clock;
}

/** What a request needs to be accepted. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: Readonly<
    Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'pfx' | 'passphrase' | 'rejectUnauthorized' | 'servername'>
  >;
  /** Set where the kubeconfig names a proxy: every lane goes through it. */
  readonly proxy: Agent | undefined;
}

/** The API server and how to authenticate to it. */
export interface Cluster {
  readonly server: URL;
  /** Namespace of the context; in a pod, the pod's own. */
  readonly namespace: string | undefined;
  credentials(): Promise<Credentials>;
  /** Makes the next call read the credentials again: the API refused the ones it got. */
  forgetCredentials(): void;
}

// Reading them means files and perhaps a plug-in process: too slow for each request, and a token lives for minutes at least.
const freshMs = 10_000;
const usableMs = 60_000;

/** Finds the cluster as `kubectl` would. Loads `@kubernetes/client-node` (about 0.5 s) only here. */
export async function loadCluster(options: ClusterOptions): Promise<Cluster> {
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
    ...cachedCredentials(() => readCredentials(config, cluster.proxyUrl !== undefined), options.clock),
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

function cachedCredentials(
  read: () => Promise<Credentials>,
  clock: Clock,
): Pick<Cluster, 'credentials' | 'forgetCredentials'> {
  let known: { readonly value: Credentials; readonly atMs: number } | undefined;
  let reading: Promise<Credentials> | undefined;

  function refresh(): Promise<Credentials> {
    reading ??= read()
      .then((value) => {
        known = { value, atMs: clock.monotonic() };
        return value;
      })
      .finally(() => {
        reading = undefined;
      });
    return reading;
  }

  return {
    credentials: async () => {
      const ageMs = known === undefined ? Infinity : clock.monotonic() - known.atMs;
      if (known === undefined || ageMs > usableMs) return refresh();
      // A plug-in that takes seconds must not delay a wake while what we have is most probably still good.
      if (ageMs > freshMs) refresh().catch(() => undefined);
      return known.value;
    },
    forgetCredentials: () => {
      known = undefined;
    },
  };
}
