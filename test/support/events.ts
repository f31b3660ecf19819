import { parseEvent } from '../../src/ingest/event.ts'
import type { Arrival } from '../../src/core/record.ts'
import type { Micros } from '../../src/core/time.ts'

export const testNow = (Date.UTC(2026, 9, 15, 12) * 1000) as Micros

/** An arrival as the real door makes it. */
export function arrivalOf(input: Readonly<Record<string, unknown>>, now: Micros = testNow): Arrival {
  const event = { kind: 'http_request', source: 'edge-1', time: '2026-10-15T10:00:00Z', account: 'acme', ...input }
  return parseEvent(event, JSON.stringify(event), { now, ownerAt: () => null })
}
