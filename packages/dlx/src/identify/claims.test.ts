import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Clock } from '@scaler/scaler-types';
import type { Lane } from '../gate/lane.ts';
import { Ages, type Claim, Claims, type RouteClaim, RouteTable } from './claims.ts';

function laneOf(name: string): Lane {
  return {
    gate: { key: `default/${name}`, ref: { namespace: 'default', name } },
    port: { service: name, port: 80 },
  } as Lane;
}

function claim(name: string, parts: Partial<Claim> = {}): Claim {
  return { lane: laneOf(name), ledMs: Infinity, sinceMs: 0, seq: 0, ...parts };
}

function clockAt(nowMs: number): Clock {
  return { now: () => nowMs } as Clock;
}

describe('claims', () => {
  test('come to the same answer in whatever order they come and go', () => {
    const parts = fc.record({
      ledMs: fc.constantFrom(1, 2, Infinity),
      sinceMs: fc.constantFrom(1, 2, 3),
      seq: fc.constant(0),
    });
    fc.assert(
      fc.property(fc.array(parts, { minLength: 2, maxLength: 12 }), fc.infiniteStream(fc.nat()), (all, picks) => {
        const known = all.map((one, i) => claim(`w${i}`, one));
        const shuffled = (): Claim[] => {
          const left = [...known];
          return known.map(() => left.splice((picks.next().value as number) % left.length, 1)[0] as Claim);
        };
        const [one, other] = [new Claims<number>(), new Claims<number>()];
        for (const each of shuffled()) one.add(1, each);
        for (const each of shuffled()) other.add(1, each);
        for (const each of shuffled()) {
          expect(one.first(1)).toBe(other.first(1));
          one.remove(1, each);
          other.remove(1, each);
        }
        expect([one.size, other.size]).toEqual([0, 0]);
      }),
    );
  });

  test('of one key cost at most 2.5 times as many steps where there are twice as many', () => {
    const steps = (count: number): number => {
      let looks = 0;
      const counted = Array.from({ length: count }, (_, i) => ({
        ...claim(`w${i}`, { sinceMs: (i * 7919) % count }),
        get ledMs() {
          looks += 1;
          return Infinity;
        },
      }));
      const claims = new Claims<string>();
      for (const one of counted) claims.add('web', one);
      for (const one of counted) claims.remove('web', one);
      return looks;
    };
    expect(steps(4_000) / steps(2_000)).toBeLessThan(2.5);
  });
});

describe('the age of a claim', () => {
  const now = Date.parse('2026-06-01T12:00:00Z');

  test('is that of the object, at the start and where the object is new', () => {
    const ages = new Ages(clockAt(now));
    expect(ages.of('2020-01-01T00:00:00Z')).toEqual({ sinceMs: Date.parse('2020-01-01T00:00:00Z'), seq: 0 });
    ages.started();
    expect(ages.of('2026-06-01T11:59:50Z')).toEqual({ sinceMs: now - 10_000, seq: 0 });
  });

  test('is its first sight where an old object comes to claim, or nothing is known of it', () => {
    const ages = new Ages(clockAt(now));
    ages.started();
    for (const since of ['2020-01-01T00:00:00Z', undefined, 'x'])
      expect(ages.of(since)).toMatchObject({ sinceMs: now });
  });
});

describe('a host with many paths', () => {
  const route = (path: string, name: string): [{ host: string; path: string }, RouteClaim] => [
    { host: 'a.example.com', path },
    { ...claim(name), ambiguous: false },
  ];

  test('is asked for the beginnings of the request’s own path alone', () => {
    const table = new RouteTable();
    for (let i = 0; i < 5_000; i++) table.add(...route(`/p${String(i).padStart(4, '0')}`, `w${i}`));
    table.add(...route('/', 'root'));
    expect((table.find('a.example.com', '/p0042/x') as Lane).gate.ref.name).toBe('w42');
    expect((table.find('a.example.com', '/p00422') as Lane).gate.ref.name).toBe('root');
  });

  test('knows none that is longer than 1,024 characters', () => {
    const table = new RouteTable();
    const [wide, claimed] = route(`/${'a'.repeat(1_024)}`, 'long');
    table.add(wide, claimed);
    expect(table.find('a.example.com', wide.path)).toBeUndefined();
    table.remove(wide, claimed);
  });
});
