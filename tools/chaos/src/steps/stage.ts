import type { Program } from '../world/programs.ts';
import type { World } from '../world/world.ts';
import type { Faults } from './api-faults.ts';

/** What every step acts on. */
export interface Stage {
  readonly world: World;
  readonly faults: Faults;
  /** Programs that stand still, and how they go on. */
  readonly frozen: Map<Program, () => Promise<void>>;
  /** The API is down, and comes back. */
  restarting: boolean;
}
