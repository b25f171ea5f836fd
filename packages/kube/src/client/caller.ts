import type { IncomingMessage } from 'node:http';
import { backoffMs, type Deadline, startDeadline } from '@scaler/async';
import type { Clock } from '@scaler/scaler-types';
import { deadlineError, isKubeError, KubeError } from '../errors.ts';
import { refusalError } from './api-error.ts';
import { type ExchangeFailure, readBody } from './exchange.ts';
import type { Lane, LaneGate } from './lane.ts';
import type { Transport } from './transport.ts';

/** The options of every call. */
export interface CallOptions {
  /** Ends the call with `aborted`. */
  readonly signal?: AbortSignal | undefined;
  /** The lane whose budget the call uses; default: `normal`, for lists `bulk`. */
  readonly lane?: Lane | undefined;
  /** Limit of the whole call, waiting for the lane and retries included; default: 10 s, for each page of a list 30 s. */
  readonly timeoutMs?: number | undefined;
}

/** One request, as the retry rules see it. */
export interface ApiCall extends CallOptions {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly body?: string | undefined;
  readonly contentType?: string | undefined;
  /** Whether it is a JSON patch with a `test`, for which 422 has its own code. */
  readonly tests?: boolean | undefined;
}

export interface CallerOptions {
  readonly transport: Transport;
  readonly gates: Readonly<Record<Lane, LaneGate>>;
  readonly clock: Clock;
}

/** Makes calls with time limits and bounded retries, and parses the answer. */
export type Caller = (call: ApiCall) => Promise<unknown>;

/** The API takes objects of 3 MB at most; a page of a list is asked for with fewer objects when it is longer. */
export const longestAnswerBytes = 16 * 1024 * 1024;
/** Some refusals quote the whole object. */
export const longestRefusalBytes = 4 * 1024 * 1024;
/** The `reason` of a `bad-answer` whose body is longer than that. */
export const answerTooLong = 'AnswerTooLong';

export const defaultTimeoutMs = 10_000;
const maxAttempts = 5;
const firstPauseMs = 100;
const longestPauseMs = 3_000;

export function createCaller(options: CallerOptions): Caller {
  return async (call) => {
    const deadline = startDeadline(options.clock, call.timeoutMs ?? defaultTimeoutMs, call.signal);
    try {
      return await callWithRetries(options, call, deadline);
    } finally {
      deadline.dispose();
    }
  };
}

async function callWithRetries(options: CallerOptions, call: ApiCall, deadline: Deadline): Promise<unknown> {
  let said: KubeError | undefined;
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptOnce(options, call, deadline);
    } catch (error) {
      const pauseMs = Math.max(
        (error as KubeError).retryAfterMs ?? 0,
        backoffMs(attempt, firstPauseMs, longestPauseMs),
      );
      if (!mayRetry(call, error) || attempt === maxAttempts || pauseMs >= deadline.remainingMs()) {
        throw withLastAnswer(error, said);
      }
      if (isKubeError(error) && error.code !== 'timeout') said = error;
      await options.clock.sleep(pauseMs, deadline.signal).catch(() => {
        throw deadline.signal.aborted ? withLastAnswer(deadlineError(deadline, nameOf(call)), said) : error;
      });
    }
  }
}

// "Took longer than 10 s" hides the API's answers to the attempts before the one that the limit cut.
function withLastAnswer(error: unknown, said: KubeError | undefined): unknown {
  if (said === undefined || !isKubeError(error, 'timeout')) return error;
  return new KubeError('timeout', `${error.message}; before that: ${said.message}`, { cause: said });
}

// A write is sent a second time only when the API answered that it did nothing (429). Otherwise the caller has to read again.
function mayRetry(call: ApiCall, error: unknown): boolean {
  if (isKubeError(error, 'too-many-requests')) return true;
  return call.method === 'GET' && isKubeError(error, 'connection', 'unavailable', 'timeout');
}

