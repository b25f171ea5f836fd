import { readSmallFileSync } from '../files.ts';
import { formatDuration, parseDuration, parseQuantity } from '@scaler/scaler-types';

/** A JSON schema of one value, as it is written in a chart's values. */
export type ValueSchema = Readonly<Record<string, unknown>>;

/** The result of parsing a text. `reason` only where `allowed` does not say it already. */
export type Parsed<T> = { ok: true; value: T } | { ok: false; reason?: string };

/** Turns the text of a flag, an environment variable or a proposal into a value. Never throws. */
export interface Parser<T> {
  /** Follows the flag in the help: `duration`, `port`. */
  readonly kind: string;
  /** Completes "allowed is …". */
  readonly allowed: string;
  readonly schema: ValueSchema;
  parse(text: string): Parsed<T>;
  /** The text that parses to this value again. */
  format(value: T): string;
  /** Present when a setting may be given several times: makes one value of all. */
  merge?(values: readonly T[]): T;
}

function parsed<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

function refused(reason?: string): { ok: false; reason?: string } {
  return reason === undefined ? { ok: false } : { ok: false, reason };
}

/** Any text, or one that matches `pattern`; not empty. */
function string(options: { pattern?: RegExp; allowed?: string } = {}): Parser<string> {
  const { pattern, allowed = pattern ? `a text that matches ${pattern}` : 'a text' } = options;
  return {
    kind: 'text',
    allowed,
    schema: { type: 'string', ...(pattern && { pattern: pattern.source }) },
    parse: (text) => (text !== '' && (pattern?.test(text) ?? true) ? parsed(text) : refused()),
    format: (value) => value,
  };
}

/** One of a few words. */
function oneOf<const T extends string>(...words: readonly T[]): Parser<T> {
  return {
    kind: words.join('|'),
    allowed: words.join(', '),
    schema: { type: 'string', enum: words },
    parse: (text) => {
      const word = words.find((candidate) => candidate === text);
      return word === undefined ? refused() : parsed(word);
    },
    format: (value) => value,
  };
}

/** `true` or `false`; as a flag also `--name` and `--no-name`. */
function boolean(): Parser<boolean> {
  return {
    kind: 'boolean',
    allowed: 'true, false',
    schema: { type: 'boolean' },
    parse: (text) => (text === 'true' ? parsed(true) : text === 'false' ? parsed(false) : refused()),
    format: String,
  };
}

/** A whole number within bounds, both included. */
function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): Parser<number> {
  const isOpen = max === Number.MAX_SAFE_INTEGER;
  return {
    kind: 'integer',
    allowed: isOpen ? `a whole number, at least ${min}` : `a whole number from ${min} to ${max}`,
    schema: { type: 'integer', minimum: min, ...(!isOpen && { maximum: max }) },
    parse: (text) => {
      const value = /^-?\d+$/.test(text) ? Number(text) : NaN;
      return value >= min && value <= max ? parsed(value) : refused();
    },
    format: String,
  };
}

/** A TCP port; 0 asks the system for a free one. */
function port(): Parser<number> {
  return { ...integer(0, 65_535), kind: 'port', allowed: 'a port from 0 to 65535' };
}

/** Milliseconds, written as `30s`, `5m`, `1h30m`. The bound in the same notation, included. */
function duration({ min = '' }: { min?: string } = {}): Parser<number> {
  const least = min === '' ? 0 : parseDuration(min);
  return {
    kind: 'duration',
    allowed: `a duration such as 90s, 5m or 1h30m${min && `, at least ${min}`}`,
    schema: { type: 'string', pattern: '^(0|([0-9]+(\\.[0-9]+)?(h|m|s|ms))+)$' },
    parse: (text) => {
      try {
        const ms = parseDuration(text);
        return ms >= least ? parsed(ms) : refused();
      } catch {
        return refused();
      }
    },
    format: formatDuration,
  };
}

/** A Kubernetes quantity such as `100m`, `2k`, `1Ki`, as a number. */
function quantity(): Parser<number> {
  return {
    kind: 'quantity',
    allowed: 'a quantity such as 5, 0.5, 100m, 2k or 1Ki',
    schema: { type: ['string', 'number'] },
    parse: (text) => {
      try {
        return parsed(parseQuantity(text));
      } catch {
        return refused();
      }
    },
    format: String,
  };
}

