import { BoundedMap } from '@scaler/async';
import type { Clock } from '@scaler/scaler-types';

/** 30,000 workloads' worth; what is forgotten for the sake of others waits anew, of the namespace that has the most. */
const mostBytes = 32 * 1024 * 1024;

// Keys are `what namespace/name`.
function namespaceOf(key: string): string {
  return key.slice(key.indexOf(' ') + 1).split('/', 1)[0] ?? '';
}

/**
 * Since when something has been as it is, as far as this process has seen. Not kept anywhere else on purpose: the
 * process that takes over has seen nothing, and waits anew.
 */
export function createMemory(clock: Clock) {
  const seen = new BoundedMap<{ value: string; sinceMs: number }>({ mostBytes });
  const age = (key: string, value: string): number => {
    const known = seen.get(key);
    return known?.value === value ? clock.monotonic() - known.sinceMs : 0;
  };
  return {
    /** Remembers `value`, and returns for how long it has been the same, in milliseconds. */
    observe: (key: string, value: string): number => {
      if (seen.get(key)?.value !== value) {
        seen.set(key, { value, sinceMs: clock.monotonic() }, namespaceOf(key), 2 * (key.length + value.length) + 100);
      }
      return age(key, value);
    },
    /** For how long it has been `value`, if that is what was observed last; else 0. */
    age,
    forget: (key: string): void => void seen.delete(key),
  };
}

export type Memory = ReturnType<typeof createMemory>;
