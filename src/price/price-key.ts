import type { Brand } from '../core/ids.ts'

/** Names a price in its plan, and its lines on an invoice. */
export type PriceKey = Brand<string, 'PriceKey'>
