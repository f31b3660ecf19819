import type { Queryable } from '../account/database.ts'
import { Refusal } from '../core/errors.ts'
import type { Micros } from '../core/time.ts'
import type { CheckChange } from '../meter/catalogue.ts'
import type { MeterDefinition } from '../meter/definition.ts'
import { fitProblems } from '../price/book/meter-fit.ts'
import { billersOf, billingsOf } from './meter-archive.ts'
import { tryMeter } from './meter-trial.ts'
import type { Service } from './service.ts'

/** A price that holds must fit the meter as it will be: otherwise the next invoice finds it, or bills something else. */
async function checkPrices(queryable: Queryable, meter: MeterDefinition, now: Micros): Promise<void> {
  for (const { named, placed } of await billingsOf(queryable, meter.key, now)) {
    const [problem] = fitProblems(placed, meter)
    if (problem !== undefined)
      throw new Refusal(
        'REQUEST_INVALID',
        `price ${placed.price.key} of ${named} bills meter ${meter.key}, and would not fit it: ${problem.message}; ` +
          'change that price first, or give this meter another key',
      )
  }
}

/** What has to hold before a version of a meter is stored, and before it becomes the current one. */
export function checkChange({ engine }: Pick<Service, 'engine'>, now: Micros): CheckChange {
  return async (queryable, { meter, current, activates }) => {
    if (activates && current !== null && current.unit !== meter.unit) {
      const billers = await billersOf(queryable, meter.key, now)
      if (billers.length > 0)
        throw new Refusal(
          'METER_UNIT_BILLED',
          `meter ${meter.key} counts in ${current.unit} and is billed by ${billers.slice(0, 20).join(', ')}, whose prices are for that unit; ` +
            `give what counts in ${meter.unit} another key, or publish versions without ${meter.key} first`,
        )
    }
    if (activates && current !== null) await checkPrices(queryable, meter, now)
    await tryMeter(engine, meter)
  }
}
