type Labels = Readonly<Record<string, string>> | undefined;

/** `a=x,b=y`; undefined for no labels. Only for labels without a {@link problemOf}. */
export function selectorOf(labels: Labels): string | undefined {
  const pairs = Object.entries(labels ?? {});
  return pairs.length === 0 ? undefined : pairs.map(([name, value]) => `${name}=${value}`).join(',');
}

/** A clause that names a value that a selector cannot hold: a comma in it would begin another requirement. */
export function problemOf(labels: Labels): string | undefined {
  const wrong = Object.entries(labels ?? {}).find(
    ([, value]) => !/^[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/.test(value),
  );
  return wrong && `its label ${wrong[0]} is ${JSON.stringify(wrong[1])}, which is no label's value`;
}
