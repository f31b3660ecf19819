/** Usage as files of any size: rows are sent as they are taken, and whoever hangs up ends the question. */
import type { FastifyReply } from 'fastify'
import { Readable } from 'node:stream'
import { Refusal } from '../../core/errors.ts'
import { formatInstant } from '../../core/time.ts'
import type { FileAbout, FileRows } from './usage-export-row.ts'
import { csvOf, ndjsonOf } from './usage-export-text.ts'
import { parquetOf } from './usage-export-parquet.ts'
import type { Period } from '../../core/time.ts'

export const limits = {
  /** Files that are sent at the same time: each holds a question open in the store. */
  filesMax: 4,
  /** A receiver that takes nothing for so long is hung up on. */
  idleMillis: 300_000,
} as const

export const fileFormats = ['csv', 'ndjson', 'parquet'] as const
export type FileFormat = (typeof fileFormats)[number]
export const formats = ['json', ...fileFormats] as const

const mediaTypes: Readonly<Record<FileFormat, string>> = {
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson; charset=utf-8',
  parquet: 'application/vnd.apache.parquet',
}

const accepted: Readonly<Record<string, (typeof formats)[number]>> = {
  'application/json': 'json',
  '*/*': 'json',
  'application/*': 'json',
  'text/csv': 'csv',
  'text/*': 'csv',
  'application/x-ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'application/vnd.apache.parquet': 'parquet',
}

/** How much an entry of Accept is wanted, in thousandths; 1,000 where nothing is said. */
function weightOf(parameters: readonly string[]): number {
  const said = parameters.map((parameter) => /^\s*q=(\d(?:\.\d{1,3})?)\s*$/.exec(parameter)?.[1]).find(Boolean)
  return said === undefined ? 1_000 : Math.round(Number(said) * 1_000)
}

/** The form of the answer: `format`, else what is wanted most in Accept; what is not known there is passed over. */
export function formatOf(
  format: (typeof formats)[number] | undefined,
  accept: string | undefined,
): (typeof formats)[number] {
  if (format !== undefined) return format
  const wanted = (accept ?? '').split(',').map((entry) => {
    const [type = '', ...parameters] = entry.split(';')
    return { format: accepted[type.trim().toLowerCase()], weight: weightOf(parameters) }
  })
  const best = wanted
    .filter(({ format: known, weight }) => known !== undefined && weight > 0)
    .toSorted((one, two) => two.weight - one.weight)[0]
  return best?.format ?? 'json'
}

/** Counts the files that are being sent. */
export class OpenFiles {
  #open = 0

  /** Takes a place, or refuses; what it returns gives the place back, once. */
  take(): () => void {
    if (this.#open >= limits.filesMax) {
      throw new Refusal('TOO_MANY_REQUESTS', `${limits.filesMax} files are being sent already; ask again shortly`, {
        retryAfterSeconds: 10,
      })
    }
    this.#open += 1
    let isBack = false
    return () => {
      if (!isBack) this.#open -= 1
      isBack = true
    }
  }
}

function bytesOf(format: FileFormat, about: FileAbout, rows: FileRows): AsyncGenerator<Buffer> {
  switch (format) {
    case 'csv':
      return csvOf(about, rows)
    case 'ndjson':
      return ndjsonOf(about, rows)
    case 'parquet':
      return parquetOf(about, rows)
  }
}

/** Goes on with what has begun: a refusal that comes before the first row still has a status of its own. */
async function* continued<T>(first: IteratorResult<T>, rest: AsyncIterator<T>): AsyncGenerator<T> {
  try {
    for (let step = first; step.done !== true; step = await rest.next()) yield step.value
  } finally {
    await rest.return?.()
  }
}

export interface FileToSend {
  readonly format: FileFormat
  readonly name: string
  readonly period: Period
  readonly about: FileAbout
  readonly rows: FileRows
}

/**
 * Sends a file. An error half way breaks the connection off, so that no receiver takes a part for the whole. Nothing is
 * read ahead: the store is asked for more when the receiver has taken what there is.
 *
 * A place is held as long as its question. Who hangs up ends both, also before the first row: then nothing was read of
 * the generators yet, and their own clean-up would never run.
 */
export async function sendFile(reply: FastifyReply, file: FileToSend, open: OpenFiles): Promise<FastifyReply> {
  const giveBack = open.take()
  const { format, name, period, about } = file
  const rows = file.rows[Symbol.asyncIterator]()
  // A step that is under way is waited for; what the end itself runs into concerns nobody any more.
  const end = async (): Promise<void> => Promise.resolve(rows.return?.()).then(giveBack, giveBack)
  reply.raw.once('close', () => void end())
  try {
    const first = await rows.next()
    if (reply.raw.destroyed) {
      await end()
      return reply.hijack()
    }
    const body = Readable.from(bytesOf(format, about, continued(first, rows)), {
      objectMode: false,
      highWaterMark: 1,
    })
    body.once('close', () => void end())
    reply.raw.once('close', () => body.destroy())
    reply.raw.setTimeout(limits.idleMillis, () => body.destroy(new Error('the receiver takes nothing')))
    const [from, to] = [period.from, period.to].map((instant) => formatInstant(instant).replaceAll(/[:.]/g, ''))
    return await reply
      .header('content-type', mediaTypes[format])
      .header('content-disposition', `attachment; filename="${name}_${from}_${to}.${format}"`)
      .header('crossfoot-facts', JSON.stringify(about.facts).replaceAll(/[^\x20-\x7e]/g, '?'))
      .send(body)
  } catch (error) {
    await end()
    throw error
  }
}