async function attemptOnce(options: CallerOptions, call: ApiCall, whole: Deadline): Promise<unknown> {
  if (whole.signal.aborted) throw deadlineError(whole, nameOf(call));
  // A read gets half of the time per attempt: a socket that died silently leaves enough for another one.
  const isRead = call.method === 'GET';
  const deadline = startDeadline(
    options.clock,
    isRead ? Math.max(1, (call.timeoutMs ?? defaultTimeoutMs) / 2) : whole.remainingMs(),
    whole.signal,
  );
  try {
    const leave = await options.gates[call.lane ?? 'normal'](deadline.signal).catch(() => {
      throw endOf(call, deadline, whole, false);
    });
    try {
      // A process that was suspended gets the data that came meanwhile before its timers, such as the end of its Lease. So
      // due timers run before a write. A wake may come from any process, and does not wait.
      if (call.method !== 'GET' && call.lane !== 'wake') {
        await options.clock.sleep(0, deadline.signal).catch(() => {
          throw endOf(call, deadline, whole, false);
        });
      }
      return await sendOnce(options, call, deadline, whole);
    } finally {
      leave();
    }
  } finally {
    deadline.dispose();
  }
}

async function sendOnce(
  { transport }: CallerOptions,
  call: ApiCall,
  deadline: Deadline,
  whole: Deadline,
): Promise<unknown> {
  const result = await transport.open({
    method: call.method,
    path: call.path,
    body: call.body,
    headers: call.body === undefined ? {} : { 'Content-Type': call.contentType ?? 'application/json' },
    pool: call.lane ?? 'normal',
    signal: deadline.signal,
  });
  if (!('answer' in result)) {
    // When one socket gave no answer in time, those beside it are most probably dead too.
    if (result.sent && deadline.signal.aborted && !call.signal?.aborted) transport.dropIdle(call.lane ?? 'normal');
    throw failureError(call, result, deadline, whole);
  }
  const isRefusal = (result.answer.statusCode ?? 0) >= 300;
  const maxBytes = isRefusal ? longestRefusalBytes : longestAnswerBytes;
  const body = await readBody(result.answer, maxBytes);
  if (!(body instanceof Buffer)) {
    const error =
      body === 'too-long'
        ? new KubeError('bad-answer', `${nameOf(call)} answered more than ${maxBytes} bytes`, { reason: answerTooLong })
        : new KubeError('connection', `${nameOf(call)} failed: the answer broke off`);
    throw failureError(call, { error, sent: true }, deadline, whole);
  }
  return parseAnswer(call, result.answer, body.toString('utf8'));
}

function failureError(call: ApiCall, failure: ExchangeFailure, deadline: Deadline, whole: Deadline): KubeError {
  const error = deadline.signal.aborted ? endOf(call, deadline, whole, failure.sent) : failure.error;
  if (call.method === 'GET' || !failure.sent || error.code === 'aborted') return error;
  if (error.code === 'write-outcome-unknown') return error;
  return new KubeError('write-outcome-unknown', `${error.message}; it was sent, so it may have been done`, {
    cause: error,
  });
}

function endOf(call: ApiCall, deadline: Deadline, whole: Deadline, sent: boolean): KubeError {
  const error = deadlineError(whole.signal.aborted ? whole : deadline, nameOf(call));
  if (sent || error.code === 'aborted') return error;
  return new KubeError('timeout', `${error.message}: it waited for its lane or for a connection`, { cause: error });
}

function parseAnswer(call: ApiCall, answer: IncomingMessage, body: string): unknown {
  const status = answer.statusCode ?? 0;
  const write = call.method !== 'GET';
  if (status < 200 || status > 299) {
    throw refusalError({
      what: nameOf(call),
      status,
      headers: answer.headers,
      body,
      write,
      tests: call.tests === true,
    });
  }
  if (body === '') return undefined;
  try {
    return JSON.parse(body) as unknown;
  } catch (cause) {
    throw new KubeError('bad-answer', `${nameOf(call)} answered ${status} with something that is not JSON`, {
      status,
      cause,
    });
  }
}

function nameOf(call: ApiCall): string {
  return `${call.method} ${call.path}`;
}
