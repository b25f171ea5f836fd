import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The PATH of ordinary users does not have the folders of daemons. */
const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The path of a program; undefined: not on PATH. */
export function findProgram(name: string): string | undefined {
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** @throws when the program is not on PATH. */
export function programPath(name: string): string {
  const path = findProgram(name);
  if (path === undefined) throw new Error(`${name} is not on PATH`);
  return path;
}
