import { createTroubles, type Trouble, unlessAborted } from '@scaler/async';
import { isKubeError, type KubeClient, kinds, type Namespace, watchStore } from '@scaler/kube';
import type { Clock, Logger } from '@scaler/scaler-types';
import { readSettings } from '../config/settings.ts';
import type { Options } from '../config/options.ts';

/** One namespace, with what its annotations say for the workloads in it. */
export type NamespaceInfo = Readonly<ReturnType<typeof trimNamespace>>;

/** These name what belongs to one workload. */
const perWorkload = ['services', 'hosts'] as const;
const askAgainMs = 600_000;
const retryMs = 1_000;

const unread: Trouble = {
  key: 'namespaces',
  begun: 'Namespaces cannot be read, trying again',
  ended: 'Namespaces can be read again',
};

export interface NamespacesParts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly options: Options;
}

/** The namespaces, as far as this process may see them. */
export function createNamespaces({ client, clock, logger, options }: NamespacesParts) {
  const trim = (namespace: Namespace): NamespaceInfo => trimNamespace(namespace, options);
  const store = watchStore({ client, clock, logger, kind: kinds.namespace, trim });
  const settled = Promise.withResolvers<void>();
  let watching = false;
  let warned = false;
  const troubles = createTroubles(clock, logger);

  // A watch that is refused would be tried and logged for ever.
  async function mayRead(signal: AbortSignal): Promise<boolean> {
    try {
      for await (const _page of client.pages(kinds.namespace, { pageSize: 1, trim: () => undefined, signal })) break;
      return true;
    } catch (error) {
      if (!isKubeError(error, 'forbidden')) throw error;
      if (!warned) logger.warn('Namespaces must not be read, so their annotations are no defaults', { err: error });
      warned = true;
      settled.resolve();
      return false;
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (await mayRead(signal)) {
          watching = true;
          troubles.see(unread, undefined);
          store.whenSynced(signal).then(settled.resolve, () => undefined);
          await store.run(signal);
        } else await clock.sleep(askAgainMs, signal);
      } catch (err) {
        if (signal.aborted) return;
        troubles.see(unread, { err });
        await clock.sleep(retryMs, signal).catch(() => undefined);
      }
    }
  }

  return {
    /** Undefined: there is none, or namespaces must not be read: then there are no defaults. */
    get: (name: string): NamespaceInfo | undefined => store.get(undefined, name),
    /** Tells the name of each that changed. */
    subscribe: (listener: (name: string) => void): (() => void) =>
      store.subscribe(({ object }) => listener(object.name)),
    /** Whether what is known may be out of date. */
    get silent(): boolean {
      return watching && store.silent;
    },
    run,
    /** Resolves once they are known, or it is known that they must not be read. @throws the signal's reason. */
    whenKnown: (signal: AbortSignal): Promise<void> => unlessAborted(settled.promise, signal),
  };
}

export type Namespaces = ReturnType<typeof createNamespaces>;

/** Only right values become defaults. */
export function trimNamespace({ metadata }: Namespace, options: Options) {
  const { name = '', uid = '', resourceVersion = '', annotations = {} } = metadata ?? {};
  const { values, problems } = readSettings(annotations, options);
  const misplaced = perWorkload.filter((setting) => values[setting] !== undefined);
  const defaults = Object.entries(values).filter(([setting]) => !perWorkload.some((one) => one === setting));
  return {
    ...{ name, uid, resourceVersion },
    defaults: Object.fromEntries(defaults),
    problems: [
      ...problems,
      ...misplaced.map((setting) => ({
        annotation: `scaler/${setting}`,
        message: `scaler/${setting} is for one workload: it is no default of a namespace`,
        fatal: true,
      })),
    ],
  };
}
