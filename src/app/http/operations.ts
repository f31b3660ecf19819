import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { dutiesOf } from '../roles.ts'
import type { Service } from '../service.ts'
import { openCount } from '../../log/log.ts'
import { countOpenDiscrepancies } from '../../meter/discrepancy.ts'
import { eventsBody } from './event-schema.ts'
import type { Server } from './routes.ts'

function metricsOf(service: Service): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const gauge = (name: string, help: string, value: () => number | Promise<number>): void => {
    void new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        this.set(await value())
      },
    })
  }
  gauge('crossfoot_log_events', 'Events accepted into the log', () => service.log.end())
  // L13: a role that asks the store nothing does not know what is counted, which is not 0.
  const { asks, projects } = dutiesOf[service.config.role]
  if (asks) gauge('crossfoot_counted_events', 'Events that usage can see', () => service.projection.position())
  if (projects) gauge('crossfoot_leads', 'Whether this process fills the store now', () => Number(service.leads()))
  gauge('crossfoot_quarantined', 'Inputs held aside and not resolved', async () =>
    Number(openCount(await service.log.heldTotals())),
  )
  gauge('crossfoot_discrepancies_open', 'Two counts of one thing that differ, unresolved', () =>
    countOpenDiscrepancies(service.database),
  )
  gauge('crossfoot_disk_free_bytes', 'Free bytes on the disk of the data directory', () => service.disk.freeBytes())
  return registry
}

/** For machines that run the service: is it alive, can it answer, how is it doing, what does it offer. */
export function addOperationRoutes(server: Server, service: Service): void {
  const registry = metricsOf(service)
  server.get('/healthz', { schema: { summary: 'The process is alive' } }, () => ({ status: 'ok' }))
  server.get('/readyz', { schema: { summary: 'The service can answer' } }, async (_request, reply) => {
    const { asks } = dutiesOf[service.config.role]
    const behind = asks ? service.log.end() - service.projection.position() : null
    const database = await service.database.query('select 1').then(
      () => null,
      (error: Error) => error.message,
    )
    const trouble = database ?? service.projector.trouble
    return reply
      .status(trouble === null ? 200 : 503)
      .send({ status: trouble === null ? 'ready' : 'not ready', reason: trouble, events_not_yet_counted: behind })
  })
  server.get('/metrics', { schema: { summary: 'Prometheus metrics' } }, async (_request, reply) =>
    reply
      .header('content-type', registry.contentType)
      .serializer(String)
      .send(await registry.metrics()),
  )
  server.get('/openapi.json', { schema: { summary: 'This document' } }, () => {
    const document = server.swagger() as { paths?: Record<string, { post?: Record<string, unknown> }> }
    const post = document.paths?.['/v1/events']?.post
    return post === undefined
      ? document
      : { ...document, paths: { ...document.paths, '/v1/events': { post: { ...post, requestBody: eventsBody } } } }
  })
}
