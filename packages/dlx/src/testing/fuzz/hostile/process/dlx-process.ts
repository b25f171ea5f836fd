import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export interface DlxProcessOptions {
  readonly plan: string;
  readonly flags: readonly string[];
  /** Modules that are loaded first, beside the probe. */
  readonly preloads: readonly string[];
  /** Megabytes of V8's old generation. */
  readonly heapMegabytes: number;
}

const here = import.meta.dirname;
const startLimitMs = 60_000;
const keptLines = 60;

/** The real program in a process of its own. */
export class DlxProcess {
  /** The shared port. */
  port = 0;
  infraPort = 0;
  /** How it ended; undefined while it runs. */
  exit: string | undefined;
  /** Milliseconds of CPU time of the longest turn of its loop since `watchTurns`. */
  longestTurnMs = 0;
  readonly exited: Promise<void>;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #watching: ((ms: number) => void) | undefined;

  constructor(options: DlxProcessOptions) {
    this.#child = spawn(process.execPath, argsOf(options), { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
    this.exited = once(this.#child, 'exit').then(([code, signal]) => {
      this.exit = signal === null ? `exited with ${String(code)}` : `ended by ${String(signal)}`;
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      createInterface({ input: stream as Readable }).on('line', (line) => this.#heard(line));
    }
    createInterface({ input: this.#child.stdio[3] as Readable }).on('line', (line) => this.#turn(Number(line)));
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** Resolves once it is ready; false: one of its ports is taken. @throws with the end of its log when it ends first. */
  async ready(): Promise<boolean> {
    const endsAtMs = performance.now() + startLimitMs;
    for (;;) {
      const answer = this.infraPort === 0 ? undefined : await this.ask('/readyz', 1000);
      if (answer?.status === 200) {
        // Ports that others have are reported once a second.
        await new Promise((resolve) => setTimeout(resolve, 1200));
        if ((await this.ask('/readyz', 1000))?.status === 200) return true;
      }
      if (answer?.body.includes('EADDRINUSE') === true) return false;
      if (this.exit !== undefined || performance.now() > endsAtMs) throw new Error(`it does not start: ${this.log()}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** From now on, `onLong` hears of each turn that is reported. */
  watchTurns(onLong: (ms: number) => void): void {
    this.longestTurnMs = 0;
    this.#watching = onLong;
  }

  /** An answer of its infrastructure server; undefined where there is none in time. */
  ask(path: string, limitMs: number): Promise<{ status: number; body: string } | undefined> {
    return new Promise((resolve) => {
      const none = (): void => resolve(undefined);
      const request = get({ port: this.infraPort, path, agent: false, timeout: limitMs }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => (body += text));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body })).on('error', none);
      });
      const timer = setTimeout(() => request.destroy(), limitMs);
      request.on('error', none).on('close', () => {
        clearTimeout(timer);
        none();
      });
    });
  }

  rssBytes(): number {
    try {
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
    } catch {
      return 0;
    }
  }

  /** Open descriptors. */
  files(): number {
    try {
      return readdirSync(`/proc/${this.pid}/fd`).length;
    } catch {
      return 0;
    }
  }

  /** Seconds of CPU time so far. */
  cpuSeconds(): number {
    try {
      const fields = readFileSync(`/proc/${this.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      return (Number(fields[11]) + Number(fields[12])) / 100;
    } catch {
      return 0;
    }
  }

  /** Whether something was thrown that nothing caught: it is ending. */
  get crashed(): boolean {
    return this.exit !== undefined || this.#lines.some((line) => line.includes('"msg":"crashed"'));
  }

  /** The reason that it gave last. */
  log(): string {
    return this.#lines.join('\n');
  }

  async end(signal: 'SIGTERM' | 'SIGKILL', limitMs = 20_000): Promise<void> {
    if (this.exit === undefined) this.#child.kill(signal);
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), limitMs);
    await this.exited;
    clearTimeout(timer);
  }

  #heard(line: string): void {
    // What is to be expected is left out: settings, and resources that do not wake.
    if (!/"level":"info"|"wake failed"/.test(line)) this.#lines.push(line.slice(0, 1200));
    if (this.#lines.length > keptLines) this.#lines.shift();
    if (this.port !== 0 || !line.includes('"listening"')) return;
    const { port, infra } = JSON.parse(line) as { port: number; infra: { port: number } | string };
    this.port = port;
    this.infraPort = typeof infra === 'string' ? Number(infra.split(':').at(-1)) : infra.port;
  }

  #turn(ms: number): void {
    if (this.#watching === undefined) return;
    this.longestTurnMs = Math.max(this.longestTurnMs, ms);
    this.#watching(ms);
  }
}

function argsOf({ plan, flags, preloads, heapMegabytes }: DlxProcessOptions): string[] {
  return [
    ...['--conditions=@scaler/source', '--disable-warning=ExperimentalWarning'],
    // As the program's own first line has it.
    ...['--max-semi-space-size=16', '--expose-gc', `--max-old-space-size=${heapMegabytes}`],
    ...[join(here, 'probe.ts'), ...preloads].flatMap((file) => ['--import', file]),
    join(here, '../../../../main.ts'),
    ...[`--scaler=${join(here, 'hostile-scaler.ts')}`, `--scaler-option=plan=${plan}`],
    ...['--listen-host=127.0.0.1', '--listen-port=0', '--infra-host=127.0.0.1', '--infra-port=0', '--admin-port=0'],
    ...['--identity=fuzzed', '--propagate=0s', '--drain-timeout=1s', '--shutdown-timeout=15s'],
    ...flags,
  ];
}
