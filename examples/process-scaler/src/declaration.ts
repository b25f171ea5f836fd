import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseDuration, parseResource, type Resource, ScalerError } from '@scaler/scaler-types';

/** One process as the file declares it. */
export interface ProcessDeclaration {
  /** The resource as the apps get it, but for its state. */
  resource: Resource;
  /** Program and arguments; run in the file's folder. */
  command: readonly string[];
  /** The port on 127.0.0.1 on which it listens. */
  port: number;
}

export interface Declaration {
  /** Absolute path. */
  file: string;
  /** The owner's port on 127.0.0.1. Only one owner can bind it. */
  controlPort: number;
  processes: readonly ProcessDeclaration[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Reads the file. @throws ScalerError `invalid-resource` that names the file and the field. */
export function readDeclaration(path: string): Declaration {
  const file = resolve(path);
  try {
    const { controlPort, processes } = JSON.parse(readFileSync(file, 'utf8')) as Fields;
    if (!(Number(controlPort) > 0 && Number(controlPort) < 65_536)) throw new Error('controlPort must be a port');
    if (!Array.isArray(processes)) throw new Error('processes must be a list');
    return { file, controlPort: Number(controlPort), processes: processes.map(readProcess) };
  } catch (error) {
    throw new ScalerError('invalid-resource', `${file}: ${(error as Error).message}`, { cause: error });
  }
}

function readProcess({
  namespace = 'local',
  name,
  command,
  idleAfter = '5m',
  pause,
  ...target
}: Fields): ProcessDeclaration {
  if (!Array.isArray(command) || command.length === 0 || command.some((word) => typeof word !== 'string')) {
    throw new Error(`command of ${String(name)} must be a list of texts, the program first`);
  }
  const targets = [{ ...target, service: name }];
  const idleAfterMs = parseDuration(String(idleAfter));
  const paused = pause === undefined ? {} : { pause };
  const resource = parseResource({ namespace, name, targets, idleAfterMs, dlxSeesAll: true, cooldownMs: 0, ...paused });
  return { resource, command, port: resource.targets[0]?.port ?? 0 };
}
