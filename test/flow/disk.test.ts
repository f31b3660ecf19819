import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { balances, eventsInLog, ndjson, receiptOf, refusalCode, sumOf } from '../support/answers.ts'
import { Ledger, countedIdentities, usageTotals } from '../support/ledger.ts'
import { lineOf } from '../support/odd-events.ts'
import { discardData, startService, temporaryDirectory } from '../support/service.ts'
import type { Answer, RunningService } from '../support/service.ts'
import { canMount, mountSmallDisk, unmount } from '../support/tmpfs.ts'
import { until } from '../support/until.ts'

const account = 'disk'
const megabyte = 1_048_576

/** A batch that is in the ledger; heavy ones have paths that do not compress. */
function batchOf(ledger: Ledger, count: number, pathLength: number): { body: string; identities: string[] } {
  const identities: string[] = []
  const lines = Array.from({ length: count }, () => {
    const id = `e${ledger.size()}`
    const bytes = BigInt(ledger.size() % 97)
    identities.push(`edge ${id}`)
    ledger.sent(`edge ${id}`, account, bytes)
    const path = Buffer.from(crypto.getRandomValues(new Uint8Array(pathLength))).toString('base64')
    return lineOf({
      source: '"edge"',
      id: `"${id}"`,
      account: `"${account}"`,
      bytes_out_wire: String(bytes),
      path: JSON.stringify(path),
    })
  })
  return { body: lines.join('\n'), identities }
}

function expectDiskFull(answer: Answer): void {
  expect([answer.status, refusalCode(answer)], JSON.stringify(answer.body)).toEqual([503, 'DISK_FULL'])
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
}

async function expectLedger(service: RunningService, ledger: Ledger): Promise<void> {
  const counted = await countedIdentities(service, account)
  expect(counted.toSorted()).toEqual([...ledger.identities(account, 'acknowledged')].toSorted())
  expect(await usageTotals(service, account)).toEqual(ledger.totals(account))
  const all = await balances(service)
  expect(sumOf(all.values(), 'accepted')).toBe(BigInt(ledger.size()))
  expect(await eventsInLog(service)).toBe(BigInt(ledger.size()))
}

describe('the reserve', () => {
  const data = temporaryDirectory('reserve')
  const ledger = new Ledger()
  let service: RunningService
  const restart = async (reserve: string): Promise<void> => {
    await service.stop()
    service = await startService({ data, env: { CROSSFOOT_DISK_RESERVE_BYTES: reserve } })
  }
  const send = async (): Promise<void> => {
    const { body, identities } = batchOf(ledger, 50, 9)
    const receipt = receiptOf(await service.post('/v1/events', body, ndjson))
    expect(receipt.accepted).toBe(50)
    for (const identity of identities) ledger.acknowledged(identity)
  }
  beforeAll(async () => {
    service = await startService({ data })
  })
  afterAll(() => discardData(data))

  test('below it nothing is taken and reading goes on; with room again the same batch is accepted once', async () => {
    await send()
    await restart(String(Number.MAX_SAFE_INTEGER))
    const waiting = Array.from({ length: 8 }, (_, index) =>
      lineOf({ source: '"waiting"', id: `"${index}"`, account: `"${account}"`, bytes_out_wire: '1' }),
    )
    // All at once, because the first look at the disk is still under way when the second request comes.
    const answers = await Promise.all(waiting.map((line) => service.post('/v1/events', line, ndjson)))
    for (const answer of answers) expectDiskFull(answer)
    await expectLedger(service, ledger)
    expect((await service.get('/v1/sources/waiting')).status).toBe(404)
    await restart('0')
    for (const [index, line] of [...waiting, ...waiting].entries()) {
      const receipt = receiptOf(await service.post('/v1/events', line, ndjson))
      expect([receipt.accepted, receipt.duplicates]).toEqual(index < waiting.length ? [1, 0] : [0, 1])
    }
    waiting.forEach((_, index) => {
      ledger.sent(`waiting ${index}`, account, 1n)
      ledger.acknowledged(`waiting ${index}`)
    })
    await expectLedger(service, ledger)
  })
})

const mountable = canMount()
const skipped = mountable ? '' : ' (skipped: mount is not permitted here)'

/** A service of which one folder lies on a small disk of its own. */
class CrampedService {
  readonly ledger = new Ledger()
  readonly #folder: string
  #data: string | null = null
  #service: RunningService | null = null

