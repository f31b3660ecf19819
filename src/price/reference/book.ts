import { definePriceBook } from '../book/define-plan.ts'
import { addOns } from './add-ons.ts'
import { free, hobbyist, payAsYouGo } from './plans.ts'

/**
 * The price book of an edge company with its history, after a public price page of August 2026: the example that
 * `docs/data/price-book.md` explains, and that `crossfoot prices check src/price/reference/book.ts` reads.
 */
export default definePriceBook({ plans: [...free, ...hobbyist, ...payAsYouGo], add_ons: addOns })
