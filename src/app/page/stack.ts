import { add, compare } from '../../core/exact.ts'
import type { Exact } from '../../core/exact.ts'
import type { Series, Tone } from './day-chart.ts'
import { sumKnown } from './known.ts'
import type { AccountRow, Known } from './view.ts'

/** So many accounts get a colour of their own; the others share one. */
const tones = ['s0', 's1', 's2', 's3'] as const satisfies readonly Tone[]

type Values = (row: AccountRow) => readonly Known<Exact>[]

function together(a: Known<Exact>, b: Known<Exact>): Known<Exact> {
  if (!a.known) return a
  if (!b.known) return b
  return { known: true, value: add(a.value, b.value) }
}

/** Day by day; a day with an unknown part is unknown (L13). */
function addUp(rows: readonly (readonly Known<Exact>[])[]): readonly Known<Exact>[] {
  const [first = [], ...rest] = rows
  return first.map((value, day) =>
    rest.reduce<Known<Exact>>(
      (sum, row) => together(sum, row[day] ?? { known: false, why: 'no value was given' }),
      value,
    ),
  )
}

/** The accounts with the most get colours of their own, the rest is one colour, traffic without an owner another. */
export function stackByAccount(
  rows: readonly AccountRow[],
  valuesOf: Values,
  unattributed: AccountRow | null,
): readonly Series[] {
  const owned = rows
    .filter((row) => row !== unattributed)
    .map((row) => ({ row, sum: sumKnown(valuesOf(row)).sum }))
    .toSorted((a, b) => compare(b.sum, a.sum) || (a.row.key < b.row.key ? -1 : 1))
  const top = owned.slice(0, tones.length).map(({ row }, index) => ({
    name: row.name,
    tone: tones[index] ?? 's0',
    values: valuesOf(row),
  }))
  const rest = owned.slice(tones.length).map(({ row }) => valuesOf(row))
  const others: Series[] = rest.length === 0 ? [] : [{ name: `${rest.length} others`, tone: 's4', values: addUp(rest) }]
  const nobody: Series[] =
    unattributed === null ? [] : [{ name: 'Unattributed', tone: 's5', values: valuesOf(unattributed) }]
  return [...top, ...others, ...nobody]
}
