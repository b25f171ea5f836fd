import type { Logger } from '@scaler/scaler-types';

const nothing = (): void => undefined;

/** Says nothing, unless the environment asks for it. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
};
