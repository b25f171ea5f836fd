import { BoundedMap } from '@scaler/async';
import type { SettingProblem } from './setting-problem.ts';
import { keys } from '../workload/keys.ts';
import type { Options } from './options.ts';
import { type Annotations, parseSettings, type Settings, type SettingValues } from './settings.ts';

/** What annotations ask for, and what is wrong with them. */
interface Read {
  readonly settings: Settings;
  readonly problems: readonly SettingProblem[];
}

/** Reads a workload's annotations, with the defaults of its namespace. */
export type SettingsReader = (namespace: string, annotations: Annotations, defaults?: SettingValues) => Read;

/** Bytes of wordings that are kept, and of one: what few workloads ask for in many words is theirs alone. */
const mostBytes = 4 * 1024 * 1024;
const longestWording = 4_096;
/** What is read of a wording takes about so much of its length. */
const readBytes = 6;

/**
 * Thousands of workloads ask for the same, most of them for nothing: each short wording is parsed once and all share what
 * it says. What was read of the annotations of one workload is kept as long as they are. With `dryRun` every workload is
 * as if its annotations said so.
 */
export function createSettingsReader(options: Options, dryRun: boolean): SettingsReader {
  const shared = new BoundedMap<Read>({ mostBytes });
  const own = new WeakMap<Annotations, { readonly defaults: SettingValues | undefined; readonly read: Read }>();
  const parse = (asked: Annotations, defaults: SettingValues | undefined): Read => {
    const { settings, problems } = parseSettings(asked, options, defaults);
    return { problems, settings: dryRun ? { ...settings, dryRun } : settings };
  };
  const readShared = (namespace: string, annotations: Annotations, defaults: SettingValues | undefined): Read => {
    if (isLong(annotations)) return parse(annotations, defaults);
    const { [keys.state]: _ours, ...asked } = annotations;
    const wording = JSON.stringify([asked, defaults]);
    const found = shared.get(wording);
    if (found !== undefined) return found;
    const read = parse(asked, defaults);
    if (wording.length <= 2 * longestWording) shared.set(wording, read, namespace, wording.length * readBytes);
    return read;
  };
  return (namespace, annotations, defaults) => {
    const known = own.get(annotations);
    if (known !== undefined && known.defaults === defaults) return known.read;
    const read = readShared(namespace, annotations, defaults);
    own.set(annotations, { defaults, read });
    return read;
  };
}

/** Whether it is longer than what is shared. There may be thousands: no more are read than show it. */
function isLong(annotations: Annotations): boolean {
  let length = 0;
  for (const key of Object.keys(annotations)) {
    if (key !== keys.state) length += key.length + (annotations[key]?.length ?? 0);
    if (length > longestWording) return true;
  }
  return false;
}
