import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EmbeddedSystem, systemNamespace } from '@scaler/demo';
import type { Truth } from './truth.ts';

/** DLX pods that end: whether a slice still names one when it has stopped accepting connections. */
export interface Leavers {
  begin(): void;
  /** Resolves when all ending pods have stopped accepting connections. */
  gone(): Promise<void>;
  /** The most slices that named such a pod at that moment. */
  leftNamed(): number;
}

const lookEveryMs = 50;

interface Pod {
  readonly metadata: { readonly uid?: string; readonly deletionTimestamp?: string };
  readonly status?: { readonly podIP?: string };
}

export function watchLeavers({ api: { store } }: EmbeddedSystem, truth: Truth, listenPort: number): Leavers {
  const leaving = new Map<string, Promise<void>>();
  let most = 0;
  const watch = async (address: string): Promise<void> => {
    while (await accepts(address, listenPort)) await sleep(lookEveryMs);
    most = Math.max(most, truth.naming(address));
  };
  store.watch(
    'v1/pods',
    ({ type, object }) => {
      const { metadata, status } = object as unknown as Pod;
      const { uid = '', deletionTimestamp } = metadata;
      if (type === 'DELETED' || deletionTimestamp === undefined || leaving.has(uid)) return;
      if (status?.podIP !== undefined) leaving.set(uid, watch(status.podIP));
    },
    { namespace: systemNamespace, labelSelector: 'app=dlx' },
  );
  return {
    begin: () => void (most = 0),
    gone: async () => void (await Promise.all(leaving.values())),
    leftNamed: () => most,
  };
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
  });
}
