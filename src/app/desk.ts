import { Refusal } from '../core/errors.ts'
import type { InvoiceId } from '../core/ids.ts'
import type { InvoiceDesk } from '../invoice/desk.ts'
import { findMeter } from '../meter/catalogue.ts'
import { valueAtRisk, valueText } from './completeness-value.ts'
import type { Service } from './service.ts'

/** An invoice waits this long for events that were acknowledged just before it was asked for. */
const countMillis = 30_000

/** What invoices are made with: the service's usage function, its log, its contracts. */
export function invoiceDesk(service: Service): InvoiceDesk {
  const { database, log, projection, projector, readUsage, world } = service
  return {
    database,
    clock: world,
    newId: () => `inv_${Buffer.from(world.random(12)).toString('hex')}` as InvoiceId,
    readUsage,
    findMeter: (key) => findMeter(database, key),
    completeness: (account, period) => service.completeness.report({ account, period }),
    async valueAtRisk(account, period) {
      const report = await service.completeness.report({ account, period })
      return valueText(await valueAtRisk(service, { account, period, report }))
    },
    async countedBelow() {
      if (!(await projector.reach(log.end(), countMillis))) {
        throw new Refusal('NOT_READY', 'events that were accepted are not counted yet; try again shortly', {
          retryAfterSeconds: 5,
        })
      }
      return projection.position()
    },
  }
}
