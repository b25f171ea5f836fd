import { apps } from './stage.ts';

/** What the images of one build are called. */
export interface Built {
  /** What both names begin with, such as `localhost/scaler-`. */
  readonly prefix: string;
  readonly tag: string;
}

/** The values of the chart, by path, that make a release run these images. */
export function imageValues({ prefix, tag }: Built): Record<string, string> {
  const end = prefix.lastIndexOf('/') + 1;
  const values: Record<string, string> = { 'images.registry': prefix.slice(0, Math.max(end - 1, 0)) };
  for (const app of apps) {
    values[`images.${app}.repository`] = `${prefix.slice(end)}${app}`;
    values[`images.${app}.tag`] = tag;
  }
  return values;
}

/** As words. Each value is a string, for helm would take a tag such as 1 for a number, which the chart refuses. */
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
