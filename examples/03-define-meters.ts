/**
 * Defines meters in TypeScript, and sees what one of them would have counted before it counts anything. Start the service
 * (`npm start`), then `npx node examples/03-define-meters.ts` in the project's folder. `npx crossfoot meters add
 * examples/03-define-meters.ts --draft` would add both.
 */
import { defineMeter } from '../src/meter/define.ts'
import { serviceOf } from './service.ts'

/** What is sent in blocks of 128 bytes; answers that the service itself failed to give are free. */
export const blocks = defineMeter({
  key: 'example_blocks',
  name: 'Blocks of 128 bytes, without failed requests',
  unit: 'blocks',
  aggregation: { kind: 'sum', value: 'if(status >= 500, 0, ceil_div(coalesce(bytes_out_wire, bytes_out_body), 128))' },
  filter: [
    { operator: 'in', field: 'kind', values: ['http_request'] },
    { operator: 'in', field: 'leg', values: ['client'] },
  ],
  group_by: ['endpoint', 'status'],
})

/** Seats: who was added stays until removed. */
export const seats = defineMeter({
  key: 'example_seats',
  name: 'Seats',
  unit: 'seats',
  aggregation: {
    kind: 'unique',
    field: 'attributes.user',
    membership: { field: 'attributes.change', add: ['added'], remove: ['removed'], carried: true },
  },
  filter: [{ operator: 'in', field: 'name', values: ['seat'] }],
})

export default [blocks, seats]

if (import.meta.main) {
  const { url, key } = serviceOf(process.env)
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const [from, to] = [new Date(Date.now() - 30 * 86_400_000), new Date()].map((time) => time.toISOString())
  const body = JSON.stringify({ definition: blocks, from, to, accounts: 3, samples: 0 })
  const answer = await fetch(`${url}/v1/meters/preview`, { method: 'POST', headers, body })
  if (!answer.ok) throw new Error(await answer.text())
  const preview = (await answer.json()) as {
    readonly unit: string
    readonly total: { readonly quantity: string }
    readonly events_matched: string
    readonly events_without_value: string
    readonly accounts: readonly { readonly account: string; readonly quantity: string }[]
  }
  const { unit, total, events_matched: matched, events_without_value: without, accounts } = preview
  process.stdout.write(
    `${total.quantity} ${unit} in 30 days, of ${matched} events; ${without} of them carried no value\n`,
  )
  for (const { account, quantity } of accounts) process.stdout.write(`  ${account}: ${quantity}\n`)
}
