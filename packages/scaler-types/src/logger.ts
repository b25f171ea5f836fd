/** The fields of a log line, beside its constant message: `resource`, `namespace`, `phase`, `err` and so on. */
export type LogFields = Readonly<Record<string, unknown>>;

/** The logger of a scaler and the apps. Messages are constant; values go into the fields, errors as `err`. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to each line. */
  child(fields: LogFields): Logger;
}
