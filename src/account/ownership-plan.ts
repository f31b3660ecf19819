/** Changes of who owned what, from rows to rows. Pure; what is written to the database is the difference. */
import { Refusal } from '../core/errors.ts'
import type { AccountKey } from '../core/ids.ts'
import { formatInstant } from '../core/time.ts'
import type { Micros } from '../core/time.ts'
import { endpointName } from './endpoint-name.ts'
import type { Ownership } from './ownership-index.ts'

export const limits = { nameBytesMax: 1024 } as const

const namePattern = /^(\*\.)?[^*\s\0]+$/

/** The canonical name of an endpoint that somebody is to own. Throws REQUEST_INVALID. */
export function checkedName(endpoint: string): string {
  const name = endpointName(endpoint)
  if (namePattern.test(name) && Buffer.byteLength(name) <= limits.nameBytesMax) return name
  throw new Refusal(
    'REQUEST_INVALID',
    `endpoint ${JSON.stringify(endpoint.slice(0, 80))} is a host name, address or domain of up to 1024 bytes; ` +
      'a wildcard stands only at its beginning, as in *.example.com',
  )
}

const endOf = ({ to }: Pick<Ownership, 'to'>): number => to ?? Infinity

function compareTexts(one: string, two: string): number {
  return one === two ? 0 : one < two ? -1 : 1
}

/** By endpoint and time, with neighbours of one account put together, so that the same history has one form. */
function tidied(rows: readonly Ownership[]): Ownership[] {
  const tidy: Ownership[] = []
  for (const row of rows.toSorted((a, b) => compareTexts(a.endpoint, b.endpoint) || a.from - b.from)) {
    const last = tidy.at(-1)
    if (last?.endpoint === row.endpoint && last.account === row.account && endOf(last) === row.from)
      tidy[tidy.length - 1] = { ...last, to: row.to }
    else tidy.push(row)
  }
  return tidy
}

/** What of a row lies outside of a time. */
function outside(row: Ownership, from: Micros, end: number): Ownership[] {
  if (endOf(row) <= from || row.from >= end) return [row]
  return [
    ...(row.from < from ? [{ ...row, to: from }] : []),
    ...(endOf(row) > end ? [{ ...row, from: end as Micros }] : []),
  ]
}

export interface OwnerChange {
  /** Canonical. */
  readonly endpoint: string
  /** Null: nobody owns it in that time. */
  readonly account: AccountKey | null
  readonly from: Micros
  /** Null: until further notice, whatever was recorded. Undefined: the same, but refused when a later change is recorded. */
  readonly to: Micros | null | undefined
}

function refuseLater(rows: readonly Ownership[], { endpoint, account, from }: OwnerChange): void {
  const later = rows.find((row) => row.from > from)
  // The same change again, or one that agrees with what comes later, takes nothing away from anybody.
  if (later === undefined || later.account === account) return
  throw new Refusal(
    'OWNERSHIP_OVERLAP',
    `${later.account} owns ${endpoint} from ${formatInstant(later.from)}; say until when the change holds ` +
      '("to": that instant), or "to": null to replace what comes later as well',
  )
}

/** The rows of one endpoint after a change of its owner in a time. */
export function withOwner(rows: readonly Ownership[], change: OwnerChange): Ownership[] {
  const { endpoint, account, from, to } = change
  if (to !== undefined && to !== null && to <= from) throw new Refusal('REQUEST_INVALID', 'to must be later than from')
  if (to === undefined) refuseLater(rows, change)
  const end = to ?? Infinity
  const rest = rows.flatMap((row) => outside(row, from, end))
  return tidied(account === null ? rest : [...rest, { endpoint, account, from, to: to ?? null }])
}

/** The rows after everything that an account owns from an instant on has gone to another. */
export function handedOver(
  rows: readonly Ownership[],
  { account, into, at }: { readonly account: AccountKey; readonly into: AccountKey; readonly at: Micros },
): Ownership[] {
  return tidied(
    rows.flatMap((row) => {
      if (row.account !== account || endOf(row) <= at) return [row]
      const from = Math.max(row.from, at) as Micros
      return [...(row.from < at ? [{ ...row, to: at }] : []), { ...row, account: into, from }]
    }),
  )
}

const isSame = (one: Ownership, two: Ownership): boolean =>
  one.endpoint === two.endpoint && one.account === two.account && one.from === two.from && one.to === two.to

/** What is to be taken away and added so that the rows of before become those of after. */
export function difference(
  before: readonly Ownership[],
  after: readonly Ownership[],
): { readonly gone: readonly Ownership[]; readonly come: readonly Ownership[] } {
  return {
    gone: before.filter((row) => !after.some((other) => isSame(row, other))),
    come: after.filter((row) => !before.some((other) => isSame(row, other))),
  }
}
