import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { Refusal } from '../../core/errors.ts'
import { formatInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import {
  activateMeter,
  addMeter,
  archiveMeter,
  archivedMeters,
  definitionSha256,
  deleteDraft,
  findMeter,
  listMeters,
  meterDocument,
  meterVersions,
  replaceDraft,
  requireMeter,
} from '../../meter/catalogue.ts'
import type { MeterVersion } from '../../meter/catalogue.ts'
import { library, libraryEntry } from '../../meter/library.ts'
import type { LibraryEntry } from '../../meter/library.ts'
import { billersOf } from '../meter-archive.ts'
import { checkChange } from '../meter-change.ts'
import type { Service } from '../service.ts'
import { principalOf, requireOperator } from './access.ts'
import { addMeterPreview } from './meter-preview.ts'
import { draftMeterSchema, meterExample, newMeterSchema } from './meter-schema.ts'
import type { Server } from './routes.ts'
import { person, shortReason } from './schema.ts'

/** Read by `parseMeter`, which tells all problems at once; described to people by `meterSchema`. */
const newMeter = z.record(z.string(), z.unknown()).meta({ ...newMeterSchema, examples: [meterExample] })
const draftMeter = z.record(z.string(), z.unknown()).meta({ ...draftMeterSchema, examples: [meterExample] })
const key = z.object({ key: z.string() })
const version = z.object({ key: z.string(), version: z.coerce.number().int().min(1).max(2_147_483_647) })
const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .optional()
  .meta({
    description:
      'of the definition that was looked at, as preview, add and versions answer it; 409 METER_CHANGED when the version has another one',
  })
const author = person.optional().meta({ description: 'who decides, by name; by default the name of the API key' })

function versionJson({ meter, createdAt, activations, isCurrent }: MeterVersion): Record<string, unknown> {
  return {
    ...meterDocument(meter),
    definition_sha256: definitionSha256(meter),
    state: activations.length === 0 ? 'draft' : 'active',
    current: isCurrent,
    created_at: formatInstant(createdAt),
    activations: activations.map(({ at, by }) => ({ at: formatInstant(at), by })),
  }
}

function entryJson({ meter, about, needs, example, isStandard }: LibraryEntry): Record<string, unknown> {
  return {
    key: meter.key,
    name: meter.name,
    unit: meter.unit,
    about,
    needs,
    example,
    standard: isStandard,
    definition: meter,
  }
}

function addReading(server: Server, { database }: Service): void {
  server.get(
    '/v1/meters',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'All meters, each in its current version',
        querystring: z.object({
          archived: z.enum(['true', 'false']).optional().meta({ description: 'true: with those that are archived' }),
        }),
      },
    },
    async (request) => {
      const withArchived = request.query.archived === 'true'
      const [meters, archived] = await Promise.all([listMeters(database, { withArchived }), archivedMeters(database)])
      return {
        meters: meters.map((meter) => ({
          ...meterDocument(meter),
          ...(withArchived ? { archived: archived.has(meter.key) } : {}),
        })),
      }
    },
  )
  server.get(
    '/v1/meters/:key',
    { config: { scope: 'usage:read' }, schema: { summary: 'One meter in its current version', params: key } },
    async (request) => {
      const viewer = principalOf(request).account === null ? 'operator' : 'anyone'
      return meterDocument(await findMeter(database, request.params.key, undefined, viewer))
    },
  )
  server.get(
    '/v1/meters/:key/versions',
    {
      config: { scope: 'usage:read' },
      schema: { summary: 'All versions of a meter, drafts included, and who activated them when', params: key },
    },
    async (request) => {
      requireOperator(request)
      const versions = await meterVersions(database, request.params.key)
      if (versions.length === 0) await findMeter(database, request.params.key, undefined, 'operator')
      return { versions: versions.map(versionJson) }
    },
  )
}

