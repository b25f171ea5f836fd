/** An error that says what went wrong by a `code` of its package's table. Match on `code`, never on `instanceof`. */
export abstract class CodedError<Code extends string> extends Error {
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
