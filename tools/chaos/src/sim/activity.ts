import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setImmediate as turn } from 'node:timers/promises';

/**
 * Waits until everything in this process that talks over loopback is at rest: then time may move on. On loopback
 * a message is there one turn of the event loop after it was written, so some turns without a sign of life are enough.
 */
export type Activity = ReturnType<typeof createActivity>;

const quietTurns = 6;
// Beyond it some loop goes on without time passing.
const mostTurns = 400_000;

const channels = [
  'http.client.request.start',
  'http.client.response.finish',
  'http.server.request.start',
  'http.server.response.finish',
  'undici:request:create',
  'undici:request:headers',
  'undici:client:connected',
] as const;

export function createActivity() {
  let count = 0;
  let holds = 0;
  /** Something happened. */
  const note = (): void => void (count += 1);
  for (const channel of channels) subscribe(channel, note);
  return {
    note,
    /**
     * Something under way takes real time (a program that starts): there is no rest until the returned function is
     * called.
     */
    hold: (): (() => void) => {
      holds += 1;
      let held = true;
      return () => {
        if (held) holds -= 1;
        held = false;
      };
    },
    /** @throws when it never comes to rest. */
    rest: async (): Promise<void> => {
      let seen = count;
      let quiet = 0;
      for (let turns = 0; quiet < quietTurns; turns++) {
        if (turns > mostTurns) throw new Error('the simulation does not come to rest');
        await turn();
        quiet = count === seen && holds === 0 ? quiet + 1 : 0;
        seen = count;
      }
    },
    close: (): void => {
      for (const channel of channels) unsubscribe(channel, note);
    },
  };
}
