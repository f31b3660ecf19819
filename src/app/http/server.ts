import swagger from '@fastify/swagger'
import fastify, { LogController } from 'fastify'
import { jsonSchemaTransform, validatorCompiler } from 'fastify-type-provider-zod'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { Refusal } from '../../core/errors.ts'
import { invoiceDesk } from '../desk.ts'
import type { Service } from '../service.ts'
import { addAccess } from './access.ts'
import { addAccountRoutes } from './accounts.ts'
import { addBackfillRoutes } from './backfills.ts'
import { addContractRoutes } from './contracts.ts'
import { addCorrectionRoutes } from './corrections.ts'
import { addCreditRoutes } from './credits.ts'
import { addDriftRoutes } from './drift.ts'
import { addSubscriptionRoutes } from './subscriptions.ts'
import { addBalanceRoutes } from './balance.ts'
import { addDiscrepancyRoutes } from './discrepancies.ts'
import { EventBodies } from './event-body.ts'
import { addEventRoutes } from './events.ts'
import { answerBroken, refusalOf, sendRefusal } from './failure.ts'
import { addFreshness } from './fresh.ts'
import { addInvoiceRoutes } from './invoices.ts'
import { addIpRoutes } from './ip.ts'
import { addMeterRoutes } from './meters.ts'
import { addOperationRoutes } from './operations.ts'
import { addOverload } from './overload.ts'
import { addOwnershipRoutes } from './ownership.ts'
import { addPages } from './pages.ts'
import { addPriceRoutes } from './prices.ts'
import { addQuarantineRoutes } from './quarantine.ts'
import { addRateRoutes } from './rate.ts'
import { addRepeat } from './repeat.ts'
import { addRoleGate } from './role.ts'
import type { Server } from './routes.ts'
import { addSessionRoutes } from './sessions.ts'
import { addSimulationRoutes } from './simulation.ts'
import { addSourceRoutes } from './sources.ts'
import { addTextCheck } from './text.ts'
import { addUsageRoutes } from './usage.ts'

export const limits = {
  /** Everything but events is a small document. */
  bodyBytesMax: 1024 * 1024,
  /** A sender that takes longer than this for one request is cut off; it still has its events. */
  requestMillisMax: 300_000,
  /** The name of an endpoint is the longest that stands in an address, written with escapes. */
  pathPartLengthMax: 3 * 1024,
} as const

/** Builds the HTTP server over a service; it does not listen yet. */
export async function buildServer(service: Service): Promise<Server> {
  const server: Server = fastify({
    loggerInstance: service.logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.requestMillisMax,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: limits.pathPartLengthMax },
    clientErrorHandler: answerBroken,
  }).withTypeProvider<ZodTypeProvider>()
  server.setValidatorCompiler(validatorCompiler)
  // Answers are typed by the code that makes them; their schemas are documentation.
  server.setSerializerCompiler(() => (value) => JSON.stringify(value))
  server.setErrorHandler((error, request, reply) => sendRefusal(reply, refusalOf(error as never, request)))
  server.setNotFoundHandler((request, reply) =>
    sendRefusal(
      reply,
      new Refusal('ROUTE_NOT_FOUND', `there is no ${request.method} ${request.url.slice(0, 200)}; see /openapi.json`),
    ),
  )
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Crossfoot',
        version: '1',
        description: 'Turns network traffic into invoices that nobody disputes.',
      },
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
      security: [{ key: [] }],
    },
    transform: jsonSchemaTransform,
  })
  addRoleGate(server, service.config.role)
  addAccess(server, service)
  addTextCheck(server)
  addOverload(server)
  addRepeat(server, service)
  addFreshness(server, service)
  addOperationRoutes(server, service)
  const bodies = new EventBodies()
  addEventRoutes(server, service, bodies)
  addBalanceRoutes(server, service)
  addQuarantineRoutes(server, service)
  addCorrectionRoutes(server, service)
  addSourceRoutes(server, service)
  addUsageRoutes(server, service)
  addSessionRoutes(server, service)
  addDiscrepancyRoutes(server, service)
  addIpRoutes(server, service)
  addMeterRoutes(server, service)
  addAccountRoutes(server, service)
  addOwnershipRoutes(server, service)
  addContractRoutes(server, service)
  addCreditRoutes(server, service)
  addRateRoutes(server)
  addPriceRoutes(server, service)
  const desk = invoiceDesk(service)
  addInvoiceRoutes(server, desk)
  addDriftRoutes(server, service, desk)
  addSimulationRoutes(server, service, desk)
  addSubscriptionRoutes(server, service, desk)
  addBackfillRoutes(server, service, { desk, bodies })
  addPages(server, service, desk)
  return server
}
