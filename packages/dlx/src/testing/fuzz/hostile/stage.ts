import { DlxProcess } from './process/dlx-process.ts';
import { NeighbourApp } from './neighbour.ts';
import { type Plan, portsPerSlot } from './process/hostile-scaler.ts';
import { Slot } from './slot.ts';

export interface StageOptions {
  readonly slots: number;
  /** Of the DLX's ledger of bytes. */
  readonly ledgerMegabytes: number;
  /** Modules that the DLX under test loads first. */
  readonly preloads: readonly string[];
}

const triedPorts = 8;

/** A DLX in a process of its own, with all that it leads to in this one. */
export class Stage {
  readonly slots: readonly Slot[];
  readonly app = new NeighbourApp();
  readonly #options: StageOptions;
  #dlx: DlxProcess | undefined;
  #firstPort = 0;

  constructor(options: StageOptions) {
    this.#options = options;
    this.slots = Array.from({ length: options.slots }, (_, i) => new Slot(i));
  }

  get dlx(): DlxProcess {
    if (this.#dlx === undefined) throw new Error('the stage has not begun');
    return this.#dlx;
  }

  get doors(): { sharedPort: number; firstPort: number } {
    return { sharedPort: this.dlx.port, firstPort: this.#firstPort };
  }

  async begin(): Promise<void> {
    await this.app.listen();
    for (const slot of this.slots) await slot.listen();
    await this.restart();
  }

  /** Another process, in place of one that is gone. */
  async restart(): Promise<void> {
    await this.#dlx?.end('SIGKILL');
    for (let tried = 0; tried < triedPorts; tried++) {
      this.#dlx = await this.#start();
      if (this.#dlx !== undefined) return;
    }
    throw new Error(`no range of ${this.slots.length * portsPerSlot} free ports was found in ${triedPorts} tries`);
  }

  async end(): Promise<void> {
    await this.#dlx?.end('SIGKILL');
    for (const slot of this.slots) slot.close();
    this.app.close();
  }

  /** Undefined: one of its ports is taken. */
  async #start(): Promise<DlxProcess | undefined> {
    // Below the ephemeral range.
    this.#firstPort = 10_000 + Math.floor(Math.random() * (22_000 - this.slots.length * portsPerSlot));
    const plan: Plan = {
      endpointPorts: this.slots.map(({ port }) => port),
      calmPorts: this.slots.map(({ calmPort }) => calmPort),
      neighbourPort: this.app.port,
      firstPort: this.#firstPort,
    };
    const { ledgerMegabytes, preloads } = this.#options;
    const dlx = new DlxProcess({
      ...{ plan: JSON.stringify(plan), preloads, heapMegabytes: 512 },
      flags: [
        `--hold-bytes-total=${ledgerMegabytes}Mi`,
        '--idle-timeout=1s',
        '--hold-timeout=5s',
        '--problem-details=full',
      ],
    });
    if (await dlx.ready()) return dlx;
    await dlx.end('SIGKILL');
    return undefined;
  }
}

/** Each conversation comes from an address of its own. */
export function addressOf(index: number): string {
  return `127.${1 + ((index >> 16) & 63)}.${(index >> 8) & 255}.${index & 255}`;
}
