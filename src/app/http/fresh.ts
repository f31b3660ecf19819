import type { Service } from '../service.ts'
import type { Server } from './routes.ts'

/** How long a question waits for what was accepted just before it; then it is answered with what can be counted. */
export const freshMillis = 5_000

/**
 * Who was told that an event is accepted finds it in the next answer: its usage, and the account that it named.
 * Senders themselves never wait for the store.
 */
export function addFreshness(server: Server, { log, projector }: Service): void {
  server.addHook('preHandler', async (request) => {
    const { scope } = request.routeOptions.config
    if (scope === undefined || scope === 'events:write' || request.url.startsWith('/v1/rate')) return
    // What is known of an address has nothing to do with events, unless it is asked when it was seen.
    if (request.url.startsWith('/v1/ip') && !request.url.includes('seen=')) return
    await projector.reach(log.end(), freshMillis)
  })
}