  constructor(folder: string) {
    this.#folder = folder
  }

  get #disk(): string {
    return join(this.#data ?? '', this.#folder)
  }

  get service(): RunningService {
    if (this.#service === null) throw new Error('start it first')
    return this.#service
  }

  async start(): Promise<RunningService> {
    if (this.#data === null) {
      this.#data = temporaryDirectory('full')
      mountSmallDisk(this.#disk, 64)
    }
    this.#service = await startService({ data: this.#data })
    return this.#service
  }

  /** Leaves room for three megabytes. */
  fill(): void {
    const { bavail, bsize } = statfsSync(this.#disk)
    writeFileSync(join(this.#disk, 'ballast'), Buffer.alloc(bavail * bsize - 3 * megabyte))
  }

  makeRoom(): void {
    rmSync(join(this.#disk, 'ballast'))
  }

  post(body: string): Promise<Answer> {
    return this.service.post('/v1/events', body, ndjson)
  }

  acknowledge(identities: readonly string[]): void {
    for (const identity of identities) this.ledger.acknowledged(identity)
  }

  async discard(): Promise<void> {
    if (this.#data === null) return
    await this.#service?.kill()
    unmount(this.#disk)
    await discardData(this.#data)
  }
}

describe.skipIf(!mountable)(`a full disk under the log${skipped}`, () => {
  const cramped = new CrampedService('log')
  const { ledger } = cramped
  afterAll(() => cramped.discard())

  test('503 DISK_FULL, nothing acknowledged is lost, and everything is there once when there is room', async () => {
    let service = await cramped.start()
    cramped.fill()
    let refused: { body: string; identities: string[] } | null = null
    for (let batch = 0; batch < 100 && refused === null; batch += 1) {
      const next = batchOf(ledger, 40, 6_000)
      const answer = await cramped.post(next.body)
      if (answer.status === 200) {
        expect(receiptOf(answer).accepted).toBe(40)
        cramped.acknowledge(next.identities)
      } else {
        expectDiskFull(answer)
        refused = next
      }
    }
    if (refused === null) throw new Error('the disk never became full')
    // Again and again, as a sender with retries does: refused, and nothing of it stays.
    for (let time = 0; time < 3; time += 1) expectDiskFull(await cramped.post(refused.body))
    const acknowledged = ledger.identities(account, 'acknowledged')
    expect(acknowledged.size).toBeGreaterThan(0)
    expect(new Set(await countedIdentities(service, account))).toEqual(acknowledged)
    expect(await eventsInLog(service)).toBe(BigInt(acknowledged.size))

    await service.kill()
    service = await cramped.start()
    expect(new Set(await countedIdentities(service, account)), 'after kill -9 on the full disk').toEqual(acknowledged)
    expectDiskFull(await cramped.post(refused.body))

    cramped.makeRoom()
    expect(receiptOf(await cramped.post(refused.body)).accepted).toBe(refused.identities.length)
    cramped.acknowledge(refused.identities)
    expect(receiptOf(await cramped.post(refused.body)).duplicates).toBe(refused.identities.length)
    await expectLedger(service, ledger)
    expect(await service.stop()).toBe(0)
    await expectLedger(await cramped.start(), ledger)
  })
})

describe.skipIf(!mountable)(`a full disk under the event store${skipped}`, () => {
  const cramped = new CrampedService('store')
  const { ledger } = cramped
  afterAll(() => cramped.discard())
  const readiness = async (): Promise<number> => (await cramped.service.get('/readyz')).status
  const send = async (): Promise<void> => {
    const { body, identities } = batchOf(ledger, 200, 6_000)
    expect(receiptOf(await cramped.post(body)).accepted).toBe(200)
    cramped.acknowledge(identities)
  }

  test('events are taken, the service says that it is behind, and counts them once when there is room', async () => {
    const service = await cramped.start()
    await send()
    await expectLedger(service, ledger)
    cramped.fill()
    for (let batch = 0; batch < 5; batch += 1) await send()
    await until(async () => (await readiness()) === 503, 30_000, 'not ready while the store cannot follow')
    const { body } = await service.get('/readyz')
    expect((body as { events_not_yet_counted: number }).events_not_yet_counted).toBeGreaterThan(0)
    cramped.makeRoom()
    await until(async () => (await readiness()) === 200, 60_000, 'ready again')
    await expectLedger(service, ledger)
  })
})
