import { compare } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import { unreachable } from '../../core/result.ts'
import { costSums } from './cost.ts'
import { sortKeys } from './view.ts'
import type { AccountRow, Known, SortKey } from './view.ts'

/** Reads `?sort=`; anything else sorts by cost. */
export function parseSort(text: unknown): SortKey {
  return sortKeys.find((key) => key === text) ?? 'cost'
}

/** Greatest first; what is not known comes last. */
function descending(a: Known<Exact>, b: Known<Exact>): number {
  if (a.known && b.known) return compare(b.value, a.value)
  return Number(b.known) - Number(a.known)
}

/** Amounts of different currencies cannot be compared: the one with most accounts stands first. */
function byCost(rows: readonly AccountRow[]): (a: AccountRow, b: AccountRow) => number {
  const order = costSums(rows).map(({ currency }) => currency)
  const rank = ({ cost }: AccountRow): number => (cost.kind === 'so_far' ? order.indexOf(cost.currency) : order.length)
  return (a, b) => {
    if (a.cost.kind !== 'so_far' || b.cost.kind !== 'so_far' || a.cost.currency !== b.cost.currency)
      return rank(a) - rank(b)
    return Number(a.cost.amount < b.cost.amount) - Number(a.cost.amount > b.cost.amount)
  }
}

function byName(a: AccountRow, b: AccountRow): number {
  return a.name.localeCompare(b.name, 'en') || (a.key < b.key ? -1 : 1)
}

function order(rows: readonly AccountRow[], sort: SortKey): (a: AccountRow, b: AccountRow) => number {
  switch (sort) {
    case 'cost':
      return byCost(rows)
    case 'name':
      return byName
    case 'requests':
      return (a, b) => descending(a.requests, b.requests)
    case 'data_out':
      return (a, b) => descending(a.dataOut, b.dataOut)
    case 'connections':
      return (a, b) => descending(a.connections, b.connections)
    default:
      return unreachable(sort)
  }
}

/** The rows in the order asked for; equal ones by name, so that the order is always the same. */
export function sortAccounts(rows: readonly AccountRow[], sort: SortKey): readonly AccountRow[] {
  const compareRows = order(rows, sort)
  return rows.toSorted((a, b) => compareRows(a, b) || byName(a, b))
}
