import type { Agent } from 'node:http';
import type { RequestOptions } from 'node:https';

/** The credentials of a request. */
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
