/** The phases that may follow each phase; `unknown` is a resource without a phase: never seen, or not ours any more. */
const legal: Readonly<Record<string, readonly string[]>> = {
  unknown: ['awake', 'asleep', 'waking'],
  awake: ['parking', 'asleep', 'waking', 'unknown'],
  parking: ['asleep', 'waking', 'unknown'],
  asleep: ['waking', 'unknown'],
  waking: ['awake', 'waking', 'asleep', 'unknown'],
};

export function isLegal(from: string, to: string): boolean {
  return (legal[from] ?? []).includes(to);
}
