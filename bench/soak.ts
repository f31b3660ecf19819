/**
 * `node bench/soak.ts [minutes] [events a second]`: half load for a long time. Memory must be flat: the mean of the last
 * third of the samples is compared with that of the second third (the first fills caches). It is the memory that no file
 * stands behind; pages of the log's file that happen to be in memory are the system's to take back.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bodies } from './events.ts'
import { openLoop } from './ingest.ts'
import { startService, untilQueryable } from './service.ts'

const minutes = Number(process.argv[2] ?? 30)
const rate = Number(process.argv[3] ?? 10_000)
const directory = mkdtempSync(join(tmpdir(), 'crossfoot-soak-'))
const service = await startService(join(directory, 'data'))
const source = bodies(1_000, Date.now())
const samples: number[] = []
const millis: number[] = []
const end = performance.now() + minutes * 60_000
while (performance.now() < end) {
  millis.push(...(await openLoop(service, { perRequest: 1_000, rate, seconds: 10 }, source)))
  samples.push(service.ownMegabytes())
  process.stderr.write(`\r${samples.length * 10} s, ${samples.at(-1)?.toFixed(0)} MB  `)
}
await untilQueryable(service)
await service.stop()
rmSync(directory, { recursive: true, force: true })
const third = Math.floor(samples.length / 3)
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
const sorted = millis.toSorted((a, b) => a - b)
process.stdout.write(
  `${JSON.stringify({
    minutes,
    events: millis.length * 1_000,
    megabytes_second_third: Math.round(mean(samples.slice(third, 2 * third))),
    megabytes_last_third: Math.round(mean(samples.slice(2 * third))),
    megabytes_most: Math.round(Math.max(...samples)),
    p50_ms: sorted[Math.floor(sorted.length / 2)],
    p99_ms: sorted[Math.floor(sorted.length * 0.99)],
  })}\n`,
)
