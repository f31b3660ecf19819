/** Questions about the versions of events: which event has an identity, what was corrected, by whom and why. */
import type { AccountKey, Offset } from '../core/ids.ts'
import type { CorrectionKind } from '../core/record.ts'
import type { Micros } from '../core/time.ts'
import { Parameters } from './condition.ts'
import type { Engine } from './engine.ts'
import { fence } from './counted-rows.ts'

/** An event by its identity (docs/decisions/0021). */
export interface EventName {
  readonly source: string
  readonly epoch: string
  readonly by: { readonly seq: number } | { readonly id: string }
}

/**
 * The offsets of events as they first arrived, in that order; none: no event with this identity is stored. An id without
 * a number that is used again after the log has forgotten it names several events (docs/decisions/0021).
 */
export async function askFirstVersions(engine: Engine, { source, epoch, by }: EventName): Promise<readonly Offset[]> {
  const parameters = new Parameters()
  const where = [
    fence({ kind: 'operator', question: 'versions_of_event' }, parameters),
    `source = ${parameters.add(source, 'String')}`,
    `epoch = ${parameters.add(epoch, 'String')}`,
    'seq' in by
      ? `ifNull(seq = ${parameters.add(by.seq, 'UInt64')}, 0)`
      : `isNull(seq) AND id = ${parameters.add(by.id, 'String')}`,
  ]
  const rows = await engine.query<{ version: string }>(
    `SELECT DISTINCT offset AS version FROM fact WHERE ${where.join(' AND ')} ORDER BY version`,
    parameters.values,
  )
  const offsets = rows.map(({ version }) => Number(version) as Offset)
  if (offsets.length <= 1) return offsets
  // What a correction brought is a later version.
  const corrections = await askCorrectionsAt(engine, offsets)
  return offsets.filter((offset) => !corrections.has(offset))
}

/** A correction as it is stored. Account and time are those of the version that it superseded. */
export interface StoredCorrection {
  readonly offset: Offset
  readonly arrived: Micros
  readonly kind: CorrectionKind
  readonly supersedes: Offset
  readonly account: AccountKey
  readonly time: Micros
  readonly by: string
  readonly reason: string
}

interface CorrectionRow {
  readonly offset: string
  readonly ingested_us: string
  readonly kind: CorrectionKind
  readonly supersedes: string
  readonly account: string
  readonly time_us: string
  readonly author: string
  readonly reason: string
}

function correctionOf(row: CorrectionRow): StoredCorrection {
  return {
    offset: Number(row.offset) as Offset,
    arrived: Number(row.ingested_us) as Micros,
    kind: row.kind,
    supersedes: Number(row.supersedes) as Offset,
    account: row.account as AccountKey,
    time: Number(row.time_us) as Micros,
    by: row.author,
    reason: row.reason,
  }
}

export interface CorrectionsPage {
  /** Made in this time. */
  readonly from: Micros
  readonly to: Micros
  /** Of versions of this account; null: of all. */
  readonly account: AccountKey | null
  readonly before: Offset | null
  readonly below: Offset
  readonly most: number
}

/** Corrections, the newest first. */
export async function askCorrections(engine: Engine, page: CorrectionsPage): Promise<readonly StoredCorrection[]> {
  const parameters = new Parameters()
  const where = [
    page.account === null
      ? fence({ kind: 'operator', question: 'corrections' }, parameters)
      : fence({ kind: 'account', account: page.account }, parameters),
    `ingested_us >= ${parameters.add(page.from, 'Int64')}`,
    `ingested_us < ${parameters.add(page.to, 'Int64')}`,
    `offset < ${parameters.add(page.before === null ? page.below : Math.min(page.before, page.below), 'UInt64')}`,
  ]
  const rows = await engine.query<CorrectionRow>(
    `SELECT * FROM correction WHERE ${where.join(' AND ')} ORDER BY offset DESC LIMIT ${parameters.add(page.most, 'UInt32')}`,
    parameters.values,
  )
  return rows.map(correctionOf)
}

/** The identities of the events that corrections are about, by the corrections' offsets. */
export async function askNames(
  engine: Engine,
  corrections: readonly StoredCorrection[],
): Promise<ReadonlyMap<Offset, Omit<EventName, 'by'> & { readonly id: string; readonly seq: string | null }>> {
  if (corrections.length === 0) return new Map()
  // A correction's row has the account and time of the version that it superseded, and so has a retraction's.
  const nearby = (parameters: Parameters): string =>
    [
      fence({ kind: 'operator', question: 'corrections' }, parameters),
      `account IN ${parameters.add([...new Set(corrections.map(({ account }) => account))], 'Array(String)')}`,
      `time_us IN ${parameters.add([...new Set(corrections.map(({ time }) => time))], 'Array(Int64)')}`,
    ].join(' AND ')
  const [ofFacts, ofRetractions] = [new Parameters(), new Parameters()]
  const facts = await engine.query<{ offset: string; source: string; epoch: string; id: string; seq: string | null }>(
    `SELECT offset, source, epoch, id, seq FROM fact WHERE ${nearby(ofFacts)}`,
    ofFacts.values,
  )
  const retractions = await engine.query<{ offset: string; supersedes: string }>(
    `SELECT offset, supersedes FROM correction WHERE ${nearby(ofRetractions)} AND kind = 'retract'`,
    ofRetractions.values,
  )
  const byOffset = new Map(facts.map((fact) => [Number(fact.offset), fact]))
  const retracted = new Map(retractions.map(({ offset, supersedes }) => [Number(offset), Number(supersedes)]))
  return new Map(
    corrections.flatMap(({ offset, supersedes }) => {
      const fact = byOffset.get(supersedes) ?? byOffset.get(retracted.get(supersedes) ?? -1)
      return fact === undefined ? [] : [[offset, fact] as const]
    }),
  )
}

/** Which of these versions are corrections, and of what: the operator's way to see why an event is as it is. */
export async function askCorrectionsAt(
  engine: Engine,
  offsets: readonly Offset[],
): Promise<ReadonlyMap<Offset, StoredCorrection>> {
  if (offsets.length === 0) return new Map()
  const parameters = new Parameters()
  const where = fence({ kind: 'operator', question: 'corrections' }, parameters)
  const rows = await engine.query<CorrectionRow>(
    `SELECT * FROM correction WHERE ${where} AND has(${parameters.add(offsets, 'Array(UInt64)')}, offset)`,
    parameters.values,
  )
  return new Map(rows.map((row) => [Number(row.offset) as Offset, correctionOf(row)]))
}
