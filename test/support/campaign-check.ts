import { expect } from 'vitest'
import { balances, eventsInLog, quarantine, sumOf } from './answers.ts'
import type { CampaignLedger } from './campaign-ledger.ts'
import { producerShapes } from './campaign-plan.ts'
import { countedIdentities, usageTotals } from './ledger.ts'
import type { RunningService } from './service.ts'

/** What a campaign holds the service to. The numbers come from the producers' own ledger. */

/** After a blow, before anybody sends again: what was acknowledged is there, and nothing is there twice. */
export async function expectAcknowledged(
  service: RunningService,
  ledger: CampaignLedger,
  accounts: readonly string[],
): Promise<void> {
  for (const account of accounts) {
    const counted = await countedIdentities(service, account)
    const once = new Set(counted)
    expect(counted, `${account}: nothing is counted twice`).toHaveLength(once.size)
    expect([...ledger.identities(account, 'acknowledged').difference(once)], 'acknowledged and not counted').toEqual([])
    expect([...once.difference(ledger.identities(account, 'sent'))], 'counted and never sent').toEqual([])
  }
  const held = await marksHeld(service)
  expect([...ledger.bad('acknowledged').difference(held)], 'acknowledged as held aside and not there').toEqual([])
  expect([...held.difference(ledger.bad('sent'))], 'held aside and never sent').toEqual([])
  for (const [source, seq] of ledger.statements()) {
    expect(await statedSeq(service, source), `the checkpoint of ${source}`).toBeGreaterThanOrEqual(seq)
  }
  for (const account of ledger.takeCreated()) {
    expect((await service.get(`/v1/accounts/${account}`)).status, `${account} was created`).toBe(200)
  }
}

/** When everybody has sent everything: usage equals the ledger to the event and the byte. */
export async function expectTotals(
  service: RunningService,
  ledger: CampaignLedger,
  accounts: readonly string[],
): Promise<void> {
  for (const account of accounts) {
    const counted = await countedIdentities(service, account)
    const once = new Set(counted)
    expect(counted, `${account}: nothing is counted twice`).toHaveLength(once.size)
    expect([...ledger.identities(account, 'sent').symmetricDifference(once)], 'either sent or counted').toEqual([])
    if (once.size > 0) expect(await usageTotals(service, account), account).toEqual(ledger.totals(account))
  }
}

/** The same numbers for everything that was ever sent. */
export async function expectAllTotals(service: RunningService, ledger: CampaignLedger): Promise<void> {
  for (const account of ledger.accounts())
    expect(await usageTotals(service, account), account).toEqual(ledger.totals(account))
}

/** L1 over everything that ever happened: received, accepted, held, log and store agree with the ledger. */
export async function expectBalance(service: RunningService, ledger: CampaignLedger): Promise<void> {
  const size = BigInt(ledger.size())
  const bySource = await balances(service)
  const sent = ledger.bySource()
  for (const { source } of producerShapes) {
    expect(bySource.get(source)?.accepted ?? 0n, `accepted of ${source}`).toBe(sent.get(source) ?? 0n)
  }
  const all = [...bySource.values()]
  expect(sumOf(all, 'accepted'), 'accepted').toBe(size)
  expect(sumOf(all, 'received') >= ledger.receivedAtLeast(), 'every receipt is in the balance').toBe(true)
  expect(sumOf(all, 'quarantined') >= BigInt(ledger.bad('sent').size), 'every bad line is in the balance').toBe(true)
  expect(await marksHeld(service), 'held aside').toEqual(ledger.bad('sent'))
  expect(await eventsInLog(service), 'events in the log').toBe(size)
  expect(await eventsInStore(service), 'events in the store').toBe(size)
}

/** The marks of what is held aside; none may be there twice. */
async function marksHeld(service: RunningService): Promise<Set<string>> {
  const marks = (await quarantine(service)).map(({ raw }) => /bad-[a-z0-9-]+\.example/.exec(raw)?.[0] ?? raw)
  const once = new Set(marks)
  expect(marks, 'held aside once').toHaveLength(once.size)
  return once
}

async function statedSeq(service: RunningService, source: string): Promise<number> {
  const { body } = await service.get(`/v1/sources/${source}`)
  const { epochs } = body as { epochs: { checkpoint: { seq: string } | null }[] }
  return Number(epochs[0]?.checkpoint?.seq ?? 0)
}

async function eventsInStore(service: RunningService): Promise<bigint> {
  const { body } = await service.get('/metrics')
  return BigInt(/^crossfoot_counted_events (\d+)$/m.exec(body as string)?.[1] ?? '-1')
}
