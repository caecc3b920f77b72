/** Reads in JSON that somebody else wrote: what is not there, or is something else, is nothing. */

export const inside = (value: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>(
    (outer, name) =>
      typeof outer === 'object' && outer !== null ? (outer as Record<string, unknown>)[name] : undefined,
    value,
  )

export const textIn = (value: unknown, ...path: readonly (string | number)[]): string => {
  const found = inside(value, ...path)
  return typeof found === 'string' ? found : ''
}

export const listIn = (value: unknown, ...path: readonly (string | number)[]): readonly unknown[] => {
  const found = inside(value, ...path)
  return Array.isArray(found) ? found : []
}

export const recordIn = (
  value: unknown,
  ...path: readonly (string | number)[]
): Readonly<Record<string, unknown>> => {
  const found = inside(value, ...path)
  return typeof found === 'object' && found !== null && !Array.isArray(found)
    ? (found as Record<string, unknown>)
    : {}
}

/** The same text for the same JSON, whatever the order of its keys. */
export const sortedJson = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([one], [other]) => (one < other ? -1 : 1)))
      : each,
  ) ?? ''
