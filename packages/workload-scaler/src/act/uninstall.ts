import type { Clock, ScalerContext } from '@scaler/scaler-types';

/** Everything is handed back for good: every workload is as if it were not opted in. */
export interface Uninstall {
  /** What is not up by now is not waited for: its Services are restored all the same. */
  readonly hasty: boolean;
}

export function createUninstall(context: Pick<ScalerContext, 'uninstall'>, clock: Clock): Uninstall | undefined {
  const { uninstall } = context;
  if (uninstall === undefined) return undefined;
  const endMs = clock.monotonic() + uninstall.graceMs;
  return {
    get hasty() {
      return clock.monotonic() >= endMs;
    },
  };
}
