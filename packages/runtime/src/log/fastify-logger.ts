import { format } from 'node:util';
import type { LogFields, Logger } from '@scaler/scaler-types';
import type { FastifyBaseLogger } from 'fastify';

/** Adapts a logger to fastify's `loggerInstance`: pino's order of arguments, `fatal`, `trace`, `silent`. */
export function fastifyLogger(logger: Logger): FastifyBaseLogger {
  const method =
    (write: Logger['info']) =>
    (first: unknown, ...rest: unknown[]): void => {
      if (typeof first === 'string') write(format(first, ...rest));
      else write(messageOf(first, rest), fieldsOf(first));
    };
  return {
    level: 'info',
    fatal: method(logger.error),
    error: method(logger.error),
    warn: method(logger.warn),
    info: method(logger.info),
    debug: method(logger.debug),
    trace: method(logger.debug),
    silent: () => {},
    child: (bindings) => fastifyLogger(logger.child(fieldsOf(bindings))),
  };
}

function messageOf(first: unknown, [message, ...rest]: readonly unknown[]): string {
  if (typeof message === 'string') return format(message, ...rest);
  return first instanceof Error ? first.message : 'fastify';
}

/** Fastify logs whole requests and replies; a method, a path and a status say as much. */
function fieldsOf(value: unknown): LogFields {
  if (value instanceof Error) return { err: value };
  if (typeof value !== 'object' || value === null) return { value };
  const { req, res, ...fields } = value as Record<string, unknown>;
  return {
    ...fields,
    ...(isObject(req) && { method: req['method'], path: String(req['url']).split('?')[0] }),
    ...(isObject(res) && { status: res['statusCode'] }),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
