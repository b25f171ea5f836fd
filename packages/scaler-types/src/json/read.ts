import { ScalerError } from '../errors.ts';
import { shownLength } from '../shown.ts';

/** Reads one value; `path` names it in errors. @throws ScalerError `invalid-resource`. */
export type Read<T> = (value: unknown, path: string) => T;

export function invalid(path: string, value: unknown, allowed: string): ScalerError {
  return new ScalerError('invalid-resource', `${path.slice(0, 200)} is ${outline(value)}, allowed is ${allowed}`);
}

/** The beginning of a value as JSON, without nested values, which may be of any depth and length. */
function outline(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'string') return JSON.stringify(value.slice(0, shownLength)).slice(0, shownLength);
  if (typeof value !== 'object' || value === null) return String(value).slice(0, shownLength);
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `a list of ${value.length}`;
  const names = Object.keys(value);
  return names.length === 0 ? '{}' : `an object with ${names.slice(0, 3).join(', ').slice(0, shownLength)}`;
}

export const text: Read<string> = (value, path) => {
  if (typeof value === 'string' && value !== '') return value;
  throw invalid(path, value, 'a text that is not empty');
};

export const anyText: Read<string> = (value, path) => {
  if (typeof value === 'string') return value;
  throw invalid(path, value, 'a text');
};

export const flag: Read<boolean> = (value, path) => {
  if (typeof value === 'boolean') return value;
  throw invalid(path, value, 'true or false');
};

export function wholeNumber(min: number, max: number = Number.MAX_SAFE_INTEGER): Read<number> {
  const allowed =
    max === Number.MAX_SAFE_INTEGER ? `a whole number, at least ${min}` : `a whole number from ${min} to ${max}`;
  return (value, path) => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
    throw invalid(path, value, allowed);
  };
}

export function oneOf<const T extends string>(words: readonly T[]): Read<T> {
  return (value, path) => {
    const word = words.find((candidate) => candidate === value);
    if (word !== undefined) return word;
    throw invalid(path, value, words.join(', '));
  };
}

export const isoTime: Read<string> = (value, path) => {
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value))) return value;
  throw invalid(path, value, 'an ISO 8601 time such as 2026-01-31T23:59:59Z');
};

/** Reads a list of at most so many items. */
export function list<T>(item: Read<T>, most = Infinity): Read<T[]> {
  return (value, path) => {
    if (Array.isArray(value) && value.length > most) throw invalid(path, value, `a list of at most ${most}`);
    if (Array.isArray(value)) return value.map((one, index) => item(one, `${path}[${index}]`));
    throw invalid(path, value, 'a list');
  };
}

export function record<T>(item: Read<T>): Read<Record<string, T>> {
  return (value, path) => {
    const entries = Object.entries(fieldsOf(value, path));
    return Object.fromEntries(entries.map(([key, one]) => [key, item(one, `${path}.${key}`)]));
  };
}

/** One field of an object. */
export interface Field<T> {
  read: Read<T>;
  /** Whether the field is required. */
  required: boolean;
  /** Other names of the field. */
  aliases: readonly string[];
}

export function optional<T>(read: Read<T>, ...aliases: string[]): Field<T> {
  return { read, required: false, aliases };
}

export function required<T>(read: Read<T>, ...aliases: string[]): Field<T> {
  return { read, required: true, aliases };
}

/**
 * Reads an object of exactly these fields. `null` counts as absent. An unknown field, or a field under two names, is refused,
 * since it would be ignored in silence.
 */
export function object<T>(fields: { readonly [K in keyof T]-?: Field<Exclude<T[K], undefined>> }): Read<T> {
  const table = Object.entries(fields) as [string, Field<unknown>][];
  const names = new Map(table.flatMap(([name, { aliases }]) => [name, ...aliases].map((alias) => [alias, name])));
  return (value, path) => {
    const given = new Map<string, { value: unknown; as: string }>();
    for (const [as, one] of Object.entries(fieldsOf(value, path))) {
      const name = names.get(as);
      if (name === undefined)
        throw invalid(`${path}.${as}`, one, `no such field: there are ${Object.keys(fields).join(', ')}`);
      const twice = given.get(name);
      if (twice) throw invalid(`${path}.${as}`, one, `only one of ${twice.as} and ${as}`);
      if (one !== null && one !== undefined) given.set(name, { value: one, as });
    }
    const read = table.flatMap(([name, field]) => {
      const found = given.get(name);
      if (!found && !field.required) return [];
      return [[name, field.read(found?.value, `${path}.${found?.as ?? name}`)] as const];
    });
    return Object.fromEntries(read) as T;
  };
}

function fieldsOf(value: unknown, path: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw invalid(path, value, 'an object');
}
