import { measureIngest } from './ingest.ts'
import type { IngestFigures } from './ingest.ts'

/**
 * `npm run bench [-- --json] [-- RUNS]`: figures with the yardsticks of the same run. Absolute times on shared machines
 * mean little. Others: `node bench/client.ts`, `node bench/kafka.ts`, `node bench/soak.ts [minutes]`.
 */
const json = process.argv.includes('--json')
const count = Number(process.argv.find((argument) => /^\d+$/.test(argument)) ?? 3)

function percent(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(0)} %`
}

function print(run: number, figures: IngestFigures): void {
  const { bulkInsertPerSecond: bulk, postgresBatchesPerSecond: batches, postgresRowsPerSecond: rows } = figures
  const lines = [
    `run ${run}, events of NDJSON over HTTP`,
    `  yardstick: bulk insert by the engine        ${bulk.toFixed(0)} events/s`,
    `  yardstick: Postgres ON CONFLICT, 5,000 rows a statement / one row  ${batches.toFixed(0)} / ${rows.toFixed(0)} events/s`,
  ]
  for (const shape of figures.shapes) {
    const { acknowledgedPerSecond: acknowledged, queryablePerSecond: queryable, latency, halfLoadLatency } = shape
    lines.push(
      `  ${shape.perRequest} per request, ${shape.connections} at once`,
      `    acknowledged (durable)      ${acknowledged.toFixed(0)} events/s  ${percent(acknowledged, bulk)} of bulk insert`,
      `    acknowledged and queryable  ${queryable.toFixed(0)} events/s  ${percent(queryable, bulk)}; ${(queryable / batches).toFixed(1)} × and ${(queryable / rows).toFixed(0)} × Postgres`,
      `    acknowledgement             p50 ${latency.p50.toFixed(1)} ms, p99 ${latency.p99.toFixed(1)} ms; at half load p50 ${halfLoadLatency.p50.toFixed(1)} ms, p99 ${halfLoadLatency.p99.toFixed(1)} ms`,
      `    processor                   ${shape.processorMicrosPerEvent.toFixed(1)} µs an event, all of it`,
    )
  }
  lines.push(
    `  ready on an empty data directory ${figures.readySeconds.toFixed(1)} s, on that directory again ${figures.readyAgainSeconds.toFixed(1)} s`,
    `  memory idle / after 300,000 events ${figures.idleMegabytes.toFixed(0)} / ${figures.loadedMegabytes.toFixed(0)} MB (service and its Postgres)`,
    '',
  )
  process.stdout.write(lines.join('\n'))
}

const runs: IngestFigures[] = []
for (let run = 1; run <= count; run += 1) {
  const figures = await measureIngest((text) => process.stderr.write(`run ${run}: ${text}\n`))
  runs.push(figures)
  if (!json) print(run, figures)
}
if (json) process.stdout.write(`${JSON.stringify(runs, null, 2)}\n`)
