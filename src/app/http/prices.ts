import { z } from 'zod'
import { Refusal } from '../../core/errors.ts'
import type { Problem } from '../../core/errors.ts'
import type { Result } from '../../core/result.ts'
import { addOnJson, parseAddOn } from '../../price/book/add-on.ts'
import { addOnVersions, getAddOn, listAddOns, publishAddOn } from '../../price/book/add-on-catalogue.ts'
import { couponJson, parseCoupon } from '../../price/book/coupon.ts'
import { couponVersions, getCoupon, listCoupons, publishCoupon } from '../../price/book/coupon-catalogue.ts'
import { formatPriceBook, parsePriceBook } from '../../price/book/price-book-file.ts'
import type { FileEntry, Section } from '../../price/book/price-book-file.ts'
import type { PriceBookImport } from '../../price/book/price-book-import.ts'
import { loadPriceBook } from '../../price/book/price-book-load.ts'
import { importPriceBook } from '../../price/book/price-book-publish.ts'
import { contractFactsOf } from '../../price/contract/contract-table.ts'
import { ownBook } from '../../price/contract/own-book.ts'
import type { Service } from '../service.ts'
import { principalOf, requireOperator } from './access.ts'
import { addOnExample, bookExample, couponExample } from './prices-schema.ts'
import type { Server } from './routes.ts'
import { dryRun } from './schema.ts'

export const limits = { bookBytesMax: 16 * 1024 * 1024 } as const

const key = z.object({ key: z.string() })

/** Read by the parsers of src/price, which tell all problems at once. */
const document = (example: object) => z.record(z.string(), z.unknown()).meta({ examples: [example] })

/** What was read, or a refusal with everything that is wrong with it. */
function required<Value>(parsed: Result<Value, readonly Problem[]>, what: string): Value {
  if (parsed.ok) return parsed.value
  throw new Refusal('REQUEST_INVALID', `the ${what} has problems`, { problems: parsed.error })
}

function addAddOns(server: Server, { database, world }: Service): void {
  server.get(
    '/v1/add-ons',
    { config: { scope: 'billing:read' }, schema: { summary: 'Add-ons, newest versions; for an account its own' } },
    async (request) => {
      const { account } = principalOf(request)
      if (account === null) return { add_ons: (await listAddOns(database)).map(addOnJson) }
      const facts = await contractFactsOf(database, account)
      return { add_ons: ownBook(facts, await loadPriceBook(database), world.now()).addOns.map(addOnJson) }
    },
  )
  server.get(
    '/v1/add-ons/:key',
    { config: { scope: 'billing:read' }, schema: { summary: 'All versions of an add-on', params: key } },
    async (request) => {
      requireOperator(request)
      await getAddOn(database, request.params.key)
      return { versions: (await addOnVersions(database, request.params.key)).map(addOnJson) }
    },
  )
  server.post(
    '/v1/add-ons',
    {
      config: { scope: 'billing:write' },
      schema: { summary: 'Publish an add-on, or its next version', body: document(addOnExample) },
    },
    async (request, reply) => {
      requireOperator(request)
      const input = required(parseAddOn(request.body), 'add-on')
      return reply.status(201).send(addOnJson(await publishAddOn(database, input, world.now())))
    },
  )
}

/** What is given to whom, and off what, is negotiated: only the operator sees coupons. */
function addCoupons(server: Server, { database, world }: Service): void {
  server.get(
    '/v1/coupons',
    { config: { scope: 'billing:read' }, schema: { summary: 'Coupons, newest versions' } },
    async (request) => {
      requireOperator(request)
      return { coupons: (await listCoupons(database)).map(couponJson) }
    },
  )
  server.get(
    '/v1/coupons/:key',
    { config: { scope: 'billing:read' }, schema: { summary: 'All versions of a coupon', params: key } },
    async (request) => {
      requireOperator(request)
      await getCoupon(database, request.params.key)
      return { versions: (await couponVersions(database, request.params.key)).map(couponJson) }
    },
  )
  server.post(
    '/v1/coupons',
    {
      config: { scope: 'billing:write' },
      schema: { summary: 'Publish a coupon, or its next version', body: document(couponExample) },
    },
    async (request, reply) => {
      requireOperator(request)
      const input = required(parseCoupon(request.body), 'coupon')
      return reply.status(201).send(couponJson(await publishCoupon(database, input, world.now())))
    },
  )
}

function publishedJson({ publish }: PriceBookImport): Record<Section, readonly object[]> {
  const named = (name: Section): readonly object[] =>
    (publish[name] as readonly FileEntry[]).map(({ version: { key: of, version } }) => ({ key: of, version }))
  return { plans: named('plans'), add_ons: named('add_ons'), coupons: named('coupons') }
}

function addBook(server: Server, { database, world }: Service): void {
  server.get(
    '/v1/prices',
    {
      config: { scope: 'billing:read' },
      schema: {
        summary: 'The price book: all versions of plans, add-ons and coupons, as one document',
        description:
          'In one order and one form, so that equal books are equal byte by byte and a review reads the changes.',
      },
    },
    async (request, reply) => {
      requireOperator(request)
      const text = formatPriceBook(await loadPriceBook(database))
      return reply.type('application/json; charset=utf-8').send(text)
    },
  )
  server.post(
    '/v1/prices/import',
    {
      config: { scope: 'billing:write' },
      bodyLimit: limits.bookBytesMax,
      schema: {
        summary: 'Publish what a price book has and this one has not: all of it, or nothing',
        description:
          'The body is a document as GET /v1/prices answers it, or a part of one. Versions that are published with the same terms stay; one with ' +
          'other terms is refused with its place. The same document again does nothing.',
        querystring: z.object({ dry_run: dryRun }),
        body: document(bookExample),
      },
    },
    async (request) => {
      requireOperator(request)
      const file = required(parsePriceBook(request.body), 'price book')
      const isDryRun = request.query.dry_run === 'true'
      const done = await importPriceBook(database, file, { now: world.now(), dryRun: isDryRun })
      return { dry_run: isDryRun, published: publishedJson(done), unchanged: done.unchanged }
    },
  )
}

/** Add-ons, coupons, and the price book as a whole. Plans alone are in contracts.ts. */
export function addPriceRoutes(server: Server, service: Service): void {
  addAddOns(server, service)
  addCoupons(server, service)
  addBook(server, service)
}
