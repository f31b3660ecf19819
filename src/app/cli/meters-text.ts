import { groupDigits } from '../../invoice/wording.ts'

/** Answers of the API about meters, as far as they are printed. */
export interface MeterAnswer {
  readonly key: string
  readonly version: number
  readonly name: string
  readonly unit: string
  readonly aggregation: { readonly kind: string; readonly value?: string; readonly field?: string }
  readonly filter: readonly object[]
  readonly group_by: readonly string[]
  readonly archived?: boolean
}

export interface VersionAnswer extends MeterAnswer {
  readonly definition_sha256: string
  readonly state: 'draft' | 'active'
  readonly current: boolean
  readonly created_at: string
  readonly activations: readonly { readonly at: string; readonly by: string }[]
}

export interface LibraryAnswer {
  readonly key: string
  readonly name: string
  readonly unit: string
  readonly about: string
  readonly needs: string
  readonly example: object
  readonly standard: boolean
  readonly definition: object
}

interface Compared {
  readonly quantity: string | null
  readonly current: string | null
  readonly difference: string | null
}

export interface PreviewAnswer {
  readonly meter: MeterAnswer
  readonly definition_sha256: string
  readonly compared_with: { readonly version: number; readonly unit: string } | null
  readonly unit: string
  readonly total: Compared
  readonly events_matched: string
  readonly events_without_value: string
  readonly rows: readonly (Compared & { from: string; group: Readonly<Record<string, string | null>> })[]
  readonly accounts: readonly (Compared & { account: string })[]
  readonly others: (Compared & { accounts: number }) | null
  readonly sample_events: readonly object[]
}

/** Columns as wide as their widest cell; the last one as it is. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  ')
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('')
}

function howText({ kind, value, field }: MeterAnswer['aggregation']): string {
  return [kind, value ?? field].filter((part) => part !== undefined).join(' ')
}

export function listText(meters: readonly MeterAnswer[]): string {
  return table(
    meters.map((meter) => [
      meter.key,
      `v${meter.version}`,
      meter.unit,
      meter.name,
      howText(meter.aggregation) + (meter.archived === true ? ' (archived)' : ''),
    ]),
  )
}

export function versionText(version: VersionAnswer): string {
  const { state, current, activations, created_at: created } = version
  const last = activations.at(-1)
  const since = last === undefined ? `since ${created}` : `activated ${last.at} by ${last.by}`
  return `${version.key} version ${version.version}: ${current ? 'current' : state}, ${since}\n`
}

function amount(quantity: string | null): string {
  return quantity === null ? '-' : groupDigits(quantity)
}

function change(difference: string | null): string {
  return difference === null
    ? ''
    : difference.startsWith('-') || difference === '0'
      ? amount(difference)
      : `+${amount(difference)}`
}

function comparedCells({ quantity, current, difference }: Compared): string[] {
  return [amount(quantity), amount(current), change(difference)]
}

export function previewText(preview: PreviewAnswer): string {
  const { meter, compared_with: now, total, rows, accounts, others, unit } = preview
  const head = [
    '',
    unit,
    now === null ? 'now' : `version ${now.version}${now.unit === unit ? '' : ` (${now.unit})`}`,
    'change',
  ]
  const lines = [
    head,
    ...rows.map((row) => {
      const group = Object.values(row.group).map((value) => value ?? '(absent)')
      return [[row.from, ...group].join(' '), ...comparedCells(row)]
    }),
    ...accounts.map((one) => [one.account, ...comparedCells(one)]),
    ...(others === null ? [] : [[`${others.accounts} others`, ...comparedCells(others)]]),
    ['total', ...comparedCells(total)],
  ]
  const events = `${groupDigits(preview.events_matched)} events match, ${groupDigits(preview.events_without_value)} of them without a value\n`
  const samples = preview.sample_events.map((event) => `  ${JSON.stringify(event)}\n`)
  const sampled = samples.length === 0 ? '' : `Some of them:\n${samples.join('')}`
  return `${meter.name} (${meter.key}): ${howText(meter.aggregation)}\n${table(lines)}${events}${sampled}definition_sha256 ${preview.definition_sha256}\n`
}

export function entryText({ key, name, unit, about, needs, example, standard, definition }: LibraryAnswer): string {
  const there = standard ? ' Every installation has it.' : ''
  return `${key}: ${name}, in ${unit}.${there}\n  ${about}\n  Needs: ${needs}\n  Such as ${JSON.stringify(example)}\n  ${JSON.stringify(definition)}\n`
}

export function libraryText(entries: readonly LibraryAnswer[]): string {
  return table(
    entries.map(({ key, unit, name, standard }) => [key, unit, `${name}${standard ? ' (there already)' : ''}`]),
  )
}
