/** One named check and its result. */
export interface Check<N extends string = string> {
  name: N;
  ok: boolean;
  /** The reason why the check is not ok; empty when it is. */
  reason: string;
}

/** Named checks that must all be ok: of readiness, or of health. */
export interface Checks<N extends string = string> {
  /** `reason` says why the check is not ok. */
  set(name: N, ok: boolean, reason?: string): void;
  readonly ok: boolean;
  list(): readonly Check<N>[];
}

/** Declares all checks at once, so that none is forgotten: a check is not ok (`starting`) until it is set. */
export function createChecks<const N extends string>(...names: readonly N[]): Checks<N> {
  const checks = new Map<N, Check<N>>(names.map((name) => [name, { name, ok: false, reason: 'starting' }]));
  return {
    set(name, ok, reason = 'not ok') {
      checks.set(name, { name, ok, reason: ok ? '' : reason });
    },
    get ok() {
      return [...checks.values()].every((check) => check.ok);
    },
    list: () => [...checks.values()],
  };
}
