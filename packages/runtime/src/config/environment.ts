import { type ConfigTable, envName } from './table.ts';

/** The settings of an environment. */
export interface ParsedEnvironment {
  /** The variable and its text, by setting name; several for a family. */
  readonly texts: ReadonlyMap<string, readonly { variable: string; text: string }[]>;
  /** Variables with the prefix that no setting reads. */
  readonly unknown: readonly string[];
}

/** Variables that Kubernetes puts into every pod for a Service named `scaler-…`, if `enableServiceLinks` is on. */
const serviceLink = /_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/** Reads the variables of a table. An empty variable counts as not set, as in a chart that leaves a value blank. */
export function parseEnvironment(
  table: ConfigTable,
  env: Readonly<Record<string, string | undefined>>,
  prefix: string,
): ParsedEnvironment {
  const texts = new Map<string, { variable: string; text: string }[]>();
  const known = new Set<string>();
  for (const [name, setting] of Object.entries(table)) {
    const found =
      setting.envFamily === undefined ? [envName(name, setting, prefix)] : family(env, prefix + setting.envFamily);
    for (const variable of found) {
      known.add(variable);
      const value = env[variable];
      if (value === undefined || value === '') continue;
      const text =
        setting.envFamily === undefined ? value : `${memberName(variable, prefix + setting.envFamily)}=${value}`;
      texts.set(name, [...(texts.get(name) ?? []), { variable, text }]);
    }
  }
  const unknown = Object.keys(env).filter((v) => v.startsWith(prefix) && !known.has(v) && !serviceLink.test(v));
  return { texts, unknown };
}

function family(env: Readonly<Record<string, string | undefined>>, stem: string): string[] {
  return Object.keys(env)
    .filter((variable) => variable.startsWith(`${stem}_`) && variable.length > stem.length + 1)
    .sort();
}

/** `SCALER_OPTION_BASE_PORT` → `basePort`. */
function memberName(variable: string, stem: string): string {
  return variable
    .slice(stem.length + 1)
    .toLowerCase()
    .replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
