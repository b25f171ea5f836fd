import { BoundedMap } from '@scaler/async';
import type { Clock } from '@scaler/scaler-types';

/**
 * Since when something has been as it is, as far as this process has seen. Not kept anywhere else on purpose: the
 * process that takes over has seen nothing, and waits anew.
 */
export interface Memory {
  /** Remembers `value`, and returns for how long it has been the same, in milliseconds. */
  observe(key: string, value: string): number;
  /** For how long it has been `value`, if that is what was observed last; else 0. */
  age(key: string, value: string): number;
  forget(key: string): void;
}

/** 30,000 workloads' worth; what is forgotten for the sake of others waits anew, of the namespace that has the most. */
const mostBytes = 32 * 1024 * 1024;

// Keys are `what namespace/name`.
function namespaceOf(key: string): string {
  return key.slice(key.indexOf(' ') + 1).split('/', 1)[0] ?? '';
}

export function createMemory(clock: Clock): Memory {
  const seen = new BoundedMap<{ value: string; sinceMs: number }>({ mostBytes });
  const age = (key: string, value: string): number => {
    const known = seen.get(key);
    return known?.value === value ? clock.monotonic() - known.sinceMs : 0;
  };
  return {
    observe: (key, value) => {
      if (seen.get(key)?.value !== value) {
        seen.set(key, { value, sinceMs: clock.monotonic() }, namespaceOf(key), 2 * (key.length + value.length) + 100);
      }
      return age(key, value);
    },
    age,
    forget: (key) => void seen.delete(key),
  };
}
