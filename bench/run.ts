import { measureIngest } from './ingest.ts'

/** `npm run bench [-- --json]`: figures with the yardstick of the same run. Absolute times on shared machines mean little. */
const json = process.argv.includes('--json')
const events = Number(process.argv.find((argument) => /^\d+$/.test(argument)) ?? 300_000)
const runs = []
for (let run = 1; run <= 3; run += 1) {
  const figures = await measureIngest(events)
  runs.push(figures)
  const percent = (value: number): string => `${((100 * value) / figures.yardstickPerSecond).toFixed(0)} %`
  if (json) continue
  process.stdout.write(
    [
      `run ${run}, ${events} events of NDJSON over HTTP, batches of 5,000, two in flight`,
      `  yardstick: bulk insert by the engine  ${figures.yardstickPerSecond.toFixed(0)} events/s`,
      `  acknowledged (durable)                ${figures.acknowledgedPerSecond.toFixed(0)} events/s  ${percent(figures.acknowledgedPerSecond)}`,
      `  acknowledged and queryable            ${figures.queryablePerSecond.toFixed(0)} events/s  ${percent(figures.queryablePerSecond)}`,
      `  ready on an empty data directory      ${figures.readySeconds.toFixed(1)} s`,
      `  ready on that data directory again    ${figures.readyAgainSeconds.toFixed(1)} s`,
      `  memory idle / after the load          ${figures.idleMegabytes.toFixed(0)} / ${figures.loadedMegabytes.toFixed(0)} MB (service and its Postgres)`,
      '',
    ].join('\n'),
  )
}
if (json) process.stdout.write(`${JSON.stringify(runs, null, 2)}\n`)
