import type { Program } from '../world/programs.ts';
import type { World } from '../world/world.ts';
import type { Faults } from './api-faults.ts';

/** The state that every step acts on. */
export interface Stage {
  readonly world: World;
  readonly faults: Faults;
  /** Programs that stand still, each with the function that lets it go on. */
  readonly frozen: Map<Program, () => Promise<void>>;
  /** The API is down, and will come back. */
  restarting: boolean;
}
