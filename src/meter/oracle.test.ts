import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sums, times } from '../../test/support/aggregation-cases.ts'
import type { ForeignCase } from '../../test/support/aggregation-cases.ts'
import { usageKinds } from '../../test/support/aggregation-kinds.ts'
import { percentiles } from '../../test/support/aggregation-percentiles.ts'
import { openStage } from '../../test/support/aggregation-stage.ts'
import type { Stage } from '../../test/support/aggregation-stage.ts'
import { otherwise } from '../../test/support/oracle-otherwise.ts'

/**
 * Cases about usage from the test suites of other billing systems: their events go to the log, are projected and asked
 * for as anybody asks; cases about time alone are held against `core`. `test/oracle` has those about prices.
 */
const folder = join(import.meta.dirname, '../../../shared/oracle')

const plays = { ...sums, ...times, ...percentiles }
const isThere = existsSync(folder)
if (!isThere) console.warn('skipped: the oracle cases are not beside this checkout')

function casesOf(file: string, kinds: readonly string[]): readonly ForeignCase[] {
  const { cases } = JSON.parse(readFileSync(join(folder, `${file}.json`), 'utf8')) as { cases: ForeignCase[] }
  return cases.filter(({ kind }) => kinds.includes(kind))
}

describe.skipIf(!isThere)('cases of other billing systems about usage', () => {
  const all = isThere ? Object.entries(usageKinds).flatMap(([file, kinds]) => casesOf(file, kinds)) : []
  const run = all.filter(({ id }) => otherwise[id] === undefined)
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  })
  afterAll(() => stage.close())

  test.each(run)('$id $kind', async (foreign) => {
    const { actual, expected } = (await plays[foreign.kind]?.(foreign, stage)) ?? {}
    expect(expected).toBeDefined()
    expect(actual).toEqual(expected)
  })

  test('those that we mean otherwise, by reason', () => {
    const left = all.filter(({ id }) => otherwise[id] !== undefined)
    console.info(
      [
        `${run.length} of ${all.length} cases about usage are translated and equal; otherwise:`,
        ...left.map(({ id, kind }) => `  ${id} ${kind}: ${otherwise[id]}`),
      ].join('\n'),
    )
    expect([all.length, left.length]).toEqual([121, 4])
  })
})
