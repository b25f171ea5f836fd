import type { Random } from '../../random.ts';
import {
  endHeaders,
  frame,
  goaway,
  padded,
  resetStream,
  settings,
  settingsAck,
  types,
  windowUpdate,
  word,
} from './frames.ts';
import { noise } from '../http1/http1-client.ts';
import { type Oddity, request } from './http2-requests.ts';
import { flood, hear, send } from '../step.ts';

export const ping = frame(types.ping, 0, 0, Buffer.alloc(8));

/** Of wrong lengths, on wrong streams, at the wrong time. */
export function oddFrames(random: Random): Buffer {
  const one = (): Buffer => {
    const type = random.oneIn(4) ? random.below(256) : random.below(10);
    const payload = noise(random, 20);
    const length = random.oneIn(4) ? random.pick([0, 1, 5, 16_385, 0xffffff]) : payload.length;
    return frame(
      type,
      random.pick([0, 1, 4, 5, padded, 32, 0xff]),
      random.pick([0, 1, 1, 2, 3, 7, 0x7fffffff, 0x80000001]),
      payload,
      length,
    );
  };
  const fixed = [
    frame(types.push, endHeaders, 1, Buffer.concat([word(2), Buffer.from([0x82, 0x86, 0x84])])),
    windowUpdate(1, 0),
    windowUpdate(1, 0x7fffffff),
    frame(types.priority, 0, 1, Buffer.from([0, 0, 0, 1, 255])),
    frame(types.data, padded, 1, Buffer.from([255, 1])),
    frame(types.settings, 1, 0, Buffer.alloc(6)),
    frame(types.headers, endHeaders, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
    frame(types.headers, endHeaders | padded, 1, Buffer.from([200, 0x82])),
    resetStream(0, 0),
    resetStream(1, 8),
  ];
  return Buffer.concat(
    Array.from({ length: 1 + random.below(4) }, () => (random.oneIn(2) ? one() : random.pick(fixed))),
  );
}

/** Of small frames, each of which costs the other side something. */
export function floods(): Oddity[] {
  const frames: readonly (readonly [string, Buffer])[] = [
    ['SETTINGS', settings([[4, 65_535]])],
    ['SETTINGS of tables', Buffer.concat([settings([[1, 0]]), settings([[1, 4096]])])],
    ['empty SETTINGS', settings([])],
    ['acknowledgements', settingsAck],
    ['pings', ping],
    ['PRIORITY', frame(types.priority, 0, 3, Buffer.from([0, 0, 0, 1, 16]))],
    ['resets of one', resetStream(1, 8)],
    ['windows', windowUpdate(0, 1)],
    ['windows past all', windowUpdate(0, 0x7fffffff)],
    ['unknown frames', frame(0xbe, 0xff, 1, Buffer.alloc(100))],
    ['farewells', goaway(0, 0)],
  ];
  return frames.map(([what, bytes]) => (host, random) => [
    ...(random.oneIn(2) ? [send('a request', request(1, host, 'POST', [], 0))] : []),
    flood(what, bytes, random.pick([10, 1000, 30_000]), random.pick([50, 250])),
    hear(1, 100),
  ]);
}
