import fastify from 'fastify'
import type { FastifyError } from 'fastify'
import { expect, test } from 'vitest'
import { refusalOf, sendRefusal } from './http/failure.ts'
import { addRoleGate } from './http/role.ts'
import type { Server } from './http/routes.ts'
import { dutiesOf, groupOf, roles, rolesFor } from './roles.ts'
import type { Role } from './roles.ts'

const routes = [
  ['GET', '/healthz'],
  ['GET', '/metrics'],
  ['POST', '/v1/events'],
  ['POST', '/v1/checkpoints'],
  ['PUT', '/v1/sources/:source'],
  ['GET', '/v1/usage'],
  ['POST', '/v1/invoices'],
  ['GET', '/'],
] as const

async function answers(role: Role): Promise<readonly string[]> {
  const server = fastify()
  server.setErrorHandler((error: FastifyError, request, reply) => sendRefusal(reply, refusalOf(error, request)))
  addRoleGate(server as unknown as Server, role)
  for (const [method, url] of routes) server.route({ method, url, handler: () => 'here' })
  const found: string[] = []
  for (const [method, url] of routes) {
    const { statusCode, body } = await server.inject({ method, url: url.replace(':source', 'edge') })
    if (statusCode === 200) found.push(`${method} ${url}`)
    else
      expect([statusCode, body], url).toEqual([
        404,
        expect.stringMatching(/ROUTE_NOT_FOUND.*role .*; ask one with the role \w+/),
      ])
  }
  await server.close()
  return found
}

test('each role answers its routes, and says for others who does', async () => {
  expect(await answers('all')).toHaveLength(routes.length)
  expect(await answers('ingest')).toEqual([
    'GET /healthz',
    'GET /metrics',
    'POST /v1/events',
    'POST /v1/checkpoints',
    'PUT /v1/sources/:source',
  ])
  expect(await answers('api')).toEqual([
    'GET /healthz',
    'GET /metrics',
    'PUT /v1/sources/:source',
    'GET /v1/usage',
    'POST /v1/invoices',
    'GET /',
  ])
  for (const role of ['project', 'worker'] as const)
    expect(await answers(role)).toEqual(['GET /healthz', 'GET /metrics'])
})

test('every kind of route and every duty is somebody’s, in one process and in parts', () => {
  for (const group of ['everybody', 'events', 'sources', 'questions'] as const) {
    expect(dutiesOf.all.routes.has(group)).toBe(true)
    expect(rolesFor(group).length).toBeGreaterThan(0)
  }
  for (const duty of ['projects', 'works', 'greets'] as const) {
    expect(dutiesOf.all[duty]).toBe(true)
    expect(roles.filter((role) => role !== 'all' && dutiesOf[role][duty])).toHaveLength(1)
  }
  expect(groupOf('GET', '/v1/sourcesomething')).toBe('questions')
})
