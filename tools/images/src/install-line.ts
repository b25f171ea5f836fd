import { apps } from './stage.ts';

/** The names of the images of one build. */
export interface Built {
  /** The prefix of both names, such as `localhost/scaler-`. */
  readonly prefix: string;
  readonly tag: string;
}

/** The values of the chart, by path, with which a release runs these images. */
export function imageValues({ prefix, tag }: Built): Record<string, string> {
  const end = prefix.lastIndexOf('/') + 1;
  const values: Record<string, string> = { 'images.registry': prefix.slice(0, Math.max(end - 1, 0)) };
  for (const app of apps) {
    values[`images.${app}.repository`] = `${prefix.slice(end)}${app}`;
    values[`images.${app}.tag`] = tag;
  }
  return values;
}

/**
 * The words of the command. Each value is a string, because helm would take a tag such as 1 for a number, which the
 * chart refuses.
 */
export function installArguments(built: Built): string[] {
  const set = Object.entries(imageValues(built)).map(([path, value]) => `${path}=${value}`);
  return [
    ...['install', 'scaler', 'charts/scaler', '--namespace', 'scaler-system', '--create-namespace', '--wait'],
    ...['--set-string', set.join(',')],
  ];
}

export function installLine(built: Built): string {
  return ['helm', ...installArguments(built)].join(' ');
}
