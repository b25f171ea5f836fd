import { Writable } from 'node:stream';
import type { Logger } from '@scaler/scaler-types';
import { createLogger, type LoggerOptions } from '../log/logger.ts';

/** A logger and the lines that it wrote, parsed. */
export interface LogSink {
  logger: Logger;
  texts: string[];
  lines(): Record<string, unknown>[];
}

export function createLogSink(options: Partial<LoggerOptions> = {}): LogSink {
  const texts: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      texts.push(chunk.toString().trimEnd());
      done();
    },
  });
  const logger = createLogger({ name: 'test', level: 'debug', destination, ...options });
  return { logger, texts, lines: () => texts.map((text) => JSON.parse(text) as Record<string, unknown>) };
}
