import type { Resource, TargetPort } from '@scaler/scaler-types';
import { type Harness, type HarnessOptions, startHarness } from './harness.ts';
import { type End, endOf, startRawApp } from './stream.ts';
import { freePort } from './upstream.ts';

/** A DLX with a resource `db` on a port of its own, and an app that reads and leaves all else to the test. */
export interface RawGround {
  readonly h: Harness;
  /** The DLX's port for it. */
  readonly port: number;
  /** The app's ends, in order. */
  readonly ends: End[];
  /** A client's connection to that port. */
  dial(first?: string | Buffer): Promise<End>;
  /** Tells of the resource, or of a change to it. Default: asleep. */
  tell(partial?: Partial<Resource>): void;
  /** Lets the call of that number succeed, with the app behind it. */
  wake(index?: number): Promise<void>;
  /** The app's end of that number, once it has heard the text. */
  app(index: number, text?: string): Promise<End>;
}

/** `target`: what is declared of the port. Default: `tcp`, where the client speaks first. */
export async function startRaw(
  target: Partial<TargetPort> = { protocol: 'tcp', speaksFirst: 'client' },
  options: HarnessOptions = {},
): Promise<RawGround> {
  const h = await startHarness(options);
  const port = await freePort();
  const { endpoint, ends } = await startRawApp();
  const tell = (partial: Partial<Resource> = {}): void =>
    h.scaler.set({ name: 'db', targets: [{ service: 'db', port: 5432, listenPort: port, ...target }], ...partial });
  tell();
  await h.until(() => h.dlx.listeners.isListening(port), 'the port is listened on');
  return {
    h,
    port,
    ends,
    tell,
    dial: async (first = '') => endOf(await h.raw(first, port)),
    async wake(index = 0) {
      const call = await h.scaler.call(index);
      h.scaler.endpoints('db', [endpoint]);
      call.ok();
    },
    async app(index, text = '') {
      await h.until(() => ends[index]?.heard().includes(text) === true, `the app hears "${text}"`);
      return ends[index] as End;
    },
  };
}
