/** The meaning of each code of a {@link TestingKitError}. */
export const testingKitErrors = {
  'wait-timeout': '`waitFor` gave up; the message quotes the predicate.',
  'clock-busy': '`advance` was called while an earlier call still ran.',
  'prefix-invalid': '`podIpPrefix` is not of the form `127.A`.',
  'prefix-taken': 'Another embedded cluster on this machine has the range of addresses.',
  'loopback-unavailable': 'This machine cannot listen on addresses of 127.0.0.0/8 other than 127.0.0.1.',
  'addresses-exhausted': 'More pods or Services than the range has addresses.',
  'kind-unknown': '`apply` got an object of a kind that the API does not serve.',
  'port-unknown': 'No listener for that Service port: the Service is missing, headless or of another port.',
  'no-rollback': '`rolloutUndo` found no such Deployment, or no revision before the present one.',
  'close-failed': 'Parts of a cluster did not close; `cause` is an `AggregateError` of why.',
  'cluster-broken': 'Something inside the cluster failed (one of `problems`); `cause` is why.',
} as const;

/** A key of {@link testingKitErrors}. */
export type TestingKitErrorCode = keyof typeof testingKitErrors;

/** An error of the clock or the embedded cluster. Match on `code`, never on `instanceof`. */
export class TestingKitError extends Error {
  override readonly name = 'TestingKitError';
  readonly code: TestingKitErrorCode;

  constructor(code: TestingKitErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
