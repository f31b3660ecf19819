import { expect } from 'vitest'
import type { Answer, RunningService } from './service.ts'

/** What the service answers about events, as far as tests read it. */
/** What became of everything, as the service says it. */
export interface Balance {
  readonly received: bigint
  readonly accepted: bigint
  readonly duplicates: bigint
  readonly quarantined: bigint
}

export interface HeldRow {
  readonly number: number
  readonly source: string | null
  readonly id: string | null
  readonly seq: number | null
  readonly problem: { readonly code: string; readonly message: string; readonly field?: string }
  readonly raw: string
}

export interface Receipt {
  readonly received: number
  readonly accepted: number
  readonly duplicates: number
  readonly quarantined: number
  readonly results: readonly {
    readonly index: number
    readonly status: string
    readonly code: string
    readonly message: string
    readonly field?: string
  }[]
}

export const ndjson = { 'content-type': 'application/x-ndjson' } as const

/** The code of a refusal. */
export function refusalCode({ body }: Answer): string {
  return (body as { error?: { code?: string } }).error?.code ?? 'no error'
}

/** The answer to a POST /v1/events that was taken; it has to account for every event (L1). */
export function receiptOf({ status, body }: Answer): Receipt {
  expect(status, JSON.stringify(body)).toBe(200)
  const receipt = body as Receipt
  expect(receipt.received, 'L1').toBe(receipt.accepted + receipt.duplicates + receipt.quarantined)
  expect(receipt.results, 'a result for each event that was not accepted').toHaveLength(
    receipt.duplicates + receipt.quarantined,
  )
  return receipt
}

export async function newestHeld(service: RunningService): Promise<HeldRow> {
  const { body } = await service.get('/v1/quarantine?limit=1')
  const [row] = (body as { rows: HeldRow[] }).rows
  if (row === undefined) throw new Error('nothing is held')
  return row
}

/** All rows of GET /v1/balance, by source; each has to close by itself (L1), and none comes twice. */
export async function balances(service: RunningService, pageSize = 500): Promise<Map<string, Balance>> {
  const bySource = new Map<string, Balance>()
  const seen = new Set<string>()
  let after: string | null = ''
  while (after !== null) {
    const place: string = after === '' ? '' : `&after=${encodeURIComponent(after)}`
    const { body } = await service.get(`/v1/balance?limit=${pageSize}${place}`)
    const page = body as { rows: Record<string, string>[]; next: string | null }
    for (const row of page.rows) {
      const number = (name: string): bigint => BigInt(row[name] ?? '')
      const source = row['source'] ?? ''
      expect(row['day'], `day of ${source}`).toMatch(/^\d{4}-\d{2}-\d{2}$/)
      const name = `${source} on ${row['day']}`
      expect(seen.has(name), `${name} comes twice`).toBe(false)
      seen.add(name)
      const before = bySource.get(source) ?? { received: 0n, accepted: 0n, duplicates: 0n, quarantined: 0n }
      const sum = {
        received: before.received + number('received'),
        accepted: before.accepted + number('accepted'),
        duplicates: before.duplicates + number('duplicates'),
        quarantined: before.quarantined + number('quarantined'),
      }
      expect(sum.received, `L1 of source ${source}`).toBe(sum.accepted + sum.duplicates + sum.quarantined)
      bySource.set(source, sum)
    }
    after = page.next
  }
  return bySource
}

export function sumOf(rows: Iterable<Balance>, what: keyof Balance): bigint {
  let sum = 0n
  for (const row of rows) sum += row[what]
  return sum
}

/** How many events the log has, from GET /metrics. */
export async function eventsInLog(service: RunningService): Promise<bigint> {
  const { body } = await service.get('/metrics')
  return BigInt(/^crossfoot_log_events (\d+)$/m.exec(body as string)?.[1] ?? '-1')
}

/** Everything that is held aside, through all pages. */
export async function quarantine(service: RunningService): Promise<HeldRow[]> {
  const rows: HeldRow[] = []
  let before: number | null = -1
  while (before !== null) {
    const place: string = before < 0 ? '' : `&before=${before}`
    const { body } = await service.get(`/v1/quarantine?limit=1000${place}`)
    const page = body as { rows: HeldRow[]; next: number | null; total: number }
    rows.push(...page.rows)
    before = page.next
    if (before === null) expect(rows, 'as many rows as it says').toHaveLength(page.total)
  }
  return rows
}
