/**
 * A process that projects into a shared store while it leads: what the role `project` does, over a log that two
 * processes can share without a broker. `node clickhouse-server-projector.ts POSTGRES_URL SERVER_JSON FILE`; the log
 * ends at the number in the file, each event is made of its offset. Prints `leads` or `stands by` when that changes.
 */
import { readFileSync } from 'node:fs'
import type { Offset } from '../../src/core/ids.ts'
import type { LogRecord } from '../../src/core/record.ts'
import { assert } from '../../src/core/result.ts'
import { ProjectionLeader } from '../../src/app/leader-projection.ts'
import { openClickHouse } from '../../src/store/engine-server.ts'
import type { ServerAddress } from '../../src/store/engine-server.ts'
import { arrivalOf, testNow } from './events.ts'

const [databaseUrl = '', server = '{}', file = ''] = process.argv.slice(2)

/** Cut small, as if the log had ended there each time it was looked at: many ranges, and two that disagree about them. */
const readMax = 5 + (process.pid % 7)

function recordAt(offset: number): LogRecord {
  const arrival = arrivalOf({ seq: offset + 1, time: `${2024 + (offset % 2)}-05-01T00:00:00Z`, bytes_out_wire: 3 })
  assert(arrival.kind === 'event', 'the event is sound')
  const { time, account, fact, inspection } = arrival.event
  return { offset: offset as Offset, ingested: testNow, time, account, fact, inspection, correction: null }
}

const end = (): Offset => Number(readFileSync(file, 'utf8')) as Offset
const leader = new ProjectionLeader({
  log: {
    name: () => 'made of offsets',
    end,
    read: (from, most) =>
      Promise.resolve(
        Array.from({ length: Math.min(end() - from, most, readMax) }, (_, index) => recordAt(from + index)),
      ),
  },
  engine: openClickHouse(JSON.parse(server) as ServerAddress),
  databaseUrl,
  rebuild: null,
  onAccounts: () => Promise.resolve(),
  report: (error) => process.stderr.write(`${process.pid} ${String(error)}\n`),
  onFatal: (reason) => {
    process.stderr.write(`${process.pid} fatal: ${reason}\n`)
    process.exit(3)
  },
})

let said: boolean | null = null
setInterval(() => {
  if (leader.leads === said) return
  said = leader.leads
  process.stdout.write(said ? 'leads\n' : 'stands by\n')
}, 10)
process.stdin.on('end', () => process.exit(0))
process.stdin.resume()
