import { type Clock, type LogFields, type Logger, systemClock } from '@scaler/scaler-types';
import winston from 'winston';
import { formatLine, type LogEntry, type LogFormat } from './line.ts';

/** Least severe last; `silent` logs nothing. */
export const logLevels = ['silent', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LoggerOptions {
  /** The field `app` of each line. */
  name: string;
  /** The least severe level that is written. Default: `info`. */
  level?: LogLevel;
  /** Default: `json`. */
  format?: LogFormat;
  /** Default: the process's standard output. */
  destination?: NodeJS.WritableStream;
  clock?: Pick<Clock, 'now'>;
}

const severity = { error: 0, warn: 1, info: 2, debug: 3 } as const;
type Severity = keyof typeof severity;

/** A logger that writes one line per message: `time`, `level`, `app`, `msg`, then the fields. */
export function createLogger(options: LoggerOptions): Logger {
  const { name, level = 'info', format = 'json', destination = process.stdout, clock = systemClock } = options;
  const sink = winston.createLogger({
    levels: severity,
    level: level === 'silent' ? 'error' : level,
    silent: level === 'silent',
    format: winston.format.printf((info) => formatLine(info['entry'] as LogEntry, format)),
    transports: [new winston.transports.Stream({ stream: destination })],
  });
  const threshold = level === 'silent' ? -1 : severity[level];
  // The fields travel as one value: winston would append a field named `message` to the message.
  const write = (at: Severity, message: string, fields: LogFields): void => {
    const entry: LogEntry = { timeMs: clock.now(), level: at, app: name, message, fields };
    sink.log({ level: at, message, entry });
  };
  return bind(write, threshold, {});
}

function bind(
  write: (at: Severity, message: string, fields: LogFields) => void,
  threshold: number,
  bound: LogFields,
): Logger {
  const method =
    (at: Severity) =>
    (message: string, fields?: LogFields): void => {
      if (severity[at] <= threshold) write(at, message, { ...bound, ...fields });
    };
  return {
    debug: method('debug'),
    info: method('info'),
    warn: method('warn'),
    error: method('error'),
    child: (fields) => bind(write, threshold, { ...bound, ...fields }),
  };
}
