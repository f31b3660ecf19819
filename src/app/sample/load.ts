import { createAccount, findAccount } from '../../account/accounts.ts'
import { transferEndpoint } from '../../account/endpoints.ts'
import { hasKeys } from '../../account/keys.ts'
import type { EventInput } from '../../core/event.ts'
import type { AccountKey, PlanKey } from '../../core/ids.ts'
import { assert } from '../../core/result.ts'
import { calendarMonth, formatInstant, formatMonth, parseInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import { draftInvoice, issueInvoice } from '../../invoice/desk.ts'
import type { InvoiceDesk } from '../../invoice/desk.ts'
import { publishPlan } from '../../price/book/plan-catalogue.ts'
import { parsePlan } from '../../price/plan.ts'
import { setDefaultPlan, subscribe, subscriptionsOf } from '../../price/contract/subscription.ts'
import type { Service } from '../service.ts'
import { sampleCompany, sampleSeed } from './company.ts'
import type { SampleCompany } from './company.ts'
import { sampleSize, sampleTraffic } from './traffic.ts'

const batchSize = 5_000

/** Printed on the sample's invoices. */
const sampleAddress = '1 Example Quay, 20457 Hamburg (a sample company)'

/** How far the sample has come: written down, so that a start that was cut short is finished by the next. */
export interface SampleState {
  readonly seed: number
  readonly now: Micros
  readonly done: boolean
}

async function readState({ database }: Service): Promise<SampleState | null> {
  const { rows } = await database.query<{ seed: string; made_at: string; done: boolean }>(
    'select seed, to_char(made_at at time zone \'UTC\', \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\') as made_at, done from sample',
  )
  const [row] = rows
  if (row === undefined) return null
  const made = parseInstant(row.made_at)
  assert(made.ok, 'the sample remembers when it was made')
  return { seed: Number(row.seed), now: made.value, done: row.done }
}

type Ports = Pick<Service, 'config' | 'database' | 'log' | 'world'>

/**
 * Decides on the very first start whether there will be a sample company, and writes it down before anything
 * else tells that this was a first start, so that a start which is cut short is finished by the next one.
 */
export async function planSample({ config, database, log, world }: Ports): Promise<void> {
  // Who asks for no sample has asked for good, also after a start that was cut short.
  if (config.empty) await database.query('update sample set done = true')
  if (config.empty || log.end() > 0 || (await hasKeys(database))) return
  await database.query('insert into sample (seed, made_at, done) values ($1, $2, false) on conflict do nothing', [
    sampleSeed,
    formatInstant(world.now()),
  ])
}

/** The sample company that this start has to make or to finish; never on an installation with data of its own. */
export async function sampleToLoad(service: Service): Promise<SampleCompany | null> {
  const state = await readState(service)
  return state === null || state.done || service.config.empty ? null : sampleCompany(state.now, state.seed)
}

/** Accounts, endpoints, plans and subscriptions. Doing it again changes nothing. */
export async function describeSample(service: Service, company: SampleCompany): Promise<void> {
  const { database, ownership, world } = service
  const now = world.now()
  for (const account of company.accounts) {
    if ((await findAccount(database, account.key)) === null) await createAccount(database, account, now)
  }
  const { rows } = await database.query('select 1 from endpoint_ownership limit 1')
  if (rows.length === 0) {
    for (const { endpoint, account, from } of company.endpoints) {
      await transferEndpoint(database, { endpoint, account: account as AccountKey, from })
    }
  }
  for (const plan of company.plans) {
    const parsed = parsePlan(plan)
    assert(parsed.ok, `the sample plan ${plan.key} is well formed`)
    await publishPlan(database, parsed.value, now)
  }
  for (const { account, plan, from } of company.subscriptions) {
    const subscribed = await subscriptionsOf(database, account as AccountKey)
    if (subscribed.length === 0) {
      await subscribe(
        database,
        { account: account as AccountKey, plan: plan as PlanKey, from, to: null },
        { by: 'sample', now },
      )
    }
  }
  await database.query("update issuing_entity set name = $1, address = $2 where name = ''", [
    company.name,
    sampleAddress,
  ])
  const defaults = await database.query('select 1 from default_plan limit 1')
  if (defaults.rows.length === 0) {
    await setDefaultPlan(database, { plan: 'pay-as-you-go' as PlanKey, from: company.period.from, by: 'sample' }, now)
  }
  await ownership.refresh()
}

export interface SampleProgress {
  readonly sent: number
  readonly total: number
}

/** Sends the traffic through POST /v1/events like any other sender: numbered, so that sending again adds nothing. */
export async function sendSample(
  company: SampleCompany,
  to: { readonly address: string; readonly key: string },
  onProgress: (progress: SampleProgress) => void,
): Promise<number> {
  const total = sampleSize(company, company.period)
  let sent = 0
  let batch: EventInput[] = []
  const post = async (events: readonly EventInput[]): Promise<void> => {
    const answer = await fetch(`${to.address}/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${to.key}`, 'content-type': 'application/x-ndjson' },
      body: events.map((event) => JSON.stringify(event)).join('\n'),
    })
    const receipt = (await answer.json()) as { accepted?: number; duplicates?: number; error?: { message: string } }
    const taken = (receipt.accepted ?? 0) + (receipt.duplicates ?? 0)
    if (taken !== events.length) throw new Error(`the sample was not taken: ${JSON.stringify(receipt).slice(0, 500)}`)
    sent += taken
    onProgress({ sent, total })
  }
  let before: Promise<void> = Promise.resolve()
  for (const event of sampleTraffic(company, company.period)) {
    batch.push(event)
    if (batch.length < batchSize) continue
    // One batch is made while the one before is on its way.
    await before
    before = post(batch)
    batch = []
  }
  await before
  if (batch.length > 0) await post(batch)
  return sent
}

/**
 * Issues the sample's invoices of last month, all but the last account's, which stays a draft to be issued by
 * whoever tries it. Issuing what is issued changes nothing.
 */
export async function issueSample(service: Service, company: SampleCompany, desk: InvoiceDesk): Promise<number> {
  let issued = 0
  for (const { key, timeZone } of company.accounts.slice(0, -1)) {
    const made = (await readState(service))?.now ?? service.world.now()
    const month = formatMonth((calendarMonth(made, timeZone).from - 1) as Micros, timeZone)
    const { id } = await draftInvoice(desk, { account: key, month })
    await issueInvoice(desk, id, { waiver: null, viewer: { account: null } })
    issued += 1
  }
  await service.database.query('update sample set done = true')
  return issued
}