/** An http or https URL without user and password. */
function url(): Parser<string> {
  return {
    kind: 'url',
    allowed: 'an http or https URL without user and password',
    schema: { type: 'string', format: 'uri' },
    parse: (text) => {
      const address = URL.canParse(text) ? new URL(text) : undefined;
      const plain = address?.username === '' && address.password === '';
      return address && plain && /^https?:$/.test(address.protocol) ? parsed(text) : refused();
    },
    format: (value) => value,
  };
}

/** A host and a port. */
export interface HostPort {
  host: string;
  port: number;
}

/** `host:port`, `[::1]:8080`. */
function hostPort(): Parser<HostPort> {
  return {
    kind: 'host:port',
    allowed: 'host:port, such as 127.0.0.1:8080 or [::1]:8080',
    schema: { type: 'string', pattern: '^(\\[[0-9a-fA-F:.]+\\]|[A-Za-z0-9._-]+):[0-9]{1,5}$' },
    parse: (text) => {
      const match = /^(?:\[([\da-fA-F:.]+)\]|([\w.-]+)):(\d{1,5})$/.exec(text);
      const host = match?.[1] ?? match?.[2];
      const value = Number(match?.[3]);
      return host !== undefined && value <= 65_535 ? parsed({ host, port: value }) : refused();
    },
    format: ({ host, port: value }) => (host.includes(':') ? `[${host}]:${value}` : `${host}:${value}`),
  };
}

/** An object of a namespace, by its DNS labels. */
export interface NamespacedName {
  namespace: string;
  name: string;
}

function namespacedName(): Parser<NamespacedName> {
  const label = '[a-z0-9](?:[-a-z0-9]*[a-z0-9])?';
  const pattern = `^${label}/${label}$`;
  return {
    kind: 'namespace/name',
    allowed: 'namespace/name, such as scaler-system/dlx',
    schema: { type: 'string', pattern },
    parse: (text) => {
      const [namespace = '', name = ''] = text.split('/');
      return new RegExp(pattern).test(text) ? parsed({ namespace, name }) : refused();
    },
    format: ({ namespace, name }) => `${namespace}/${name}`,
  };
}

/** Values of one kind, separated by commas; the flag may be repeated. Empty items are refused. */
function list<T>(item: Parser<T>): Parser<readonly T[]> {
  return {
    kind: `${item.kind},…`,
    allowed: `a list, separated by commas, of: ${item.allowed}`,
    schema: { type: 'array', items: item.schema },
    parse: (text) => {
      const values: T[] = [];
      for (const part of text === '' ? [] : text.split(',')) {
        const result = item.parse(part.trim());
        if (!result.ok) return result;
        values.push(result.value);
      }
      return parsed(values);
    },
    format: (values) => values.map((value) => item.format(value)).join(','),
    merge: (values) => values.flat(),
  };
}

/** `name=value`; the flag may be repeated, a later one of the same name wins. */
function pairs(): Parser<Readonly<Record<string, string>>> {
  return {
    kind: 'name=value',
    allowed: 'name=value',
    schema: { type: 'object', additionalProperties: { type: 'string' } },
    parse: (text) => {
      const [, name, value] = /^([A-Za-z][\w.-]*)=(.*)$/s.exec(text) ?? (text === '' ? ['', '', ''] : []);
      if (name === undefined || value === undefined) return refused();
      return parsed(name === '' ? {} : { [name]: value });
    },
    format: (values) =>
      Object.entries(values)
        .map(([name, value]) => `${name}=${value}`)
        .join(','),
    merge: (values) => Object.assign({}, ...values) as Record<string, string>,
  };
}

/** The path of a file that holds a secret. The file must be readable and not empty; it is read again when used, so that it may be rotated. */
function secretFile(): Parser<string> {
  return {
    kind: 'file',
    allowed: 'the path of a readable file that is not empty',
    schema: { type: 'string' },
    parse: (text) => {
      try {
        return readSmallFileSync(text).trim() === '' ? refused('the file is empty') : parsed(text);
      } catch (error) {
        return refused((error as NodeJS.ErrnoException).code ?? (error as Error).message);
      }
    },
    format: (value) => value,
  };
}

/** The parsers of settings. */
export const parsers = {
  string,
  oneOf,
  boolean,
  integer,
  port,
  duration,
  quantity,
  url,
  hostPort,
  namespacedName,
  list,
  pairs,
  secretFile,
};
