import type { Clock } from '@scaler/scaler-types';

/**
 * Since when something has been as it is, as far as this process has seen. Not kept anywhere else on purpose: whoever
 * takes over has seen nothing, and waits anew.
 */
export interface Memory {
  /** Remembers `value`, and returns for how long it has been the same, in milliseconds. */
  observe(key: string, value: string): number;
  /** For how long it has been `value`, if that is what was observed last; else 0. */
  age(key: string, value: string): number;
  forget(key: string): void;
}

export function createMemory(clock: Clock): Memory {
  const seen = new Map<string, { value: string; sinceMs: number }>();
  const age = (key: string, value: string): number => {
    const known = seen.get(key);
    return known?.value === value ? clock.monotonic() - known.sinceMs : 0;
  };
  return {
    observe: (key, value) => {
      if (seen.get(key)?.value !== value) seen.set(key, { value, sinceMs: clock.monotonic() });
      return age(key, value);
    },
    age,
    forget: (key) => void seen.delete(key),
  };
}
