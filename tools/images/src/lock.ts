/** An entry of a `package-lock.json`: one place of a package. */
export interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly [more: string]: unknown;
}

/** The entries by path, such as `node_modules/undici`. */
export type Places = Readonly<Record<string, LockedPackage>>;

/** One of our packages, as it is packed for the image. */
export interface Packed {
  /** Its folder in the workspace. */
  readonly folder: string;
  /** `file:../tarballs/…` */
  readonly spec: string;
  /** The hash of the tarball. */
  readonly integrity: string;
  /** Its published `package.json`. */
  readonly manifest: LockedPackage & { readonly version: string };
}

/**
 * The lock of an image, from the workspace's own: the image installs the very bytes that were tested. `packed` are
 * our packages by name; `wanted` those that the image is for.
 *
 * @throws for a dependency that the workspace's lock does not have.
 */
export function imageLock(workspace: Places, packed: Readonly<Record<string, Packed>>, wanted: readonly string[]) {
  const places: Record<string, LockedPackage> = {};
  const ours = new Map(Object.entries(packed).map(([name, { folder }]) => [folder, name]));
  const visit = (from: string, needs: LockedPackage): void => {
    const { dependencies = {}, optionalDependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = needs;
    const isOptional = (name: string): boolean =>
      name in optionalDependencies || peerDependenciesMeta[name]?.optional === true;
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
      const place = placeOf(workspace, from, name);
      if (place !== undefined) add(place);
      else if (!isOptional(name)) throw new Error(`package-lock.json has no ${name} for ${from}`);
    }
  };
  const add = (place: string): void => {
    const found = workspace[place] as LockedPackage;
    const own = found.link === true ? packed[ours.get(String(found.resolved)) ?? ''] : undefined;
    const target = imagePlace(place, ours);
    if (target in places) return;
    if (own === undefined) {
      places[target] = found;
      visit(place, found);
      return;
    }
    const { folder, spec, integrity, manifest } = own;
    places[target] = { version: manifest.version, resolved: spec, integrity, ...published(manifest) };
    visit(folder, manifest);
  };
  for (const name of wanted) add(`node_modules/${name}`);
  return Object.fromEntries(Object.entries(places).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The place at which Node finds a package from the place `from`. */
function placeOf(workspace: Places, from: string, name: string): string | undefined {
  for (let folder = from; ;) {
    const place = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (place in workspace) return place;
    if (folder === '') return undefined;
    const up = folder.lastIndexOf('/node_modules/');
    folder = up === -1 ? '' : folder.slice(0, up);
  }
}

/** A package below a workspace package's folder is below that package in the image too. */
function imagePlace(place: string, ours: ReadonlyMap<string, string>): string {
  for (const [folder, name] of ours) {
    if (place.startsWith(`${folder}/node_modules/`)) return `node_modules/${name}${place.slice(folder.length)}`;
  }
  return place;
}

function published({ dependencies, optionalDependencies, peerDependencies, bin, engines }: LockedPackage): object {
  const fields = { dependencies, optionalDependencies, peerDependencies, bin, engines };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
