import type { IncomingHttpHeaders } from 'node:http';
import { KubeError, type KubeErrorCode } from '../errors.ts';

/** The answer of the API, as far as errors need it. */
export interface Refusal {
  /** "PATCH /apis/…" */
  readonly what: string;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly write: boolean;
  /** The request was a JSON patch with a `test`. */
  readonly tests: boolean;
}

/** The API's Status object, as far as it is used. */
export interface ApiStatus {
  readonly kind?: string;
  readonly code?: number;
  readonly message?: string;
  readonly reason?: string;
  readonly details?: { readonly retryAfterSeconds?: number; readonly causes?: readonly { readonly field?: string }[] };
}

const longestQuote = 300;

/** Turns an answer that is not a success into an error. */
export function refusalError(refusal: Refusal): KubeError {
  const status = parseStatus(refusal.body);
  // Some refusals quote the whole object.
  const said = (status?.message ?? refusal.body).slice(0, longestQuote).trim();
  return new KubeError(
    codeOf(refusal, status),
    `${refusal.what} answered ${refusal.status}${said ? `: ${said}` : ''}`,
    {
      status: refusal.status,
      reason: status?.reason,
      retryAfterMs: retryAfter(refusal.headers, status),
    },
  );
}

function parseStatus(body: string): ApiStatus | undefined {
  try {
    const value = JSON.parse(body) as ApiStatus | null;
    return value?.kind === 'Status' ? value : undefined;
  } catch {
    return undefined;
  }
}

const codes: Readonly<Record<number, KubeErrorCode>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  410: 'gone',
  429: 'too-many-requests',
};

function codeOf(refusal: Refusal, status: ApiStatus | undefined): KubeErrorCode {
  const known = codes[refusal.status];
  if (known !== undefined) return known;
  if (refusal.status === 409) return status?.reason === 'AlreadyExists' ? 'already-exists' : 'conflict';
  if (refusal.status === 422) return refusal.tests && !namesField(status) ? 'test-failed' : 'invalid';
  if (refusal.status >= 400 && refusal.status < 500) return 'invalid';
  if (refusal.status < 500) return 'bad-answer';
  return refusal.write && !surelyNotDone(refusal, status) ? 'write-outcome-unknown' : 'unavailable';
}

// A failed validation says which field is wrong; a patch that does not apply has no causes. The texts differ by version.
function namesField(status: ApiStatus | undefined): boolean {
  return (status?.details?.causes ?? []).some(({ field }) => field !== undefined && field !== '');
}

// The API server itself answers 503 before it does anything. After the answer of a proxy in front of it, or a timeout in etcd
// (500, 504), the write may have been done.
function surelyNotDone(refusal: Refusal, status: ApiStatus | undefined): boolean {
  return refusal.status === 503 && status !== undefined;
}

function retryAfter(headers: IncomingHttpHeaders, status: ApiStatus | undefined): number | undefined {
  const seconds = Number(headers['retry-after'] ?? status?.details?.retryAfterSeconds ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

/** The error that an ERROR event of a watch carries. */
export function watchEventError(what: string, status: ApiStatus): KubeError {
  const code = status.code ?? 0;
  return new KubeError(
    codes[code] ?? (code >= 500 ? 'unavailable' : 'bad-answer'),
    `${what} ended: ${(status.message ?? JSON.stringify(status)).slice(0, longestQuote)}`,
    { status: code, reason: status.reason, retryAfterMs: retryAfter({}, status) },
  );
}
