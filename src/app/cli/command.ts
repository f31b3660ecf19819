/** Where a command reads and writes; a test hands in its own. */
export interface Terminal {
  readonly stdout: { readonly write: (text: string) => unknown }
  readonly stderr: { readonly write: (text: string) => unknown }
  /** Whether a person is watching stderr, so that a line can be drawn over. */
  readonly isTTY: boolean
  readonly columns: number
  readonly env: Readonly<Record<string, string | undefined>>
}

/** One word of the command line. `run` gives the exit code: 0 ok, 1 failed. */
export interface Command {
  readonly name: string
  /** One line, for the list of commands. */
  readonly summary: string
  /** The whole text of `crossfoot NAME --help`. */
  readonly help: string
  readonly run: (argv: readonly string[], terminal: Terminal) => Promise<number>
}

export const exitCodes = { ok: 0, failed: 1, usage: 2 } as const

/** The command was called in a way that it does not know: exit code 2 and a pointer to --help. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

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
