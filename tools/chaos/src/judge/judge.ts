import type { FaultHook } from '@scaler/testing-kit/kubernetes';
import { fleet } from '../world/fleet.ts';
import type { Sent } from '../world/traffic.ts';
import { createLeaders, type Leaders } from './leaders.ts';
import { createRoutes } from './routes.ts';
import type { Scene, Violation } from './scene.ts';
import { createTransitions } from './transitions.ts';
import { notConvergedReason, createConvergenceWatch } from './convergence.ts';
import { createWakeWatch } from './wakes.ts';
import { type ChangeLog, createChangeLog } from './workload-log.ts';

/** Checks all invariants. */
export interface Judge {
  /** The first violation; later ones follow from it and are not kept. */
  readonly violation: Violation | undefined;
  readonly log: ChangeLog;
  readonly leaders: Leaders;
  /** Call it for every patch and read before the API does it. */
  readonly hook: FaultHook;
  /** Checks what can be seen at one moment; call it often. */
  look(): void;
  ended(sent: Sent): void;
  report(invariant: string, facts: string): void;
  /** The resources that have not converged now, each with the reason. */
  notConverged(): readonly string[];
  close(): void;
}

/** A resource that has not converged for longer, with nothing in the way, is a violation. */
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
  const patience = createConvergenceWatch(scene, patienceMs);
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
    notConverged: () =>
      fleet.flatMap((member) => {
        const text = notConvergedReason(scene, member);
        return text === undefined ? [] : [`${member.namespace}/${member.name}: ${text}`];
      }),
    close: () => {
      log.close();
      leaders.close();
      wakes.close();
    },
  };
}
