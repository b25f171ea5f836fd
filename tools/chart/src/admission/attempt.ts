import { appNamespace } from '../sleepers.ts';

/** One write, and the verdict that the real API server must give on it. */
export interface Attempt {
  what: string;
  /** The account that writes; undefined: an administrator. */
  as?: string;
  args: string[];
  input?: object;
  /** A text that the refusal must contain; undefined: the write is allowed. */
  refused?: string;
}

/** The accounts of the two apps. */
export interface Accounts {
  readonly autoscaler: string;
  readonly dlx: string;
}

export const create = ['create', '--dry-run=server', '-f', '-'];

export const patched = (where: string, what: string, patch: object): string[] => [
  ...['-n', where, 'patch', ...what.split('/'), '--dry-run=server', '--type=merge', '-p', JSON.stringify(patch)],
];
export const deployment = (patch: object): string[] => patched(appNamespace, 'deployment/always', patch);
export const annotated = (annotations: object): string[] => deployment({ metadata: { annotations } });
