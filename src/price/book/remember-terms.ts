export const limits = { rememberedMax: 10_000 } as const

/**
 * Reads the terms of published versions. They never change, so a text that was read once is not read again: each
 * invoice needs the whole price book. Bounded (L12): when it is full, it begins anew.
 */
export function rememberTerms<Terms>(read: (document: unknown) => Terms): (text: string) => Terms {
  const remembered = new Map<string, Terms>()
  return (text) => {
    const known = remembered.get(text)
    if (known !== undefined) return known
    const terms = read(JSON.parse(text))
    if (remembered.size >= limits.rememberedMax) remembered.clear()
    remembered.set(text, terms)
    return terms
  }
}
