/** Faults of Kubernetes' own programs, from outside: `kube-proxy`, or `kube-proxy@NODE`; by default the first node's. */
export interface Kit {
  readonly name: string;
  /** Stops a program in its tracks; resolves when it goes on. */
  freeze(program: string, seconds: number): Promise<void>;
  /** Kills a program and starts it again, that much later; resolves when the API answers. */
  restart(program: string, signal?: 'KILL' | 'TERM', seconds?: number): Promise<void>;
  /** Takes a node's cable out; resolves when it is back. */
  cut(node: string, seconds: number): Promise<void>;
  /** Installs a controller of others, by its name, and waits until it runs. Undefined: none is to be had. */
  addon?(name: string): Promise<void>;
  /** Undefined: the images are made elsewhere, and their names are given. */
  readonly images?: ImageMaker;
}

export interface ImageMaker {
  /** Makes an image from files, gives it to every node, and returns its name. */
  image(...args: string[]): Promise<string>;
  /** Gives every node an image from an archive, and returns its name. */
  load(archive: string): Promise<string>;
}
