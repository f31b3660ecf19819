import { parseArgs } from 'node:util'
import { windowSizes } from '../../core/time.ts'
import { groupDigits } from '../../invoice/wording.ts'
import { openClient, serviceHelp, serviceOptions } from './client.ts'
import { UsageError, exitCodes } from './command.ts'
import type { Command } from './command.ts'

const help = `Usage: crossfoot usage ACCOUNT METER --from TIME --to TIME [--window SIZE] [--group-by NAMES] [--timezone ZONE] [--json]

The exact usage of one account and meter, by the function that the invoice asks.

  --from, --to       RFC 3339 times; the first is inside, the second is not
  --window SIZE      one of ${windowSizes.join(', ')}; without it one number
  --group-by NAMES   dimensions that the meter declares, separated by commas
  --timezone ZONE    where days and months begin (default: the account's zone)
  --json             the API's answer as it is
${serviceHelp}

  crossfoot usage harbor-commerce data_out_wire --from 2026-10-01T00:00:00Z --to 2026-11-01T00:00:00Z --window day
`

interface Answer {
  readonly unit: string
  readonly total: string
  readonly events_without_value: string
  readonly rows: readonly {
    readonly from: string
    readonly group: Readonly<Record<string, string | null>>
    readonly quantity: string
    readonly events_without_value: string
  }[]
}

function textOf({ rows, unit, total, events_without_value: missing }: Answer): string {
  const shown = [
    ...rows.map(({ from, group, quantity }) => {
      const names = Object.values(group).map((value) => value ?? '(not known)')
      return { label: [from, ...names].join('  '), quantity: groupDigits(quantity) }
    }),
    { label: `sum, in ${unit}`, quantity: groupDigits(total) },
  ]
  const width = Math.max(...shown.map(({ label }) => label.length))
  const digits = Math.max(...shown.map(({ quantity }) => quantity.length))
  const lines = shown.map(({ label, quantity }) => `${label.padEnd(width)}  ${quantity.padStart(digits)}`)
  const note = missing === '0' ? [] : [`${groupDigits(missing)} events carried no value: not known, which is not zero`]
  return `${[...lines, ...note].join('\n')}\n`
}

/** Usage on the terminal. */
export const usageCommand: Command = {
  name: 'usage',
  summary: 'usage of an account and meter, by window and group',
  help,
  async run(argv, terminal) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        ...serviceOptions,
        from: { type: 'string' },
        to: { type: 'string' },
        window: { type: 'string' },
        'group-by': { type: 'string' },
        timezone: { type: 'string' },
        json: { type: 'boolean' },
      },
    })
    const [account, meter, ...more] = positionals
    const { from, to } = values
    if (account === undefined || meter === undefined || more.length > 0)
      throw new UsageError('an account and a meter are needed')
    if (from === undefined || to === undefined) throw new UsageError('--from and --to are needed')
    const query = new URLSearchParams({ account, meter, from, to })
    if (values.window !== undefined) query.set('window', values.window)
    if (values['group-by'] !== undefined) query.set('group_by', values['group-by'])
    if (values.timezone !== undefined) query.set('timezone', values.timezone)
    const answer = (await openClient(values, terminal).getJson(`/v1/usage?${query.toString()}`)) as Answer
    terminal.stdout.write(values.json === true ? `${JSON.stringify(answer, null, 2)}\n` : textOf(answer))
    return exitCodes.ok
  },
}
