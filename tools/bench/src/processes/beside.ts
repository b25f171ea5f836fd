import { extname, join } from 'node:path';

/** The path of a module beside another one, as source or built, like that one. */
export function beside({ dirname, filename }: Pick<ImportMeta, 'dirname' | 'filename'>, name: string): string {
  return join(dirname, name + extname(filename));
}
