/** Files of usage as text: CSV (RFC 4180) and NDJSON. */
import { columnsOf } from './usage-export-row.ts'
import type { Column, FileAbout, FileRow, FileRows } from './usage-export-row.ts'

/**
 * A spreadsheet takes a cell that begins like this for a formula, and hosts and attributes are whatever visitors send:
 * such a text gets an apostrophe in front. NDJSON and Parquet have every text as it is.
 */
const likeFormula = /^[=+\-@\t\r]/

/** An absent value is an empty cell, an empty text is `""`. */
export function csvCell(text: string | null, kind: Column['kind']): string {
  if (text === null) return ''
  const safe = kind === 'given' && likeFormula.test(text) ? `'${text}` : text
  return safe === '' || /[",\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

export async function* csvOf(about: FileAbout, pieces: FileRows): AsyncGenerator<Buffer> {
  const columns = columnsOf(about)
  yield Buffer.from(`${columns.map(({ name }) => csvCell(name, 'own')).join(',')}\r\n`)
  for await (const rows of pieces) {
    const lines = rows.map((row) => columns.map(({ of, kind }) => csvCell(of(row), kind)).join(','))
    if (lines.length > 0) yield Buffer.from(`${lines.join('\r\n')}\r\n`)
  }
}

/** What is a number or yes and no in JSON; quantities stay texts. */
function typed(name: string, text: string | null): string | number | boolean | null {
  switch (name) {
    case 'meter_version':
    case 'counted_below_offset':
    case 'unknown_intervals':
      return text === null ? null : Number(text)
    case 'additive':
    case 'lower_bound':
      return text === null ? null : text === 'true'
    default:
      return text
  }
}

/** A row as GET /v1/usage has it, with what is said there once in every row. */
function ndjsonLine(row: FileRow, columns: readonly Column[]): string {
  const { group, others } = row
  const cells = columns
    .filter(({ name }) => !name.startsWith('group_') && name !== 'others')
    .map(({ name, of }) => [name, typed(name, of(row))] as const)
  return JSON.stringify({ ...Object.fromEntries(cells), group, ...(others === true ? { others } : {}) })
}

export async function* ndjsonOf(about: FileAbout, pieces: FileRows): AsyncGenerator<Buffer> {
  const columns = columnsOf(about)
  for await (const rows of pieces) {
    if (rows.length > 0) yield Buffer.from(`${rows.map((row) => ndjsonLine(row, columns)).join('\n')}\n`)
  }
}
