import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type Clock, type Resource, ScalerError, type ScalerErrorCode, terminal } from '@scaler/scaler-types';
import { boundedText } from './bounded-text.ts';
import type { Declaration } from './declaration.ts';

const fromSource = import.meta.url.endsWith('.ts');
const ownerPath = fileURLToPath(new URL(fromSource ? './owner.ts' : './owner.js', import.meta.url));

/** Bytes of an answer, or of one line of a stream. */
const longestAnswer = 1024 * 1024;
const tooLong = `an answer of over ${longestAnswer} bytes, which no owner gives`;
const lineEnd = 10;

/** The state of a process, as the owner sends it. */
export interface OwnerLine {
  resource: Resource;
  epoch: string;
}

interface OwnerAnswer {
  /** The epoch of a park that has begun; absent where there is nothing to park. */
  epoch?: string;
  /** ISO 8601. */
  busyUntil?: string;
}

/** Calls the owner, and starts one where there is none. */
export class OwnerClient {
  readonly #declaration: Declaration;
  readonly #clock: Clock;
  readonly #url: string;

  constructor(declaration: Declaration, clock: Clock) {
    this.#declaration = declaration;
    this.#clock = clock;
    this.#url = `http://127.0.0.1:${declaration.controlPort}`;
  }

  /** Makes one step; resolves with its result. @throws ScalerError of the owner, or `wake-failed` without an owner. */
  async ask(
    step: 'wake' | 'begin' | 'cancel' | 'stop' | 'busy',
    key: string,
    signal: AbortSignal,
    more: { epoch?: string; until?: string | undefined } = {},
  ): Promise<OwnerAnswer> {
    await this.#ensure(signal);
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ key, step, ...more });
    const response = await fetch(this.#url, { method: 'POST', headers, body, signal });
    const answer = JSON.parse(await textOf(response)) as OwnerAnswer & { code: ScalerErrorCode; message: string };
    if (response.ok) return answer;
    const error = new ScalerError(answer.code, `${key}: ${answer.message}`);
    throw answer.code === 'paused' || answer.code === 'unknown-resource' ? terminal(error) : error;
  }

  /** Yields every process, then `undefined`, then each change, until the connection ends. @throws as {@link ask}. */
  async watch(listener: (line: OwnerLine | undefined) => void, signal: AbortSignal): Promise<void> {
    await this.#ensure(signal);
    const { body } = await fetch(`${this.#url}/watch`, { signal });
    if (!body) return;
    for await (const text of createInterface({ input: Readable.from(boundedLines(body)) })) {
      listener(text === '{}' ? undefined : (JSON.parse(text) as OwnerLine));
    }
  }

  /** Starts an owner. Any number may be started at once: only the one that gets the port stays. */
  async #ensure(signal: AbortSignal): Promise<void> {
    const { file, controlPort } = this.#declaration;
    for (let tries = 0; tries < 200; tries++) {
      const owned = await fetch(`${this.#url}/file`, { signal })
        .then(textOf)
        .catch(() => undefined);
      signal.throwIfAborted();
      if (owned === file) return;
      if (owned !== undefined)
        throw new ScalerError('wake-failed', `control port ${controlPort} serves ${owned}, not ${file}`);
      if (tries === 0) startOwner(file);
      await this.#clock.sleep(50, signal);
    }
    throw new ScalerError('wake-failed', `no owner of ${file} answers on port ${controlPort}, see ${file}.log`);
  }
}

/** Reads the answer of the program that has the port. @throws Error when it is longer than an owner's. */
async function textOf({ body }: Response): Promise<string> {
  const text = await boundedText(body ?? Readable.from([]), longestAnswer);
  if (text === undefined) throw new Error(tooLong);
  return text;
}

/** Passes chunks on. @throws Error at a line that is longer than an owner's. */
async function* boundedLines(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let length = 0;
  for await (const chunk of body) {
    const end = chunk.lastIndexOf(lineEnd);
    length = end === -1 ? length + chunk.length : chunk.length - end - 1;
    if (length > longestAnswer) throw new Error(tooLong);
    yield chunk;
  }
}

/** Detached, so that it outlives this app for as long as the other one needs it. */
function startOwner(file: string): void {
  const log = openSync(`${file}.log`, 'a');
  const flags = fromSource ? ['--conditions=@scaler/source', '--disable-warning=ExperimentalWarning'] : [];
  const owner = spawn(process.execPath, [...flags, ownerPath, file], { detached: true, stdio: ['ignore', log, log] });
  // No more processes can be started: that is reported as an owner without an answer, and must not end this app.
  owner.on('error', () => undefined).unref();
  closeSync(log);
}
