/** The service in this process with its IP metadata, to be stopped and opened again on its data. */
import { pino } from 'pino'
import type { Server } from '../../src/app/http/routes.ts'
import type { Service } from '../../src/app/service.ts'
import type { Micros } from '../../src/core/time.ts'
import { at } from './invoice-desk.ts'
import { openInProcess } from './in-process.ts'
import { freshDatabase } from './postgres.ts'
import type { FreshDatabase } from './postgres.ts'
import { removeDirectory, temporaryDirectory } from './service.ts'
import { until } from './until.ts'

export type Json = Record<string, unknown>

export interface Answered {
  readonly status: number
  readonly body: Json
}

interface Running {
  readonly service: Service
  readonly server: Server
}

export class IpService {
  readonly data = temporaryDirectory('ip')
  /** What the service has written into its log. */
  readonly lines: string[] = []
  now = at('2026-06-01T12:00:00Z')
  readonly #fresh: FreshDatabase
  #running: Running | null = null
  #operator = ''

  constructor(fresh: FreshDatabase) {
    this.#fresh = fresh
  }

  /** A service whose sources are prepared. */
  static async ready(): Promise<IpService> {
    const opened = new IpService(await freshDatabase())
    await opened.open()
    // Of a new machine, the sources that come with Crossfoot are read and compiled first, which takes seconds.
    await until(() => opened.service.ip.describe('8.8.8.8') !== null, 60_000, 'IP metadata is there')
    return opened
  }

  get service(): Service {
    if (this.#running === null) throw new Error('the service is not open')
    return this.#running.service
  }

  /** As the program opens it; without `newest`, as it was before a version was compiled. */
  async open({ newest = true } = {}): Promise<void> {
    const { service, server } = await openInProcess({
      databaseUrl: this.#fresh.url,
      data: this.data,
      world: { now: (): Micros => this.now },
      logger: pino({ level: 'warn' }, { write: (line: string) => this.lines.push(line) }),
      ...(newest && { prepare: (one) => one.ip.openNewest() }),
    })
    this.#running = { service, server }
    if (service.newKey !== null) this.#operator = service.newKey
  }

  async close(): Promise<void> {
    await this.#running?.server.close()
    await this.#running?.service.close()
    this.#running = null
  }

  async remove(): Promise<void> {
    await this.close()
    await this.#fresh.close()
    removeDirectory(this.data)
  }

  async call(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    url: string,
    body?: unknown,
    key = this.#operator,
  ): Promise<Answered> {
    const isFile = typeof body === 'string' || Buffer.isBuffer(body)
    const type = isFile ? 'application/octet-stream' : 'application/json'
    if (this.#running === null) throw new Error('the service is not open')
    const answer = await this.#running.server.inject({
      method,
      url,
      headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { payload: isFile ? body : JSON.stringify(body) }),
    })
    return { status: answer.statusCode, body: JSON.parse(answer.body) as Json }
  }

  /** Sends events; what was accepted is in the store. */
  async send(...events: Json[]): Promise<Answered> {
    const answer = await this.call('POST', '/v1/events', events)
    await this.service.projector.reach(this.service.log.end(), 10_000)
    return answer
  }

  /** The versions of what is stored under an id. */
  stored(id: string): Promise<Json[]> {
    return this.service.engine.query<Json>(
      'SELECT toString(offset) AS at, country, asn, ip_categories, ip_version FROM fact WHERE id = {id:String} ORDER BY offset',
      { id },
    )
  }
}
