/** Names of fields whose value never reaches a log, however deep they are. */
const secretName = /(authorization|cookie|passw(or)?d|secret|token|credentials?|api[-_]?key|private[-_]?key)$/i;
const maxDepth = 6;
const maxItems = 200;
const maxText = 16_384;

/**
 * A JSON-safe copy of a log field: errors with code, stack and causes, secrets hidden, cycles cut, big lists shortened.
 * Never throws, or a log line could take its process down.
 */
export function plain(value: unknown, name = '', depth = 0, above: readonly object[] = []): unknown {
  if (secretName.test(name) && value !== undefined && value !== null && typeof value !== 'boolean') return '[secret]';
  if (typeof value === 'string') return cut(value);
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (typeof value === 'function') return '[function]';
  if (typeof value !== 'object' || value === null) return value;
  if (above.includes(value)) return '[circular]';
  if (depth >= maxDepth) return '[deep]';
  try {
    return plainObject(value, depth + 1, [...above, value]);
  } catch {
    return '[unreadable]';
  }
}

function plainObject(value: object, depth: number, above: readonly object[]): unknown {
  const inner = (item: unknown, key = ''): unknown => plain(item, key, depth, above);
  if (value instanceof Error) return plainError(value, inner);
  if (Array.isArray(value)) return items(value, inner);
  if (value instanceof Set) return items([...value], inner);
  if (value instanceof Map) return plainObject(Object.fromEntries(value), depth, above);
  if (value instanceof URL) return value.origin + value.pathname;
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  const toJson = (value as { toJSON?: unknown }).toJSON;
  if (typeof toJson === 'function') return inner(toJson.call(value));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inner(item, key)]));
}

/** Cuts a text that comes from outside, which may have any length. */
function cut(text: string | undefined): string | undefined {
  if (typeof text !== 'string' || text.length <= maxText) return text;
  return `${text.slice(0, maxText)}… [${text.length - maxText} more]`;
}

function items(list: readonly unknown[], inner: (item: unknown) => unknown): unknown[] {
  const shown = list.slice(0, maxItems).map((item) => inner(item));
  return list.length > maxItems ? [...shown, `[${list.length - maxItems} more]`] : shown;
}

function plainError(error: Error, inner: (item: unknown, key?: string) => unknown): unknown {
  const { code, errors } = error as { code?: unknown; errors?: unknown };
  return {
    name: error.name,
    message: cut(error.message),
    ...(code !== undefined && { code: inner(code) }),
    stack: cut(error.stack),
    ...(error.cause !== undefined && { cause: inner(error.cause, 'cause') }),
    ...(Array.isArray(errors) && { errors: inner(errors) }),
  };
}
