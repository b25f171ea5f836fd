import type { Agent } from 'node:http';
import type { RequestOptions } from 'node:https';
import type { Clock } from '@scaler/scaler-types';

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

// Credentials come from files and perhaps a plug-in process: too slow for each request, and a token lives for minutes.
const freshMs = 10_000;
const usableMs = 60_000;

/** Credentials that are read again now and then, in the background as long as the last ones may be good. */
export function cachedCredentials(
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
      // A plug-in that takes seconds must not delay a wake while the last credentials are most probably still good.
      if (ageMs > freshMs) refresh().catch(() => undefined);
      return known.value;
    },
    forgetCredentials: () => {
      known = undefined;
    },
  };
}
