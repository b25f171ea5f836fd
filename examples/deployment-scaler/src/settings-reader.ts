import { keys } from '@scaler/kube';
import type { Options } from './options.ts';
import { type Annotations, parseSettings, type SettingProblem, type Settings, type SettingValues } from './settings.ts';

/** What annotations ask for, and what is wrong with them. */
interface Read {
  readonly settings: Settings;
  readonly problems: readonly SettingProblem[];
}

/** Reads a workload's annotations, with the defaults of its namespace. */
export type SettingsReader = (annotations: Annotations, defaults?: SettingValues) => Read;

const limit = 10_000;

/**
 * Thousands of workloads ask for the same, most of them for nothing: each wording is parsed once and all share what it
 * says. Forgets everything beyond a bound. With `dryRun` every workload is as if its annotations said so.
 */
export function createSettingsReader(options: Options, dryRun: boolean): SettingsReader {
  const known = new Map<string, Read>();
  return (annotations, defaults) => {
    const { [keys.state]: _ours, ...asked } = annotations;
    const wording = JSON.stringify([asked, defaults]);
    const found = known.get(wording);
    if (found !== undefined) return found;
    const { settings, problems } = parseSettings(asked, options, defaults);
    const read = { problems, settings: dryRun ? { ...settings, dryRun } : settings };
    if (known.size >= limit) known.clear();
    known.set(wording, read);
    return read;
  };
}
