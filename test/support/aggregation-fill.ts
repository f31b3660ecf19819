import type { Engine } from '../../src/store/engine.ts'
import type { Offset } from '../../src/core/ids.ts'

/** Below this lies everything that was filled in. */
export const belowFilled = (2 ** 40) as Offset

let filled = 2 ** 32

/**
 * Many events at once, made inside the engine: `columns` says what each has, as expressions over `number`. For tests of
 * measures at sizes that no log has to be written for.
 */
export async function fillFacts(
  engine: Engine,
  rows: number,
  columns: Readonly<Record<string, string>> & { readonly account: string; readonly time_us: string },
): Promise<void> {
  const all = {
    offset: `number + ${filled}`,
    ingested_us: '0',
    source: "'filled'",
    id: `toString(number + ${filled})`,
    epoch: "''",
    kind: "'http_request'",
    phase: "'final'",
    leg: "'client'",
    ...columns,
  }
  filled += rows
  await engine.command(
    `INSERT INTO fact (${Object.keys(all).join(', ')}) SELECT ${Object.values(all).join(', ')} FROM numbers(${rows})`,
  )
}
