import type { Problem } from '../../core/errors.ts'
import type { DocumentChange } from '../../price/book/document-change.ts'
import type { VersionChange } from '../../price/book/price-book-diff.ts'
import { changeInWords, versionInWords } from '../../price/book/price-book-words.ts'

/** Wraps text in the colours of a terminal, or not. */
export type Paint = (text: string, colour: 'red' | 'green' | 'yellow' | 'dim') => string

const codes = { red: 31, green: 32, yellow: 33, dim: 2 } as const

export const painted: Paint = (text, colour) => `\u001b[${codes[colour]}m${text}\u001b[0m`
export const plain: Paint = (text) => text

const marks = { added: '+', removed: '-', changed: '~' } as const
const colours = { added: 'green', removed: 'red', changed: 'yellow' } as const

function changeLine(change: DocumentChange, paint: Paint): string {
  const { kind, path } = change
  return `  ${paint(`${marks[kind]} ${changeInWords(change)}`, colours[kind])}  ${paint(`[${path}]`, 'dim')}\n`
}

/** That the list of prices is another one is said by the prices themselves, unless only their order is. */
function isSaid({ path, before, after }: DocumentChange): boolean {
  if (path !== 'prices') return false
  const sorted = (text: string | null): string => (text ?? '').split(', ').toSorted().join(', ')
  return sorted(before) !== sorted(after)
}

function versionText(change: VersionChange, paint: Paint): string {
  const { kind, changes } = change
  const head = paint(
    `${kind === 'changed' ? '!' : marks[kind]} ${versionInWords(change)}`,
    kind === 'changed' ? 'red' : colours[kind],
  )
  const shown = changes.filter((one) => !isSaid(one))
  return `${head}\n${shown.map((one) => changeLine(one, paint)).join('')}`
}

/** A diff as a reviewer reads it. */
export function diffText(changes: readonly VersionChange[], paint: Paint): string {
  if (changes.length === 0) return 'no differences\n'
  return changes.map((change) => versionText(change, paint)).join('\n')
}

/** A diff as data. */
export function diffJson(changes: readonly VersionChange[]): object {
  return {
    differences: changes.length,
    versions: changes.map(({ section, key, version, kind, effectiveFrom, against, changes: inside }) => ({
      section,
      key,
      version,
      kind,
      effective_from: effectiveFrom,
      against,
      changes: inside.map((change) => ({ ...change, words: changeInWords(change) })),
    })),
  }
}

export function problemsText(file: string, problems: readonly Problem[]): string {
  const lines = problems.map(({ field, message }) => `\n  ${field ?? ''}: ${message}`)
  return `${file} has ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}:${lines.join('')}`
}
