import { appNamespace } from '../sleepers.ts';

/** A call of kubectl that changes nothing. */
export interface Write {
  readonly args: readonly string[];
  readonly input?: object;
}

/** One write, and the verdict that the real API server must give on it. */
export interface Attempt extends Write {
  readonly what: string;
  /** The account that writes; undefined: an administrator. */
  readonly as: string | undefined;
  /** A text that the refusal must contain; undefined: the write is allowed. */
  readonly refused: string | undefined;
}

/** An attempt of one account. */
export type Account = (what: string, write: Write, refused?: string) => Attempt;

export const account =
  (as?: string): Account =>
  (what, write, refused) => ({ what, as, ...write, refused });

/** The accounts of the two apps, and an administrator. */
export interface Accounts {
  readonly autoscaler: Account;
  readonly dlx: Account;
  readonly person: Account;
}

export const created = (input: object): Write => ({ args: ['create', '--dry-run=server', '-f', '-'], input });

export const patched = (where: string, what: string, patch: object): Write => ({
  args: ['-n', where, 'patch', ...what.split('/'), '--dry-run=server', '--type=merge', '-p', JSON.stringify(patch)],
});
export const deployment = (patch: object): Write => patched(appNamespace, 'deployment/always', patch);
export const annotated = (annotations: object): Write => deployment({ metadata: { annotations } });
