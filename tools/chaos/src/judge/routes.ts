import { listening } from '../sim/sandbox.ts';
import { fleet, keyOf, type Member, times } from '../world/fleet.ts';
import type { Sent } from '../world/traffic.ts';
import { isProgram, type Report, type Scene } from './scene.ts';
import type { ChangeLog } from './workload-log.ts';

const second = 1_000;
/**
 * A repair may take so long once nothing is in its way: a watch's longest pause, a Lease, a mirror's pause, a settle.
 */
const repairMs = 45 * second;
const bootMs = 40 * second;
const longestHoldMs = 125 * second;

/** Checks where new connections go, and how requests end. */
export function createRoutes(scene: Scene, log: ChangeLog, report: Report) {
  const { timeline, traffic, counts } = scene;
  return {
    /** Every Service must lead, on every node, to an address that accepts the connection. */
    look: (): void => {
      for (const member of fleet) {
        for (let node = 0; node < scene.nodes; node++) lookAt(scene, log, report, member, node);
      }
      for (const sent of traffic.open) {
        if (timeline.ms - sent.sentMs > longestHoldMs)
          report(
            'no request lost',
            `request ${sent.id} to ${sent.key} (by ${sent.backend}) of ${sent.sentMs} ms has no answer`,
          );
      }
    },
    ended: (sent: Sent): void => {
      counts.add(`answers ${sent.result ?? ''}`);
      if (sent.result === '200') {
        const byDlx = isProgram(scene, sent.backend);
        counts.add(byDlx ? 'served by a DLX' : 'served by a pod');
        return;
      }
      const excuse = excuseOf(scene, log, sent);
      if (excuse !== undefined) counts.add(`excused: ${excuse}`);
      else {
        const { id, key, backend = 'no endpoint', node, sentMs, result = '', detail } = sent;
        report(
          'no request lost',
          `request ${id} to ${key} by ${backend} (node ${node}, sent at ${Math.round(sentMs)} ms) ended with ${result} ${detail}`,
        );
      }
    },
  };
}

function lookAt(scene: Scene, log: ChangeLog, report: Report, member: Member, node: number): void {
  const backends = scene.traffic.backends(member, node);
  const dead = backends.length === 0 ? ['no endpoint'] : backends.filter((place) => !listening.has(place));
  for (const place of dead) {
    if (excuseOfPlace(scene, log, member, place) !== undefined) continue;
    const { phase = 'unknown', replicas } = log.tokens.get(keyOf(member)) ?? {};
    report(
      'no dead end',
      `Service ${keyOf(member)} leads to ${place} on node ${node}, of ${backends.join(', ') || 'none'}; it is ${phase} with ${replicas} replicas`,
    );
  }
}

/** Why a new connection to this place may fail. */
function excuseOfPlace(scene: Scene, log: ChangeLog, member: Member, place: string): string | undefined {
  const { timeline, health, programs } = scene;
  if (isDigesting(scene, member)) return 'others changed it';
  if (isRecent(scene, log.intent.leftAloneMs(keyOf(member)))) return 'it is left alone';
  const token = log.tokens.get(keyOf(member));
  // The leader gave way to another writer, which may have left it at zero: it is not diverted meanwhile.
  if (place === 'no endpoint' && token?.phase === 'awake' && token.replicas === 0 && scene.givesWay(member))
    return 'given way to others';
  // Without any DLX the dead-man switch has its time, and the pods theirs. It hands Services back before the pods are
  // up: meanwhile no process could hold a request.
  const sinceNoneMs = timeline.ms - health.withoutDlxMs;
  const concerned = token?.phase !== 'awake' || member.routing === 'always' || sinceNoneMs < 10 * second;
  if (concerned && sinceNoneMs < times.deadManSwitch * second + bootMs) {
    if (place === 'no endpoint' || isProgram(scene, place)) return 'there is no DLX';
  }
  const gone = programs.filter(({ address, app }) => app === 'dlx' && place.startsWith(`${address}:`)).at(-1);
  if (gone === undefined) return undefined;
  // A process that was killed leaves its address in slices until the kill is noticed. The next process at that address
  // may not listen yet.
  const endMs = Math.max(gone.endedMs ?? gone.startedMs, lastEnd(scene, gone.address));
  return sinceCalm(scene, endMs) < repairMs ? 'a DLX was killed' : undefined;
}

function sinceCalm({ timeline, health }: Scene, ms: number): number {
  return timeline.ms - Math.max(ms, health.disturbedMs, health.withoutDlxMs);
}

/** Whether the end of something then may not be known everywhere yet. */
function isRecent(scene: Scene, ms: number): boolean {
  return scene.timeline.ms - ms < 2 * repairMs && sinceCalm(scene, ms) < repairMs;
}

function isDigesting(scene: Scene, member: Member): boolean {
  const ms = scene.othersMs(member);
  return ms > -Infinity && sinceCalm(scene, ms) < repairMs;
}

function lastEnd({ programs }: Scene, address: string): number {
  return Math.max(
    -Infinity,
    ...programs.filter((one) => one.address === address).map((one) => one.endedMs ?? -Infinity),
  );
}

function excuseOf(scene: Scene, log: ChangeLog, sent: Sent): string | undefined {
  const { health, timeline } = scene;
  const { backend, member, sentMs, result } = sent;
  if (isDigesting(scene, member)) return 'others changed it';
  // A DLX that does not know yet that a pause is over also answers 503.
  const isPaused = result === '503' && isRecent(scene, log.intent.unwakeableMs(keyOf(member)));
  if (isPaused) return 'nothing wakes it';
  // An answer with a status shows that the place exists.
  const placed = /^\d+$/.test(result ?? '') ? undefined : excuseOfPlace(scene, log, member, backend ?? 'no endpoint');
  if (placed !== undefined) return placed;
  const dlx = scene.programs.filter(({ address }) => backend?.startsWith(`${address}:`));
  if (dlx.some(({ endedMs = Infinity, stopping }) => endedMs >= sentMs && (endedMs <= timeline.ms || stopping)))
    return 'its DLX ended';
  // After a longer disturbance a hold may well reach its limit.
  if (result === '504' && health.disturbedMs > sentMs + 60 * second) return 'a long disturbance';
  return undefined;
}
