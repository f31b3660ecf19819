import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { Refusal } from '../../core/errors.ts'
import { findInvoice } from '../../invoice/desk.ts'
import type { InvoiceDesk } from '../../invoice/desk.ts'
import { invoicePage } from '../../invoice/page.ts'
import { sourcesView } from '../completeness-page.ts'
import { accountView, frameOf, homeView, quarantineView } from '../console.ts'
import { developmentKeyFile } from '../development-key.ts'
import { accountPage } from '../page/account.ts'
import { homePage } from '../page/home.ts'
import { contentSecurityPolicy } from '../page/layout.ts'
import { emptyPage, errorPage } from '../page/message.ts'
import { quarantinePage } from '../page/quarantine.ts'
import { sessionsPage } from '../page/sessions.ts'
import { parseSort } from '../page/sort.ts'
import { sourcesPage } from '../page/sources.ts'
import { quarantineStates } from '../page/view.ts'
import type { Service } from '../service.ts'
import { sessionsView } from '../sessions-page.ts'
import { refusalOf, sendRefusal } from './failure.ts'
import type { Server } from './routes.ts'

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/

/**
 * The console needs no key where only this machine can reach it: the service listens on a loopback address, and
 * the browser was sent to one by name (a page elsewhere that resolves its own name to 127.0.0.1 is refused).
 */
function requireLocal(request: FastifyRequest, { config }: Service): void {
  const bound = /^(127\.|::1$|localhost$)/.test(config.host)
  if (bound && loopback.test(request.headers.host ?? '')) return
  throw new Refusal(
    'KEY_MISSING',
    'the console is shown on this machine only, at a loopback address; elsewhere use the API with a key',
  )
}

/** An invoice brings its own style and nothing else. */
const invoicePolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"

async function send(reply: FastifyReply, page: string, policy: string): Promise<FastifyReply> {
  return reply
    .header('content-security-policy', policy)
    .type('text/html; charset=utf-8')
    .header('cache-control', 'no-store')
    .header('x-content-type-options', 'nosniff')
    .serializer(String)
    .send(page)
}

/** Pages for people, made on the server, without scripts. */
export function addPages(server: Server, service: Service, desk: InvoiceDesk): void {
  void server.register((pages, _options, done) => {
    pages.addHook('onRequest', (request, _reply, next) => {
      requireLocal(request, service)
      next()
    })
    pages.setErrorHandler(async (error, request, reply) => {
      const refusal = refusalOf(error as never, request)
      // A page about it would be one page more.
      if (refusal.code === 'TOO_MANY_REQUESTS') return sendRefusal(reply, refusal)
      const { status, code, message } = refusal
      void reply.status(status)
      return send(reply, errorPage({ frame: await frameOf(service), status, code, message }), contentSecurityPolicy)
    })
    const month = z.string().optional()
    pages.get(
      '/',
      { schema: { hide: true, querystring: z.object({ sort: z.string().optional(), month }) } as never },
      async (request, reply) => {
        const query = request.query as { sort?: string; month?: string }
        if (service.log.end() === 0) {
          const address = `http://${request.headers.host ?? ''}`
          return send(
            reply,
            emptyPage({
              frame: await frameOf(service),
              address,
              keyFile: developmentKeyFile(service.config.dataDirectory),
            }),
            contentSecurityPolicy,
          )
        }
        const view = await homeView(service, desk, { sort: parseSort(query.sort), month: query.month })
        return send(reply, homePage(view), contentSecurityPolicy)
      },
    )
    pages.get('/accounts/:key', { schema: { hide: true } as never }, async (request, reply) => {
      const { key } = request.params as { key: string }
      const { month } = request.query as { month?: string }
      return send(reply, accountPage(await accountView(service, desk, { key, month })), contentSecurityPolicy)
    })
    pages.get('/accounts/:key/sessions', { schema: { hide: true } as never }, async (request, reply) => {
      const { key } = request.params as { key: string }
      const { month } = request.query as { month?: string }
      return send(reply, sessionsPage(await sessionsView(service, { key, month })), contentSecurityPolicy)
    })
    pages.get('/invoices/:id', { schema: { hide: true } as never }, async (request, reply) => {
      const { id } = request.params as { id: string }
      return send(
        reply,
        invoicePage(await findInvoice(desk, id, { account: null }), { now: service.world.now() }),
        invoicePolicy,
      )
    })
    pages.get('/sources', { schema: { hide: true } as never }, async (request, reply) => {
      const { month } = request.query as { month?: string }
      return send(reply, sourcesPage(await sourcesView(service, month)), contentSecurityPolicy)
    })
    pages.get('/quarantine', { schema: { hide: true } as never }, async (request, reply) => {
      const query = request.query as { before?: string; state?: string }
      const before = Number(query.before ?? Number.NaN)
      const view = await quarantineView(service, {
        before: Number.isSafeInteger(before) && before >= 0 ? before : null,
        state: quarantineStates.find((state) => state === query.state) ?? 'open',
      })
      return send(reply, quarantinePage(view), contentSecurityPolicy)
    })
    done()
  })
}
