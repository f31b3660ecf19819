import { describe, expect, test } from 'vitest'
import { usageKinds } from '../support/aggregation-kinds.ts'
import { casesOf, isOracleThere, oracleFiles } from '../support/oracle-cases.ts'
import type { OracleCase, OracleFile, Outcome, Translations } from '../support/oracle-cases.ts'
import { otherwise } from '../support/oracle-otherwise.ts'
import { autumn } from './autumn.ts'
import { bandwidth } from './bandwidth.ts'
import { flexpriceDates } from './flexprice-dates.ts'
import { flexpricePrices } from './flexprice-prices.ts'
import { killbill } from './killbill.ts'
import { lago } from './lago.ts'
import { meteroid } from './meteroid.ts'
import { openmeterRating } from './openmeter-rating.ts'
import { openmeterUsage } from './openmeter-usage.ts'
import { polar } from './polar.ts'

/**
 * Cases from the test suites of other billing systems (DESIGN §12), one runner for each source file: each case is said
 * in our definitions, goes through our code and has to give their numbers exactly. Where we mean something else the case
 * is in one table with its reason; a case in the table that would be equal fails. Those about usage are run on real
 * engines in `src/meter/oracle.test.ts`.
 */
const runners: Readonly<Record<OracleFile, Translations>> = {
  autumn_tiers: autumn,
  bandwidth_percentile_definitions: bandwidth,
  flexprice_dates_proration_rounding: flexpriceDates,
  flexprice_prices_discounts_credits: flexpricePrices,
  killbill,
  lago,
  meteroid_periods_proration: meteroid,
  openmeter_credits_and_usage: openmeterUsage,
  openmeter_rating: openmeterRating,
  polar,
}

const allCases = 721

if (!isOracleThere) console.warn('skipped: the oracle cases are not beside this checkout')

const isUsage = (file: OracleFile, { kind }: OracleCase): boolean => usageKinds[file]?.includes(kind) ?? false

const isListed = ({ id }: OracleCase): boolean => otherwise[id] !== undefined

/** A listed case in our words, where it can be said in them at all. */
function attempt(translate: Translations[string] | undefined, oracleCase: OracleCase): Outcome | null {
  try {
    return translate?.(oracleCase) ?? null
  } catch {
    return null
  }
}

describe.skipIf(!isOracleThere)('cases of other billing systems', () => {
  const files = isOracleThere ? oracleFiles.map((file) => ({ file, cases: casesOf(file) })) : []

  describe.each(files)('$file', ({ file, cases }) => {
    const own = cases.filter((one) => !isUsage(file, one))

    test.each(own.filter((one) => !isListed(one)))('$id $kind', (oracleCase) => {
      const translate = runners[file][oracleCase.kind]
      expect(translate, `${oracleCase.kind} is neither translated nor listed`).toBeDefined()
      const { actual, expected } = translate?.(oracleCase) ?? {}
      expect(expected).toBeDefined()
      expect(actual).toEqual(expected)
    })

    test('what is listed as meant otherwise is not equal', () => {
      for (const oracleCase of own.filter(isListed)) {
        const outcome = attempt(runners[file][oracleCase.kind], oracleCase)
        if (outcome !== null) expect(outcome.actual, `${oracleCase.id} is equal by now`).not.toEqual(outcome.expected)
      }
    })
  })

  test('all cases are run or listed, and at least 95 of 100 are run', () => {
    const isRun = (file: OracleFile, one: OracleCase): boolean =>
      !isListed(one) && (isUsage(file, one) || runners[file][one.kind] !== undefined)
    const all = files.flatMap(({ file, cases }) => cases.map((one) => ({ ...one, isRun: isRun(file, one) })))
    const [run, listed] = [all.filter((one) => one.isRun), all.filter(isListed)]
    const counts = files.map(({ file, cases }) => {
      const own = cases.filter((one) => isRun(file, one))
      const usage = own.filter((one) => isUsage(file, one)).length
      const left = cases.filter(isListed).length
      return `  ${file}: ${cases.length} cases, ${own.length} run and equal (${usage} about usage), ${left} otherwise`
    })
    const table = listed.map(({ id, kind }) => `  ${id} ${kind}: ${otherwise[id]}`)
    console.info(
      [`${run.length} of ${all.length} cases are run and equal:`, ...counts, 'meant otherwise:', ...table].join('\n'),
    )
    expect(all.length).toBe(allCases)
    expect(new Set(all.map(({ id }) => id)).size).toBe(allCases)
    expect(listed.map(({ id }) => id).toSorted()).toEqual(Object.keys(otherwise).toSorted())
    expect(run.length + listed.length).toBe(allCases)
    expect(run.length * 100).toBeGreaterThanOrEqual(allCases * 95)
  })
})
