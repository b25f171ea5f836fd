import { fleet } from '../world/fleet.ts';
import { createLeaders } from './leaders.ts';
import { createRoutes } from './routes.ts';
import type { Scene, Violation } from './scene.ts';
import { createTransitions } from './transitions.ts';
import { notConvergedReason, createConvergenceWatch } from './convergence.ts';
import { createWakeWatch } from './wakes.ts';
import { type ChangeLog, createChangeLog } from './workload-log.ts';

/** A resource that has not converged for longer, with nothing in the way, is a violation. */
const patienceMs = 90_000;

/** Checks all invariants. */
export function createJudge(scene: Scene, onLeader: () => void) {
  let violation: Violation | undefined;
  const report = (invariant: string, facts: string): void => {
    violation ??= { invariant, facts, ms: Math.round(scene.timeline.ms) };
  };
  const leaders = createLeaders(scene, report, onLeader);
  const transitions = createTransitions(scene, report);
  const wakes = createWakeWatch(scene, report);
  const log: ChangeLog = createChangeLog(scene, {
    onWorkload: transitions.changed,
    onKey: (change, entry) => transitions.keyChanged(change, entry, log.tokens),
    onWrite: leaders.wrote,
  });
  const routes = createRoutes(scene, log, report);
  const patience = createConvergenceWatch(scene, patienceMs);
  return {
    /** The first violation; later ones follow from it and are not kept. */
    get violation() {
      return violation;
    },
    log,
    leaders,
    /** Call it for every patch and read before the API does it. */
    hook: wakes.hook,
    report,
    /** Checks what can be seen at one moment; call it often. */
    look: (): void => {
      routes.look();
      for (const member of fleet) {
        const text = patience(member);
        if (text !== undefined) report('everything converges', text);
      }
    },
    ended: routes.ended,
    /** The resources that have not converged now, each with the reason. */
    notConverged: (): readonly string[] =>
      fleet.flatMap((member) => {
        const text = notConvergedReason(scene, member);
        return text === undefined ? [] : [`${member.namespace}/${member.name}: ${text}`];
      }),
    close: (): void => {
      log.close();
      leaders.close();
      wakes.close();
    },
  };
}
