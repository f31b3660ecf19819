/**
 * Sends a few events and asks for the usage that they make. Start the service (`npm start -- --empty`), then
 * `npx node examples/01-send-events.ts` in the project's folder.
 */
import { createClient } from '../src/collect/client/client.ts'
import { serviceOf } from './service.ts'

const { url, key } = serviceOf(process.env)
const client = createClient({
  url,
  key,
  source: 'example-01',
  // A service would give a directory, so that nothing is lost when it ends: spool: '/var/lib/my-service/crossfoot'.
  spool: 'memory',
  onTrouble: ({ kind, message }) => process.stderr.write(`${kind}: ${message}\n`),
})

const account = 'example'
for (let number = 1; number <= 10; number += 1)
  client.record({ kind: 'http_request', account, endpoint: 'api.example.com', status: 200, bytes_out_body: 1_000n })
client.record({ kind: 'usage', account, name: 'emails', quantity: '2.5' })

const { recorded, acknowledged, lost } = await client.close()
process.stdout.write(`${recorded} recorded, ${acknowledged} acknowledged, ${lost} lost\n`)

const day = 86_400_000
const [from, to] = [Date.now() - day, Date.now() + day].map((time) => new Date(time).toISOString())
const question = new URLSearchParams({ account, meter: 'http_requests', from: from ?? '', to: to ?? '' })
const answer = await fetch(`${url}/v1/usage?${question.toString()}`, { headers: { authorization: `Bearer ${key}` } })
const { total, unit } = (await answer.json()) as { readonly total: string; readonly unit: string }
process.stdout.write(`${account} has made ${total} ${unit} in this day\n`)
