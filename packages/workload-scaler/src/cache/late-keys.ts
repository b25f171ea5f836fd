import { isKubeError } from '@scaler/kube';
import type { Clock } from '@scaler/scaler-types';

/** The API's own limit for a request that is not a watch, by default. */
const limitMs = 60_000;

/**
 * Keys that may still come to stand on a Service, because the outcome of their write is unknown: a Lease was lost, or
 * the answer was. Without slices such a Service would lead nowhere, so they stay until none can come any more. Known to
 * the process that sent the write.
 */
export function createLateKeys(clock: Clock) {
  // Nearly always empty.
  let sent: readonly { readonly serviceUid: string; readonly key: string; readonly atMs: number }[] = [];
  const isRecent = ({ atMs }: { readonly atMs: number }): boolean => clock.monotonic() - atMs <= 2 * limitMs;
  return {
    /** Writes a key. @throws what `write` throws. */
    during: async (serviceUid: string, key: string, write: () => Promise<unknown>): Promise<void> => {
      try {
        await write();
      } catch (error) {
        if (isKubeError(error, 'aborted', 'write-outcome-unknown'))
          sent = [...sent.filter(isRecent), { serviceUid, key, atMs: clock.monotonic() }];
        throw error;
      }
    },
    /**
     * Milliseconds since the last one could come; negative: until then. `Infinity`: none can. `key`: the one that was seen
     * on the Service, which does not come again.
     */
    overForMs: (serviceUid: string, key: string | undefined): number => {
      const nowMs = clock.monotonic();
      const own = sent.filter((one) => one.serviceUid === serviceUid && one.key !== key);
      const over = own.map(({ atMs }) => nowMs - atMs).filter((ms) => ms <= 2 * limitMs);
      return Math.min(Infinity, ...over.map((ms) => ms - limitMs));
    },
    /** The key was seen on the Service. */
    seen: (serviceUid: string, key: string): void => {
      if (sent.length > 0) sent = sent.filter((one) => !(one.serviceUid === serviceUid && one.key === key));
    },
  };
}

export type LateKeys = ReturnType<typeof createLateKeys>;
