export { didYouMean } from '../../core/did-you-mean.ts'

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

/** An answer as programs read it. */
export function jsonText(answer: unknown): string {
  return `${JSON.stringify(answer, null, 2)}\n`
}

/** The value of an option that has to be there. */
export function neededOption<Name extends string>(
  values: Readonly<Partial<Record<Name, unknown>>>,
  name: Name,
): string {
  const value = values[name]
  if (typeof value !== 'string' || value === '') throw new UsageError(`--${name} is missing`)
  return value
}
