import { type Kind, qualifiedKind, qualifiedResource } from './kinds.ts';
import { type Json } from './object.ts';

/** `details.causes[]` of an Invalid Status. */
export type StatusCause = { reason: string; message: string; field?: string };

/** The body of a failed request, as the real server writes it. */
export type Status = {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: Record<string, string>;
  status: 'Failure' | 'Success';
  message?: string;
  reason?: ApiReason;
  details?: {
    name?: string | undefined;
    group?: string | undefined;
    kind?: string;
    uid?: string;
    causes?: StatusCause[];
    retryAfterSeconds?: number | undefined;
  };
  code?: number;
};

/** Every reason the fake API refuses with, and its HTTP status. */
export const apiReasons = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
} as const;

/** A key of {@link apiReasons}. */
export type ApiReason = keyof typeof apiReasons;

/** A refusal of the fake API. `code` is the Status reason; `status` is the whole body. */
export class FakeApiError extends Error {
  readonly code: ApiReason;
  readonly status: Status;

  constructor(code: ApiReason, message: string, details?: NonNullable<Status['details']>) {
    super(message);
    this.name = 'FakeApiError';
    this.code = code;
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason: code,
      ...(details && { details }),
      code: apiReasons[code],
    };
  }
}

/** The details of a Status about a kind, and about one object of it. Only JSON leaves out what is undefined. */
export function about({ group, resource }: Pick<Kind, 'group' | 'resource'>, name = ''): Status['details'] & object {
  return { name: name || undefined, group: group || undefined, kind: resource };
}

export function notFound(kind: Kind, name: string): FakeApiError {
  return new FakeApiError('NotFound', `${qualifiedResource(kind)} "${name}" not found`, about(kind, name));
}

export function alreadyExists(kind: Kind, name: string): FakeApiError {
  return new FakeApiError('AlreadyExists', `${qualifiedResource(kind)} "${name}" already exists`, about(kind, name));
}

/** The error of a write with an old resourceVersion. */
export const staleMessage =
  'the object has been modified; please apply your changes to the latest version and try again';

export function conflict(kind: Kind, name: string, why: string): FakeApiError {
  return new FakeApiError(
    'Conflict',
    `Operation cannot be fulfilled on ${qualifiedResource(kind)} "${name}": ${why}`,
    about(kind, name),
  );
}

export function badRequest(message: string): FakeApiError {
  return new FakeApiError('BadRequest', message);
}

/** The body that the real server sends for a path below a known group that it does not serve. */
export function noSuchResource(): FakeApiError {
  return new FakeApiError('NotFound', 'the server could not find the requested resource', {});
}

/** A JSON patch that does not apply, or whose `test` failed: the real server says no more than this. */
export function patchRejected(): FakeApiError {
  return new FakeApiError('Invalid', 'the server rejected our request due to an error in our request', {});
}

/** Where an object is wrong. The texts follow the real server's. */
export type FieldError = { reason: string; field: string; text: string };

export function invalidValue(field: string, value: unknown, why: string): FieldError {
  return { reason: 'FieldValueInvalid', field, text: `Invalid value: ${JSON.stringify(value as Json)}: ${why}` };
}

export function requiredValue(field: string, why?: string): FieldError {
  return { reason: 'FieldValueRequired', field, text: why === undefined ? 'Required value' : `Required value: ${why}` };
}

export function forbiddenValue(field: string, why: string): FieldError {
  return { reason: 'FieldValueForbidden', field, text: `Forbidden: ${why}` };
}

export function duplicateValue(field: string, value: unknown): FieldError {
  return { reason: 'FieldValueDuplicate', field, text: `Duplicate value: ${JSON.stringify(value as Json)}` };
}

export function unsupportedValue(field: string, value: unknown, allowed: readonly string[]): FieldError {
  const text = `Unsupported value: ${JSON.stringify(value as Json)}: supported values: ${allowed.map((a) => `"${a}"`).join(', ')}`;
  return { reason: 'FieldValueNotSupported', field, text };
}

export function tooMany(field: string, count: number, most: number): FieldError {
  return { reason: 'FieldValueTooMany', field, text: `Too many: ${count}: must have at most ${most} items` };
}

/** 422 with a cause per field. */
export function invalid(kind: Pick<Kind, 'group' | 'kind'>, name: string, errors: readonly FieldError[]): FakeApiError {
  const listed = errors.map(({ field, text }) => `${field}: ${text}`);
  const said = listed.length === 1 ? listed[0] : `[${listed.join(', ')}]`;
  return new FakeApiError('Invalid', `${qualifiedKind(kind)} "${name}" is invalid: ${said}`, {
    ...about({ ...kind, resource: kind.kind }, name),
    causes: errors.map(({ reason, field, text }) => ({ reason, message: text, field })),
  });
}
