/** A kind that the option `kinds` adds. */
export interface ConfiguredKind {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  /** JSON pointer at which replicas are read and written; undefined: they are written through `/scale`. */
  readonly replicasPath: string | undefined;
}

const shape =
  /^(?<group>[a-z0-9.-]+)\/(?<version>v[a-z0-9]+)\/(?<plural>[a-z][a-z0-9-]*)(?:=(?<path>(?:\/(?:[^/~,\s]|~0|~1)+)+))?$/;

/** `argoproj.io/v1alpha1/rollouts,example.com/v1/widgets=/spec/size` */
export function parseKinds(text: string): readonly ConfiguredKind[] {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  const parsed = items.map((item) => {
    const { group, version, plural, path } = shape.exec(item)?.groups ?? {};
    if (group === undefined || version === undefined || plural === undefined) {
      throw new Error(`"${item}" must be written as group/version/plural, such as argoproj.io/v1alpha1/rollouts`);
    }
    return { group, version, plural, replicasPath: path };
  });
  const names = parsed.map(({ group, plural }) => `${plural}.${group}`);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new Error(`${twice} is named twice`);
  return parsed;
}
