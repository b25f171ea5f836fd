import type { Drill } from '../steps/generate.ts';

/** One place in the sources. */
export interface Edit {
  /** From the root of the repository. */
  readonly file: string;
  /** Is in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** One guard of the product, and how to take it away: more than one edit where another guard would do its work. */
export interface Guard {
  readonly name: string;
  /** What to try first: scripts about the kind of trouble that it is there for. */
  readonly drill: Drill;
  readonly edits: readonly Edit[];
}

export const guards: readonly Guard[] = [
  {
    // The answers alone are not missed: the DLX's count, read after them, tells of the same requests.
    name: 'fence: the answers of the DLX, and the samples read after them',
    drill: 'slow-request',
    edits: [
      {
        file: 'packages/autoscaler/src/act/fence.ts',
        find: '      if (reason !== undefined) return { ok: false, reason };\n',
        replace: '      void reason;\n',
      },
      {
        file: 'packages/autoscaler/src/act/fence.ts',
        find: "    if (verdict === 'idle') return { ok: true };\n",
        replace: "    if (verdict === 'idle' || reasons.length > 0) return { ok: true };\n",
      },
    ],
  },
  {
    name: 'fence: what bars the way in the DLX',
    drill: 'deaf-request',
    edits: [{ file: 'packages/dlx/src/gate/gate.ts', find: '    this.#fence = epoch;\n', replace: '' }],
  },
  {
    name: 'CAS test: the labels in the patch',
    drill: 'request',
    edits: [
      {
        file: 'packages/workload-scaler/src/workload/labels.ts',
        find: '...parents(workload), ...tests, ...writes]',
        replace: '...parents(workload), ...(tests.length < 0 ? tests : []), ...writes]',
      },
    ],
  },
  {
    name: 'replicas test',
    drill: 'scale',
    edits: [
      {
        file: 'packages/workload-scaler/src/workload/transition.ts',
        find: '  if (testReplicas !== undefined) operations.push(jsonPatch.test(kind.replicasPath, testReplicas));\n',
        replace: '  void testReplicas;\n',
      },
    ],
  },
  {
    name: "owner's intent: the annotations in the patch that writes the zero",
    drill: 'pause',
    edits: [
      {
        file: 'packages/workload-scaler/src/act/apply.ts',
        find: 'replicas === 0 ? ownerIntentAnnotations : undefined',
        replace: 'undefined',
      },
    ],
  },
  {
    name: 'live read on a stale cache',
    drill: 'deaf-request',
    edits: [
      {
        file: 'packages/workload-scaler/src/act/wake.ts',
        find: '    } else if (!live) {\n',
        replace: '    } else if (!live && managed === undefined) {\n',
      },
    ],
  },
  {
    name: 'unknown rule',
    drill: 'metrics',
    edits: [
      {
        file: 'packages/autoscaler/src/decide/judge.ts',
        find: "  if (unusable !== undefined || !sample?.known) return { verdict: 'unknown', reason: `unknown: ${label}: ${unusable}` };\n",
        replace: '  if (unusable !== undefined || !sample?.known) return undefined;\n',
      },
    ],
  },
  {
    name: 'brake',
    drill: 'outage',
    edits: [
      {
        file: 'packages/autoscaler/src/decide/brake.ts',
        find: '  if (!many || !(facts.braked || recent)) return',
        replace: '  if (!many || recent || !recent) return',
      },
    ],
  },
  {
    name: 'single flight of wakes',
    drill: 'crowd',
    edits: [
      {
        file: 'packages/dlx/src/wake/wake.ts',
        find: '    if (this.#running || this.closed) return;\n    this.#running = true;\n    this.#waitedInLine = false;\n',
        replace: '    if (this.closed) return;\n    this.#running = true;\n    this.#waitedInLine = false;\n',
      },
    ],
  },
  {
    name: 'epoch on routing writes',
    drill: 'late',
    edits: [
      {
        file: 'packages/workload-scaler/src/routing/write-routing.ts',
        find: '[jsonPatch.test(keyPath, key), jsonPatch.remove(keyPath)]',
        replace: '[jsonPatch.remove(keyPath)]',
      },
    ],
  },
  {
    name: 'late keys: the version that the key tests',
    drill: 'late-key',
    edits: [
      {
        file: 'packages/workload-scaler/src/routing/write-routing.ts',
        find: '[testVersion(service), test, jsonPatch.add(keyPath, epoch)]',
        replace: '[test, jsonPatch.add(keyPath, epoch)]',
      },
    ],
  },
  {
    name: 'late keys: the version is moved before the slices go',
    drill: 'late-key',
    edits: [
      {
        file: 'packages/workload-scaler/src/machine/route.ts',
        find: 'services.find(({ keyMayCome }) => keyMayCome)',
        replace: 'services.find(({ keyMayCome }) => keyMayCome && facts.settleMs < 0)',
      },
    ],
  },
];
