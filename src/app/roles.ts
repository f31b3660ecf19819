/**
 * What one process of an installation does. `all` is everything in one process. The other roles share a log (Kafka), a
 * store (ClickHouse) and a database (Postgres), so that each can be had as often as it is needed.
 */
export const roles = ['all', 'ingest', 'project', 'api', 'worker'] as const
export type Role = (typeof roles)[number]

/** A route belongs to one of these; `everybody` is what machines ask of every process. */
export type RouteGroup = 'everybody' | 'events' | 'sources' | 'questions'

interface Duties {
  /** Routes that this role answers. */
  readonly routes: ReadonlySet<RouteGroup>
  /** Whether it fills the store; of several, one at a time does. */
  readonly projects: boolean
  /** Whether it asks the store anything. */
  readonly asks: boolean
  /** Whether it does what has to be done once for all processes from time to time. */
  readonly works: boolean
  /** Whether it sets up what people need to begin with: a first key, the sample company. */
  readonly greets: boolean
  readonly summary: string
}

const none = { routes: new Set<RouteGroup>(['everybody']), projects: false, asks: false, works: false, greets: false }

export const dutiesOf: Readonly<Record<Role, Duties>> = {
  all: {
    routes: new Set(['everybody', 'events', 'sources', 'questions']),
    projects: true,
    asks: true,
    works: true,
    greets: true,
    summary: 'everything in one process',
  },
  ingest: {
    ...none,
    routes: new Set(['everybody', 'events', 'sources']),
    summary: 'takes events and checkpoints; needs no store to do so',
  },
  project: { ...none, projects: true, asks: true, summary: 'fills the store; one leads, the others stand by' },
  api: {
    ...none,
    routes: new Set(['everybody', 'sources', 'questions']),
    asks: true,
    greets: true,
    summary: 'answers questions: usage, contracts, invoices, pages',
  },
  worker: { ...none, asks: true, works: true, summary: 'housekeeping' },
}

const machines: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics', '/openapi.json'])
const senders: ReadonlySet<string> = new Set(['POST /v1/events', 'POST /v1/checkpoints'])

/** The group of a route, by its pattern, such as `/v1/sources/:source`. */
export function groupOf(method: string, pattern: string): RouteGroup {
  if (machines.has(pattern)) return 'everybody'
  if (senders.has(`${method} ${pattern}`)) return 'events'
  if (pattern === '/v1/sources' || pattern.startsWith('/v1/sources/')) return 'sources'
  return 'questions'
}

/** The roles that answer a group, besides `all`. */
export function rolesFor(group: RouteGroup): readonly Role[] {
  return roles.filter((role) => role !== 'all' && dutiesOf[role].routes.has(group))
}
