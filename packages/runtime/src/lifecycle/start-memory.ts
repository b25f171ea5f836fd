import { setFlagsFromString } from 'node:v8';

/** Milliseconds after all resources came: ports are still being opened, and the first look at all is under way. */
const restMs = 1000;

export interface SpareMemoryOptions {
  /** With fewer resources a collection costs more than it finds: V8 collects more often after it. */
  worthIt: number;
  /** Percent by which the heap grows between two collections after the start; 0: V8's own choice, several times what is in use. */
  growingPercent?: number;
}

/**
 * Keeps the garbage of a start small: with ten thousand resources some 20 MB, which V8 would not collect as long as the
 * process is idle. During the start, V8 collects once the heap has grown by a fifth, not by several times what is in use.
 * Call the returned function once all resources are there, with their number. Needs Node's `--expose-gc`.
 */
export function spareMemory({ worthIt, growingPercent = 0 }: SpareMemoryOptions): (resources: number) => void {
  setFlagsFromString('--heap-growing-percent=20');
  return (resources) => {
    setFlagsFromString(`--heap-growing-percent=${growingPercent}`);
    if (resources >= worthIt) setTimeout(collectAll, restMs).unref();
  };
}

/** Gives memory back to the system: an ordinary collection keeps 35 MB of emptied pages. Takes 0.1 s. */
function collectAll(): void {
  void globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
