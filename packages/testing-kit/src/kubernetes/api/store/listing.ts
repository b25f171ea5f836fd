import { badRequest, FakeApiError } from '../errors.ts';
import { type Kind } from '../kinds.ts';
import { type KubeObject } from '../object.ts';
import { fieldSelector, labelSelector, type Selector, selectAll } from '../selectors.ts';
import { keyOf } from './collection.ts';
import { type Ledger } from './ledger.ts';
import { type ListOptions, type ListResult, type Selection } from './types.ts';

/** The test that a selection makes. Throws BadRequest for selectors that cannot be parsed. */
export function selectorOf(
  kind: Kind,
  { namespace = '', labelSelector: labels, fieldSelector: fields }: Selection,
): Selector {
  const parts = [labelSelector(labels), fieldSelector(kind, fields)].filter((part) => part !== selectAll);
  if (namespace !== '') parts.push(({ metadata }) => metadata.namespace === namespace);
  if (parts.length === 0) return selectAll;
  return (object) => parts.every((part) => part(object));
}

/** A version as clients give it; `undefined` for none and for `0`, which means: whatever is at hand. */
export function parseVersion(text: string | undefined): number | undefined {
  if (text === undefined || text === '' || text === '0') return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  throw badRequest(
    `invalid resource version: resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
  );
}

type Token = { rv: number; start: string };

function parseToken(text: string): Token {
  try {
    const token = JSON.parse(Buffer.from(text, 'base64url').toString()) as Partial<Token>;
    if (typeof token.rv === 'number' && typeof token.start === 'string') return token as Token;
  } catch {
    // Refused below, like every other invalid token.
  }
  throw badRequest('invalid continue token: continue key is not valid');
}

function tooLarge(asked: number, current: number): FakeApiError {
  return new FakeApiError('Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}

/** Which version a list shows. */
function versionFor(ledger: Ledger, options: ListOptions, token: Token | undefined): number {
  if (token !== undefined) return token.rv;
  const asked = parseVersion(options.resourceVersion);
  if (asked === undefined) return ledger.version;
  if (asked > ledger.version) throw tooLarge(asked, ledger.version);
  const exact =
    options.resourceVersionMatch === 'Exact' ||
    (options.resourceVersionMatch === undefined && (options.limit ?? 0) > 0);
  return exact ? asked : ledger.version;
}

/** Where in a sorted list the page after a key begins. */
function startOf(items: readonly KubeObject[], token: Token | undefined): number {
  if (token === undefined) return 0;
  const at = items.findIndex(({ metadata }) => keyOf(metadata) > token.start);
  return at < 0 ? items.length : at;
}

function snapshot(ledger: Ledger, kind: Kind, version: number, token: Token | undefined): readonly KubeObject[] {
  try {
    return ledger.at(kind, version);
  } catch (error) {
    if (token === undefined) throw error;
    throw new FakeApiError(
      'Expired',
      'The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.',
    );
  }
}

/** A page of a kind. Throws BadRequest, Expired (410) or Timeout (a version from the future). */
export function listPage(ledger: Ledger, kind: Kind, options: ListOptions): ListResult {
  const token = options.continue === undefined || options.continue === '' ? undefined : parseToken(options.continue);
  const version = versionFor(ledger, options, token);
  const selects = selectorOf(kind, options);
  const all = snapshot(ledger, kind, version, token);
  const chosen = selects === selectAll ? all : all.filter(selects);
  const start = startOf(chosen, token);
  const items = chosen.slice(start, (options.limit ?? 0) > 0 ? start + options.limit! : undefined);
  const remaining = chosen.length - start - items.length;
  const resourceVersion = String(version);
  if (remaining === 0) return { items, resourceVersion };
  const next: Token = { rv: version, start: keyOf(items.at(-1)!.metadata) };
  const narrowed = (options.labelSelector ?? options.fieldSelector ?? '') !== '';
  return {
    items,
    resourceVersion,
    continue: Buffer.from(JSON.stringify(next)).toString('base64url'),
    ...(narrowed ? {} : { remainingItemCount: remaining }),
  };
}
