import type { PodTrouble } from '../endpoints/pod-info.ts';

/** When waiting is given up. `never` by itself, for it may pass: what is held then ends with its own limit. */
type When =
  | 'at once'
  | 'never'
  /** It has stood for so long. */
  | { readonly afterMs: number }
  /** The container has been started again so often. */
  | { readonly restarts: number }
  /** As the option says. */
  | 'unschedulableAfter';

interface Row {
  readonly reasons: readonly string[];
  /** And its message says so. */
  readonly says?: RegExp;
  readonly when: When;
  readonly doc: string;
}

const pulls = ['ErrImagePull', 'ImagePullBackOff', 'ImageInspectError', 'RegistryUnavailable'];
const mounts = ['FailedMount', 'FailedAttachVolume', 'FailedMapVolume'];

/** What is hopeless, the worst first; the first row that fits counts. README has the same table. */
export const hopelessTable: readonly Row[] = [
  {
    reasons: ['InvalidImageName', 'ErrImageNeverPull'],
    when: 'at once',
    doc: 'The image cannot be had at all',
  },
  {
    reasons: pulls,
    says: /not found|not exist|unknown|no such image|unauthorized|denied|forbidden|no basic auth|authentication/i,
    when: 'at once',
    doc: 'The registry says that there is no such image, or not for us',
  },
  {
    reasons: ['CreateContainerConfigError'],
    says: /not found|couldn't find key/i,
    when: 'at once',
    doc: 'A ConfigMap, Secret or key is missing',
  },
  {
    reasons: ['CrashLoopBackOff'],
    when: { restarts: 2 },
    doc: 'It ended three times. What needs something that starts beside it may come up with the second or third',
  },
  { reasons: pulls, when: { afterMs: 30_000 }, doc: 'The registry does not answer as it should' },
  {
    reasons: ['CreateContainerConfigError', 'CreateContainerError'],
    when: { afterMs: 10_000 },
    doc: 'The container cannot be made; kubelet tries again every few seconds',
  },
  {
    reasons: ['FailedCreate'],
    when: { afterMs: 10_000 },
    doc: 'No pod may be made: a quota, an admission rule. Another workload that is put to sleep frees quota',
  },
  {
    reasons: ['Unschedulable'],
    says: /persistentvolumeclaim "[^"]*" not found/i,
    when: { afterMs: 10_000 },
    doc: 'A PersistentVolumeClaim is missing',
  },
  {
    reasons: mounts,
    says: /not found/i,
    when: { afterMs: 20_000 },
    doc: 'A volume, or what it is made from, is missing',
  },
  {
    reasons: ['Unschedulable'],
    when: 'unschedulableAfter',
    doc: 'No node can take it, or its PersistentVolumeClaim is pending: a node or a volume may be on its way',
  },
];

/** Its place in the table, which stands for the kind of trouble; what is not in it comes last. */
export function rankOf({ reason, message }: PodTrouble): number {
  const rank = hopelessTable.findIndex(
    ({ reasons, says }) => reasons.includes(reason) && (says === undefined || says.test(message)),
  );
  return rank === -1 ? hopelessTable.length : rank;
}

/** Whether nothing will come of waiting, after so long. */
export function isHopeless(trouble: PodTrouble, standingMs: number, unschedulableAfterMs: number): boolean {
  const when = hopelessTable[rankOf(trouble)]?.when ?? 'never';
  if (when === 'at once') return true;
  if (when === 'never') return false;
  if (when === 'unschedulableAfter') return unschedulableAfterMs > 0 && standingMs >= unschedulableAfterMs;
  if ('afterMs' in when) return standingMs >= when.afterMs;
  return (trouble.container?.restarts ?? 0) >= when.restarts;
}

/** The cells of a row, as README has them. */
export function hopelessCells({ reasons, says, when, doc }: Row): readonly string[] {
  const names = reasons.map((reason) => `\`${reason}\``).join(', ');
  return [says === undefined ? names : `${names} that says so`, doc, whenText(when)];
}

function whenText(when: When): string {
  if (when === 'unschedulableAfter') return 'after the option `unschedulableAfter`';
  if (typeof when === 'string') return when;
  return 'afterMs' in when ? `after ${when.afterMs / 1000} s` : `after ${when.restarts} restarts`;
}
