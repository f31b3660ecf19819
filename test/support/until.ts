import { setTimeout as pause } from 'node:timers/promises'

const lookEveryMillis = 20

/** Looks until there is something to see (not null, undefined or false); fails when it takes longer than the limit. */
export async function until<Seen>(
  look: () => Seen | Promise<Seen>,
  limitMillis: number,
  what: string,
): Promise<Exclude<Seen, null | undefined | false>> {
  const end = performance.now() + limitMillis
  for (;;) {
    const seen = await look()
    if (seen !== null && seen !== undefined && seen !== false) {
      return seen as Exclude<Seen, null | undefined | false>
    }
    if (performance.now() > end) throw new Error(`waited ${limitMillis} ms in vain: ${what}`)
    await pause(lookEveryMillis)
  }
}
