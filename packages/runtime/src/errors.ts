import { CodedError } from '@scaler/async';

/** The meaning of each code, and the exit code of the process when it ends the start or the run. */
export const runtimeErrors = {
  'invalid-config': {
    exitCode: 2,
    meaning: 'One or more settings are unknown, missing or wrong; `problems` has a sentence each.',
  },
  'invalid-table': { exitCode: 1, meaning: 'A config table contradicts itself: a bug in the app that declares it.' },
  'plugin-not-found': { exitCode: 2, meaning: 'The scaler package is in none of the places that were searched.' },
  'plugin-broken': { exitCode: 2, meaning: 'The scaler package was found and cannot be imported.' },
  'plugin-export': { exitCode: 2, meaning: 'The scaler package does not export a function `createResourceScaler`.' },
  'plugin-factory': { exitCode: 2, meaning: '`createResourceScaler` threw, or returned something that is no object.' },
  'plugin-method': { exitCode: 2, meaning: 'The scaler lacks a required method.' },
  'plugin-ability': { exitCode: 2, meaning: 'An optional ability of the scaler is present and is not a function.' },
  'plugin-contract': {
    exitCode: 2,
    meaning: 'The scaler package was made for another contract than this app.',
  },
  'plugin-contract-unknown': {
    exitCode: 2,
    meaning: 'The scaler package does not say for which contract it was made.',
  },
  'scaler-slow': { exitCode: 1, meaning: 'A member of the scaler did not answer within its time limit.' },
  'listen-failed': { exitCode: 1, meaning: 'A server could not listen on its host and port.' },
  'invalid-metric': {
    exitCode: 1,
    meaning: 'A metric was asked for with labels that it does not declare: a bug in the caller.',
  },
  'part-ended': { exitCode: 1, meaning: 'A supervised part ended before the process was asked to stop.' },
  'part-failed': { exitCode: 1, meaning: 'A supervised part threw; the error is the `cause`.' },
  'shutdown-deadline': {
    exitCode: 1,
    meaning: 'The shutdown took longer than its deadline; the message names the step that hung.',
  },
  'shutdown-failed': { exitCode: 1, meaning: 'Shutdown steps threw; the message names them.' },
  stopping: { exitCode: 0, meaning: 'The process was asked to stop; the reason of its abort signal.' },
} as const;

/** Every code of an error that this package makes. */
export type RuntimeErrorCode = keyof typeof runtimeErrors;

/** The error that this package throws. Match on `code`, never on `instanceof`. */
export class RuntimeError extends CodedError<RuntimeErrorCode> {
  override readonly name = 'RuntimeError';
  /** The exit code of the process: 0 ok, 1 crash, 2 config or plug-in. */
  readonly exitCode: number;
  /** One sentence per mistake; one in all for most codes, all of a run's mistakes for `invalid-config`. */
  readonly problems: readonly string[];

  constructor(code: RuntimeErrorCode, problems: string | readonly string[], options?: ErrorOptions) {
    const sentences = typeof problems === 'string' ? [problems] : problems;
    super(code, sentences.join('; '), options);
    this.exitCode = runtimeErrors[code].exitCode;
    this.problems = sentences;
  }
}

/** An `invalid-config` error, for checks across settings that an app makes itself. */
export function configError(...problems: readonly string[]): RuntimeError {
  return new RuntimeError('invalid-config', problems);
}
