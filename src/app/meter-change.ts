import { Refusal } from '../core/errors.ts'
import type { Micros } from '../core/time.ts'
import type { CheckChange } from '../meter/catalogue.ts'
import { plansWithMeter } from './meter-archive.ts'
import { tryMeter } from './meter-trial.ts'
import type { Service } from './service.ts'

/** What has to hold before a version of a meter is stored, and before it becomes the current one. */
export function checkChange({ engine }: Pick<Service, 'engine'>, now: Micros): CheckChange {
  return async (queryable, { meter, current, activates }) => {
    if (activates && current !== null && current.unit !== meter.unit) {
      const plans = await plansWithMeter(queryable, meter.key, now)
      if (plans.length > 0)
        throw new Refusal(
          'METER_UNIT_BILLED',
          `meter ${meter.key} counts in ${current.unit} and is billed by ${plans.join(', ')}, whose prices are for that unit; ` +
            `give what counts in ${meter.unit} another key, or publish versions of these plans without ${meter.key} first`,
        )
    }
    await tryMeter(engine, meter)
  }
}
