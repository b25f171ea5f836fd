import type { LogFields } from '@scaler/scaler-types';
import { plain } from './plain.ts';

/** How a log line is written. */
export type LogFormat = 'json' | 'text';

/** The content of one line. */
export interface LogEntry {
  timeMs: number;
  level: string;
  app: string;
  message: string;
  fields: LogFields;
}

const reserved = new Set(['time', 'level', 'app', 'msg']);

/** Formats one line, without its end. A field with a reserved name gets a `_` after its name. */
export function formatLine(entry: LogEntry, format: LogFormat): string {
  const fields = Object.entries(entry.fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]): [string, unknown] => [reserved.has(key) ? `${key}_` : key, plain(value, key)]);
  const time = new Date(entry.timeMs).toISOString();
  if (format === 'text') return textLine(entry, time, fields);
  const { level, app, message } = entry;
  return JSON.stringify({ time, level, app, msg: message, ...Object.fromEntries(fields) });
}

/** The line for people: an error is its chain of messages, with the stack below when the line's level is `error`. */
function textLine(entry: LogEntry, time: string, fields: readonly (readonly [string, unknown])[]): string {
  const head = `${time.slice(11, 23)} ${entry.level.toUpperCase().padEnd(5)} ${entry.app}: ${entry.message}`;
  const tail = fields.map(([key, value]) => ` ${key}=${textValue(value)}`).join('');
  const stacks = fields.flatMap(([, value]) => (entry.level === 'error' && isError(value) ? [`\n${value.stack}`] : []));
  return head + tail + stacks.join('');
}

function textValue(value: unknown): string {
  if (isError(value)) return JSON.stringify(errorChain(value));
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value);
}

interface PlainError {
  message: string;
  stack: string;
  cause?: unknown;
}

function isError(value: unknown): value is PlainError {
  return typeof value === 'object' && value !== null && 'stack' in value && 'message' in value;
}

function errorChain({ message, cause }: PlainError): string {
  return isError(cause) ? `${message} <- ${errorChain(cause)}` : message;
}