function addWriting(server: Server, service: Service): void {
  const { database, world } = service
  server.post(
    '/v1/meters',
    {
      config: { scope: 'billing:write' },
      schema: {
        summary: 'Add a meter, or a new version of one',
        description:
          'Active at once, unless "draft" is true: a draft can be previewed, replaced and deleted, and counts nothing until it is activated.',
        body: newMeter,
      },
    },
    async (request, reply) => {
      const by = requireOperator(request).name
      const { draft = false } = request.body
      if (typeof draft !== 'boolean') throw new Refusal('REQUEST_INVALID', 'draft is true or false')
      const now = world.now()
      const added = await addMeter(database, request.body, { at: now, by, draft }, checkChange(service, now))
      return reply.status(201).send(versionJson(added))
    },
  )
  server.put(
    '/v1/meters/:key/versions/:version',
    {
      config: { scope: 'billing:write' },
      schema: { summary: 'Put another definition in the place of a draft', params: version, body: draftMeter },
    },
    async (request) => {
      requireOperator(request)
      const check = checkChange(service, world.now())
      return versionJson(await replaceDraft(database, request.params, request.body, check))
    },
  )
  server.delete(
    '/v1/meters/:key/versions/:version',
    { config: { scope: 'billing:write' }, schema: { summary: 'Remove a draft', params: version } },
    async (request) => {
      requireOperator(request)
      return versionJson(await deleteDraft(database, request.params))
    },
  )
  server.post(
    '/v1/meters/:key/versions/:version/activate',
    {
      config: { scope: 'billing:write' },
      schema: {
        summary: 'Make a version the current one: a draft, or one that was active before',
        description:
          'Open periods are counted by it from now on; issued invoices keep the version that they were counted by.',
        params: version,
        body: z.object({ author, definition_sha256: sha256 }).nullish(),
      },
    },
    async (request) => {
      const by = request.body?.author ?? requireOperator(request).name
      requireOperator(request)
      const looked = request.body?.definition_sha256
      const wanted = { ...request.params, ...(looked === undefined ? {} : { sha256: looked }) }
      const now = world.now()
      return versionJson(await activateMeter(database, wanted, { at: now, by }, checkChange(service, now)))
    },
  )
}

/** Refuses to hide what customers pay for. */
async function requireUnbilled(service: Service, meter: string, now: Micros): Promise<void> {
  const plans = await billersOf(service.database, meter, now)
  if (plans.length === 0) return
  throw new Refusal(
    'REQUEST_INVALID',
    `meter ${meter} is billed by ${plans.join(', ')}: publish versions of these plans without it first`,
  )
}

function addArchive(server: Server, service: Service): void {
  const { database, world } = service
  for (const action of ['archive', 'restore'] as const) {
    server.post(
      `/v1/meters/:key/${action}`,
      {
        config: { scope: 'billing:write' },
        schema: {
          summary:
            action === 'archive' ? 'Take a meter that no plan bills out of the lists' : 'Put it back into the lists',
          description: 'What the meter counts can be asked for as before.',
          params: key,
          body: z.object({ author, reason: shortReason }),
        },
      },
      async (request) => {
        const { author: by = requireOperator(request).name, reason } = request.body
        requireOperator(request)
        const now = world.now()
        if (action === 'archive') await requireUnbilled(service, request.params.key, now)
        const archived = action === 'archive'
        await archiveMeter(database, request.params.key, { at: now, by, archived, reason })
        return { key: request.params.key, archived, at: formatInstant(now), author: by, reason }
      },
    )
  }
}

function addLibrary(server: Server, service: Service): void {
  const { database, world } = service
  server.get(
    '/v1/meters/library',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'Meters that are ready to be added: what each counts, which events it needs, and one of them',
      },
    },
    () => ({ meters: library.map(entryJson) }),
  )
  server.post(
    '/v1/meters/library/:key',
    {
      config: { scope: 'billing:write' },
      schema: {
        summary: 'Add a meter of the library',
        description:
          'The answer is 201 with the new meter, or 200 with the one that is there and has the same definition.',
        params: key,
        body: z.object({ draft: z.boolean().default(false) }).nullish(),
      },
    },
    async (request, reply) => {
      const by = requireOperator(request).name
      const { meter } = libraryEntry(request.params.key)
      const versions = await meterVersions(database, meter.key)
      const current = versions.find(({ isCurrent }) => isCurrent)
      if (current !== undefined) {
        const wanted = requireMeter(meter, current.meter.version)
        if (isDeepStrictEqual(wanted, current.meter)) return versionJson(current)
      }
      if (versions.length > 0)
        throw new Refusal(
          'ALREADY_EXISTS',
          `there is a meter ${meter.key} with a definition of its own; POST /v1/meters adds a version of it`,
        )
      const draft = request.body?.draft ?? false
      const now = world.now()
      const added = await addMeter(database, meter, { at: now, by, draft }, checkChange(service, now))
      return reply.status(201).send(versionJson(added))
    },
  )
}

/** Meters: definitions that turn events into quantities. */
export function addMeterRoutes(server: Server, service: Service): void {
  addReading(server, service)
  addWriting(server, service)
  addArchive(server, service)
  addLibrary(server, service)
  addMeterPreview(server, service)
}
