import { badRequest } from './errors.ts';
import { type Kind } from './kinds.ts';
import { type KubeObject } from './object.ts';

/** Says whether an object is selected. */
export type Selector = (object: KubeObject) => boolean;

/** Everything. */
export const selectAll: Selector = () => true;

type LabelTest = (labels: Record<string, string>) => boolean;

const key = String.raw`[A-Za-z0-9][\w./-]*`;
const value = String.raw`[A-Za-z0-9_.-]*`;
const existence = new RegExp(`^(!?)\\s*(${key})$`);
const equality = new RegExp(`^(${key})\\s*(==?|!=)\\s*(${value})$`);
const membership = new RegExp(`^(${key})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);

/** `undefined` for what cannot be parsed. */
function testOf(requirement: string): LabelTest | undefined {
  const [, not, there] = existence.exec(requirement) ?? [];
  if (there !== undefined) return (labels) => Object.hasOwn(labels, there) === (not === '');
  const [, name, operator = '', list = ''] = equality.exec(requirement) ?? membership.exec(requirement) ?? [];
  if (name === undefined) return undefined;
  const values = new Set(list.split(',').map((one) => one.trim()));
  const wanted = operator !== '!=' && operator !== 'notin';
  return (labels) => (Object.hasOwn(labels, name) && values.has(labels[name]!)) === wanted;
}

/** Splits at commas that are not within the parentheses of a set. */
function requirements(text: string): string[] {
  return text
    .split(/,(?![^()]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/**
 * A label selector: `a=b,c!=d,e in (x,y),f notin (z),g,!h`.
 *
 * @throws FakeApiError BadRequest for what cannot be parsed.
 */
export function labelSelector(text: string | undefined): Selector {
  if (text === undefined || text.trim() === '') return selectAll;
  const tests = requirements(text).map((part) => {
    const test = testOf(part);
    if (test !== undefined) return test;
    throw badRequest(`unable to parse requirement: ${JSON.stringify(part)} in label selector ${JSON.stringify(text)}`);
  });
  return ({ metadata }) => tests.every((test) => test(metadata.labels ?? {}));
}

function fieldOf(object: KubeObject, path: string): string {
  let at: unknown = object;
  for (const step of path.split('.')) at = (at as Record<string, unknown> | undefined)?.[step];
  return at === undefined || at === null ? '' : String(at as string);
}

/**
 * A field selector: `metadata.name=a,status.phase!=Failed`, of the fields that the kind supports.
 *
 * @throws FakeApiError BadRequest for an unknown field.
 */
export function fieldSelector(kind: Kind, text: string | undefined): Selector {
  if (text === undefined || text === '') return selectAll;
  const known = ['metadata.name', 'metadata.namespace', ...(kind.fields ?? [])];
  const tests = text.split(',').map((part) => {
    const match = /^([^=!]+)(==|!=|=)(.*)$/.exec(part);
    if (match === null) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`);
    const [, path, operator, wanted] = match as unknown as [string, string, string, string];
    if (!known.includes(path)) {
      throw badRequest(`"${path}" is not a known field selector: only ${known.map((f) => `"${f}"`).join(', ')}`);
    }
    return (object: KubeObject) => (fieldOf(object, path) === wanted) === (operator !== '!=');
  });
  return (object) => tests.every((test) => test(object));
}

/** A `LabelSelector` object (`matchLabels`, `matchExpressions`) in its textual form, as `Scale.status.selector` has it. */
export function selectorText(selector: unknown): string {
  const { matchLabels, matchExpressions } = (selector ?? {}) as {
    matchLabels?: Record<string, string>;
    matchExpressions?: { key: string; operator: string; values?: string[] }[];
  };
  const equal = Object.entries(matchLabels ?? {}).map(([k, v]) => `${k}=${v}`);
  const sets = (matchExpressions ?? []).map(({ key: k, operator, values }) => {
    if (operator === 'Exists') return k;
    if (operator === 'DoesNotExist') return `!${k}`;
    return `${k} ${operator === 'In' ? 'in' : 'notin'} (${(values ?? []).join(',')})`;
  });
  return [...equal, ...sets].sort().join(',');
}
