import { setFlagsFromString } from 'node:v8';

/** Once all is there, ports are still being opened, or the first look at it all is under way. */
const restMs = 1000;

export interface SpareMemoryOptions {
  /** With fewer resources there is less to find than a look for it costs what comes next: V8 looks the more often from then on. */
  worthIt: number;
  /** By how many percent the heap grows between two collections after the start; 0: as V8 does by itself, several times what is in use. */
  growingPercent?: number;
}

/**
 * Keeps what a start leaves behind small: with ten thousand resources some 20 MB, which V8 would not look at for as long
 * as nobody asks for anything. While it starts, V8 collects once the heap has grown by a fifth, not by several times what
 * is in use. Call what it returns once all resources are there, with their number. Needs Node's `--expose-gc`.
 */
export function spareMemory({ worthIt, growingPercent = 0 }: SpareMemoryOptions): (resources: number) => void {
  setFlagsFromString('--heap-growing-percent=20');
  return (resources) => {
    setFlagsFromString(`--heap-growing-percent=${growingPercent}`);
    if (resources >= worthIt) setTimeout(collectAll, restMs).unref();
  };
}

/** Gives back to the system what it can: a collection like any other keeps 35 MB of emptied pages. Takes 0.1 s. */
function collectAll(): void {
  void globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
