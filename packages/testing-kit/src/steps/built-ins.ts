/** The steps of a built-in function, which runs outside of the code that the profiler counts. */
type Cost = (self: { readonly length?: number }, args: readonly unknown[]) => number;

type Callable = (this: unknown, ...args: unknown[]) => unknown;
type Holder = Record<PropertyKey, Callable>;

const ofSelf: Cost = ({ length = 0 }) => length;
const ofFirst: Cost = (_self, [first]) => lengthOf(first);
const one: Cost = () => 1;
/** Items behind the place are moved as one piece of memory: 16 take about as long as one step. */
const moved: Cost = ({ length = 0 }, [start]) => 1 + Math.ceil(Math.max(0, length - Number(start ?? 0)) / 16);

/**
 * Steps by the length of the searched text or list. A search counts to the end, as where nothing is found. A regular
 * expression counts once for each character: lint forbids expressions that go back over their text again and again.
 */
const costs: readonly (readonly [holder: object, cost: Cost, names: readonly PropertyKey[]])[] = [
  [
    String.prototype,
    ofSelf,
    ['split', 'indexOf', 'lastIndexOf', 'includes', 'replace', 'replaceAll', 'match', 'matchAll', 'search', 'repeat'],
  ],
  [String.prototype, ofSelf, ['trim', 'trimStart', 'trimEnd', 'toLowerCase', 'toUpperCase', 'normalize']],
  [String.prototype, ofFirst, ['startsWith', 'endsWith']],
  [Array.prototype, ofSelf, ['includes', 'indexOf', 'lastIndexOf', 'join', 'slice', 'concat']],
  [Array.prototype, ofSelf, ['reverse', 'fill', 'flat']],
  [Array.prototype, moved, ['splice', 'shift', 'unshift']],
  [RegExp.prototype, ofFirst, ['exec', 'test']],
  [JSON, ofFirst, ['parse', 'stringify']],
  [Object, (_self, [first]) => Object.getOwnPropertyNames(first ?? {}).length, ['keys', 'values', 'entries']],
  [Object.getPrototypeOf([][Symbol.iterator]()) as object, one, ['next']],
  [Object.getPrototypeOf(new Map()[Symbol.iterator]()) as object, one, ['next']],
  [Object.getPrototypeOf(new Set()[Symbol.iterator]()) as object, one, ['next']],
];

function lengthOf(value: unknown): number {
  return typeof value === 'string' || Array.isArray(value) ? value.length : 1;
}

/** Calls `work` while each of these functions adds to a sum. Returns the sum. */
export function countBuiltIns(work: () => void): number {
  let sum = 0;
  const restore: (() => void)[] = [];
  for (const [object, cost, names] of costs) {
    const holder = object as Holder;
    for (const name of names) {
      const before = Object.getOwnPropertyDescriptor(holder, name) as PropertyDescriptor;
      const original = before.value as Callable;
      const counted: Callable = function (...args) {
        sum += cost(this as never, args);
        return Reflect.apply(original, this, args);
      };
      Object.defineProperty(holder, name, { ...before, value: counted });
      restore.push(() => void Object.defineProperty(holder, name, before));
    }
  }
  const { BigInt: exact } = globalThis;
  // The digits are multiplied with each other.
  const counted = (text: never): bigint => {
    sum += lengthOf(text) ** 2;
    return exact(text);
  };
  globalThis.BigInt = Object.assign(counted, exact) as unknown as BigIntConstructor;
  restore.push(() => void (globalThis.BigInt = exact));
  try {
    work();
  } finally {
    for (const undo of restore) undo();
  }
  return sum;
}
