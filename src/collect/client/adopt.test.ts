import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { FakeService } from '../../../test/support/fake-service.ts'
import type { Micros } from '../../core/time.ts'
import { adoptLeftSlots } from './adopt.ts'
import { Teller } from './trouble.ts'

const parent = mkdtempSync(join(tmpdir(), 'crossfoot-adopt-'))
afterAll(() => rmSync(parent, { recursive: true }))

test('bad slots are told once, however often they are looked at, and a good one behind them is sent', async () => {
  const service = await new FakeService().start()
  for (const slot of ['slot-2', 'slot-3', 'slot-4']) mkdirSync(join(parent, slot))
  const handOver = 'hand-over-0-000000001'
  for (const slot of ['slot-2', 'slot-3']) {
    writeFileSync(join(parent, slot, handOver), '')
    writeFileSync(join(parent, slot, 'lock'), 'x'.repeat(5_000))
  }
  writeFileSync(join(parent, 'slot-4', handOver), '{"kind":"usage","name":"n","quantity":"1","account":"a"}\n')
  const told: string[] = []
  const teller = new Teller(({ kind, message }) => told.push(`${kind} ${/slot-\d/.exec(message)?.[0]}`))
  const world = { now: () => 1_790_000_000_000_000 as Micros, elapsed: () => 0, random: () => 0, wait: async () => {} }
  const batching = { eventsMax: 10, bytesMax: 1_000_000, sendEveryMs: 0, lateMs: 0 }
  const where = { parent, directory: join(parent, 'slot-1'), source: 'api', spoolBytesMax: 4_194_304 }
  const faults = new Map<string, string>()
  for (let look = 0; look < 3; look += 1) {
    await adoptLeftSlots(where, { service: { url: service.url, key: 'k' }, teller, world, batching }, faults)
    // As when our own spool is written well.
    teller.isOver('spool')
  }
  await adoptLeftSlots(
    { ...where, parent: join(parent, 'gone') },
    { service: { url: service.url, key: 'k' }, teller, world, batching },
    faults,
  )
  expect(told).toEqual(['spool slot-2', 'spool slot-3', 'spool undefined'])
  expect(service.source('api/4').accepted.size).toBe(1)
  await service.stop()
})
