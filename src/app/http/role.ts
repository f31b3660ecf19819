import { Refusal } from '../../core/errors.ts'
import { dutiesOf, groupOf, rolesFor } from '../roles.ts'
import type { Role } from '../roles.ts'
import type { Server } from './routes.ts'

/**
 * A process answers the routes of its role. To all others it says 404 and which role answers them: asking this process
 * again will not help, whoever sends the requests has to be told where to. Nothing is lost by it: senders keep what
 * was not acknowledged.
 */
export function addRoleGate(server: Server, role: Role): void {
  if (role === 'all') return
  const { routes } = dutiesOf[role]
  server.addHook('onRequest', async (request) => {
    const { url } = request.routeOptions
    if (url === undefined) return
    const group = groupOf(request.method, url)
    if (routes.has(group)) return
    throw new Refusal(
      'ROUTE_NOT_FOUND',
      `this process has the role ${role} and does not answer ${request.method} ${url}; ` +
        `ask one with the role ${rolesFor(group).join(' or ')}`,
    )
  })
}
