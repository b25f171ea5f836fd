import type { FaultHook } from '@scaler/testing-kit/kubernetes';
import { fleet } from '../world/fleet.ts';
import type { Sent } from '../world/traffic.ts';
import { createLeaders, type Leaders } from './leaders.ts';
import { createRoutes } from './routes.ts';
import type { Scene, Violation } from './scene.ts';
import { createTransitions } from './transitions.ts';
import { complaintOf, createPatience } from './whole.ts';
import { createWakeWatch } from './wakes.ts';
import { type ChangeLog, createChangeLog } from './workload-log.ts';

/** Everything that must hold. */
export interface Judge {
  /** The first that does not; there is no use in what follows from it. */
  readonly violation: Violation | undefined;
  readonly log: ChangeLog;
  readonly leaders: Leaders;
  /** To be told of every patch and read before it is done. */
  readonly hook: FaultHook;
  /** To be called often: what is to be seen at one time. */
  look(): void;
  ended(sent: Sent): void;
  report(invariant: string, facts: string): void;
  /** What is not whole now. */
  complaints(): readonly string[];
  close(): void;
}

/** A complaint that stands longer, with nothing in the way, is a violation. */
const patienceMs = 90_000;

export function createJudge(scene: Scene, onLeader: () => void): Judge {
  let violation: Violation | undefined;
  const report = (invariant: string, facts: string): void => {
    violation ??= { invariant, facts, ms: Math.round(scene.timeline.ms) };
  };
  const leaders = createLeaders(scene, report, onLeader);
  const transitions = createTransitions(scene, report);
  const wakes = createWakeWatch(scene, report);
  const log = createChangeLog(scene, {
    onWorkload: (change, entry) => transitions.changed(change, entry),
    onKey: (change, entry) => transitions.keyChanged(change, entry, log.tokens),
    onWrite: (entry, change) => leaders.wrote(entry, change),
  });
  const routes = createRoutes(scene, log, report);
  const patience = createPatience(scene, patienceMs);
  return {
    get violation() {
      return violation;
    },
    log,
    leaders,
    hook: wakes.hook,
    report,
    look: () => {
      routes.look();
      for (const member of fleet) {
        const text = patience(member);
        if (text !== undefined) report('everything converges', text);
      }
    },
    ended: (sent) => routes.ended(sent),
    complaints: () =>
      fleet.flatMap((member) => {
        const text = complaintOf(scene, member);
        return text === undefined ? [] : [`${member.namespace}/${member.name}: ${text}`];
      }),
    close: () => {
      log.close();
      leaders.close();
      wakes.close();
    },
  };
}
