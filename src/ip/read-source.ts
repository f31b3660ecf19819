/** From the bytes of a file to what it says. The one door for sources: what comes out is checked to the last record. */
import { fail, ok, unreachable } from '../core/result.ts'
import type { Result } from '../core/result.ts'
import { readMmdb } from './read-mmdb.ts'
import { kindOfText, readAsnList, readAwsRanges, readCategoryCsv, readNetworkList } from './read-list.ts'
import { isCategory } from './said.ts'
import type { SourceTable } from './source-table.ts'

/** `mmdb` any MaxMind database; of one with a bare country code, `located` or `registered` says what it is about. */
export const sourceForms = ['mmdb', 'located', 'registered', 'networks', 'csv', 'asns', 'aws'] as const
export type SourceForm = (typeof sourceForms)[number]

export const limits = { fileBytesMax: 256 * 1024 * 1024 } as const

export interface SourceFile {
  readonly bytes: Buffer
  /** Null: to be seen from the file. */
  readonly form: SourceForm | null
  /** What lists without categories of their own are about. */
  readonly category: string | null
}

export interface SourceContent {
  readonly form: SourceForm
  readonly table: SourceTable
  /** As the file says itself, or null. */
  readonly built: string | null
}

function isMmdb(bytes: Buffer): boolean {
  return bytes.includes(Buffer.from('\u{ab}\u{cd}\u{ef}MaxMind.com', 'latin1'))
}

function textOf(bytes: Buffer): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
}

function needed(category: string | null): string {
  if (category !== null) return category
  throw new Error('it lists addresses without saying what they are; name a category such as com.example.proxy')
}

function readAs(form: SourceForm, { bytes, category }: SourceFile): SourceContent {
  switch (form) {
    case 'mmdb':
    case 'located':
    case 'registered': {
      const { table, built } = readMmdb(bytes, form === 'mmdb' ? 'all' : form)
      return { form, table, built }
    }
    case 'networks':
      return { form, table: readNetworkList(textOf(bytes), needed(category)), built: null }
    case 'csv':
      return { form, table: readCategoryCsv(textOf(bytes)), built: null }
    case 'asns':
      return { form, table: readAsnList(textOf(bytes), needed(category)), built: null }
    case 'aws':
      return { form, ...readAwsRanges(textOf(bytes), category ?? 'com.aws') }
    default:
      return unreachable(form)
  }
}

/** What a table can say, to be told to whoever took it in. */
export function saysOf({ records, asns, complete }: SourceTable): readonly string[] {
  const says = new Set<string>(records.flatMap((record) => Object.keys(record).filter((key) => key !== 'nobody')))
  if (asns.length > 0) says.add('labels')
  return [...says, ...complete.map((flag) => `every ${flag}`)].toSorted()
}

/** Reads a file. The error is a sentence about the file. */
export function readSource(file: SourceFile): Result<SourceContent, string> {
  const { bytes, category } = file
  if (category !== null && !isCategory(category))
    return fail(`${category.slice(0, 60)} is no category; write it as com.example.proxy`)
  try {
    const form = file.form ?? (isMmdb(bytes) ? 'mmdb' : kindOfText(textOf(bytes)))
    if (form === null)
      return fail(
        'it is neither a MaxMind database, nor Amazon’s ip-ranges.json, nor a list of networks, of networks with categories, or of autonomous systems',
      )
    const content = readAs(form, file)
    if (saysOf(content.table).length === 0)
      return fail('it says nothing that is answered: no network, country or category')
    return ok(content)
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
}
