/** How many letters must be added, left out or exchanged to make one word of the other. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= to.length; j += 1) {
      const exchange = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(exchange, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}

/** ` Did you mean X?`, or nothing when no candidate is close. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const [best] = candidates
    .map((candidate) => {
      const isBeginning = word.length > 2 && candidate.startsWith(word)
      return { candidate, distance: isBeginning ? 1 : distance(word.slice(0, 64), candidate) }
    })
    .toSorted((a, b) => a.distance - b.distance)
  const close = best !== undefined && best.distance <= Math.max(1, Math.floor(best.candidate.length / 3))
  return close ? ` Did you mean ${best.candidate}?` : ''
}
