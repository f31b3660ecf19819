import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import { postmasterOf } from '../../src/app/postgres-leftover.ts'
import { isRunning } from '../../src/app/running-process.ts'
import { expectAcknowledged, expectAllTotals, expectBalance, expectTotals } from './campaign-check.ts'
import { Clerk } from './campaign-clerk.ts'
import { CampaignLedger } from './campaign-ledger.ts'
import { describeRound, planRound, producerShapes } from './campaign-plan.ts'
import type { Blow, RoundPlan } from './campaign-plan.ts'
import { Producer } from './campaign-producer.ts'
import type { Session } from './campaign-producer.ts'
import { diceFor } from './dice.ts'
import { cutPower } from './power-loss.ts'
import type { PowerDisk } from './power-loss.ts'
import { childrenOf } from './process-family.ts'
import { FaultProxy } from './proxy.ts'
import type { Fault } from './proxy.ts'
import { launchService, startService } from './service.ts'
import type { RunningService, ServiceOptions } from './service.ts'
import { until } from './until.ts'

export interface CampaignOptions {
  readonly seed: number
  readonly service: ServiceOptions
  /** The disk with the data directory, when its power may be cut. */
  readonly disk: PowerDisk | null
}

export interface CampaignResult {
  readonly rounds: number
  readonly events: number
  readonly held: number
  readonly blows: Readonly<Record<string, number>>
  readonly faults: Readonly<Record<string, number>>
  /** How often the store had to be made again from the log. */
  readonly rebuilt: number
}

const endMillisMax = 60_000

/**
 * Producers, their networks, and one service that is hit again and again. Each round is planned as data from the
 * seed, then done, then judged by the producers' own ledger.
 */
export class Campaign {
  readonly #options: CampaignOptions
  readonly #ledger = new CampaignLedger()
  readonly #proxies = new Map<string, FaultProxy>()
  readonly #blows: Record<string, number> = {}
  #producers: Producer[] = []
  #clerk: Clerk | null = null
  #service: RunningService | null = null
  #plan: RoundPlan | null = null
  readonly #requests = new Map<string, number>()
  #rounds = 0
  #rebuilt = 0

  constructor(options: CampaignOptions) {
    this.#options = options
  }

  async open(): Promise<void> {
    const { seed } = this.#options
    this.#service = await startService(this.#options.service)
    const { key } = this.#service
    const proxyOf = async (name: string): Promise<FaultProxy> => {
      const proxy = await new FaultProxy(() => this.#nextFault(name)).start()
      this.#proxies.set(name, proxy)
      return proxy
    }
    const ledger = this.#ledger
    for (const shape of producerShapes) {
      const proxy = await proxyOf(shape.source)
      this.#producers.push(new Producer({ shape, ledger, proxy, key, dice: diceFor(seed, 'producer', shape.source) }))
    }
    this.#clerk = new Clerk({ ledger, proxy: await proxyOf('clerk'), key })
  }

  /** Plans, does and judges one round; throws with what was done when it fails. */
  async round(number: number): Promise<void> {
    const plan = planRound(this.#options.seed, number, this.#options.disk !== null)
    this.#plan = plan
    try {
      this.#leadTo(this.#running)
      await this.#loadAndStrike(plan)
      if (plan.blow.kind !== 'kill backend') await this.#restart(plan)
      await this.#judge(plan)
    } catch (error) {
      const { message } = error as Error
      throw new Error(`${describeRound(plan)}\n${message}\n${this.#service?.output() ?? ''}`, { cause: error })
    }
    this.#rounds += 1
    this.#blows[plan.blow.kind] = (this.#blows[plan.blow.kind] ?? 0) + 1
  }

  /** All accounts of all rounds, after an orderly stop and one more start. */
  async finish(): Promise<void> {
    expect(await this.#running.stop(), 'the exit code of an orderly stop').toBe(0)
    this.#service = await startService(this.#options.service)
    await expectAllTotals(this.#service, this.#ledger)
    await expectBalance(this.#service, this.#ledger)
    expect(await this.#service.stop()).toBe(0)
  }

  async close(): Promise<void> {
    await this.#service?.kill()
    for (const proxy of this.#proxies.values()) await proxy.stop()
  }

  result(): CampaignResult {
    const faults: Record<string, number> = {}
    for (const { done } of this.#proxies.values())
      for (const [kind, count] of done) faults[kind] = (faults[kind] ?? 0) + count
    return {
      rounds: this.#rounds,
      events: this.#ledger.size(),
      held: this.#ledger.bad('sent').size,
      blows: this.#blows,
      faults,
      rebuilt: this.#rebuilt,
    }
  }

  get #running(): RunningService {
    if (this.#service === null) throw new Error('the campaign is not open')
    return this.#service
  }

  get #cluster(): string {
    return join(this.#options.service.data, 'postgres', 'cluster')
  }

  #nextFault(name: string): Fault {
    const faults = this.#plan?.faults.get(name) ?? []
    const number = this.#requests.get(name) ?? 0
    this.#requests.set(name, number + 1)
    return faults[number % faults.length] ?? { kind: 'pass' }
  }

  #leadTo({ address }: RunningService): void {
    for (const proxy of this.#proxies.values()) {
      proxy.leadTo(address)
      proxy.calm = false
    }
  }

  /** Everybody sends until the blow has fallen, and it falls in the middle of it. */
  async #loadAndStrike(plan: RoundPlan): Promise<void> {
    const enough = Promise.withResolvers<void>()
    let answers = 0
    let isOver = false
    const session: Session = {
      accounts: plan.accounts,
      isOver: () => isOver,
      answered: () => {
        answers += 1
        if (answers >= plan.afterAnswers) enough.resolve()
      },
    }
    const senders = [...this.#producers, ...(this.#clerk === null ? [] : [this.#clerk])]
    const load = Promise.all(senders.map((sender) => sender.run(session)))
    // A wrong answer ends the load with an error before there are enough of them.
    await Promise.race([enough.promise, load])
    await pause(plan.afterMillis)
    try {
      await Promise.race([this.#strike(plan.blow, session), load.then(() => new Promise<never>(() => undefined))])
    } finally {
      isOver = true
    }
    await load
  }

  async #strike(blow: Blow, session: Session): Promise<void> {
    const service = this.#running
    switch (blow.kind) {
      case 'kill':
        return service.kill()
      case 'kill while projecting':
        await this.#producers.at(-1)?.sendLarge(session)
        await pause(blow.afterMillis)
        return service.kill()
      case 'kill postgres': {
        process.kill(this.#postmaster('under load'), 'SIGKILL')
        expect(await within(service.ended, 'the service ends when its Postgres is gone'), 'its exit code').toBe(1)
        return
      }
      case 'kill backend': {
        const children = childrenOf(this.#postmaster('under load'))
        const child = children[blow.which % children.length]
        if (child !== undefined) process.kill(child, 'SIGKILL')
        return
      }
      case 'stop':
        expect(await within(Promise.resolve(service.stop()), 'an orderly stop'), 'its exit code').toBe(0)
        expect(postmasterOf(this.#cluster), 'an orderly stop takes its Postgres with it').toBeNull()
        return
      case 'power cut':
        return this.#cutPower(service)
    }
  }

  async #cutPower(service: Pick<RunningService, 'process'>): Promise<void> {
    if (this.#options.disk === null) throw new Error('there is no disk whose power could be cut')
    await cutPower(this.#options.disk, service)
  }

  #postmaster(when: string): number {
    const pid = postmasterOf(this.#cluster)
    if (pid === null) throw new Error(`there is no Postgres ${when}`)
    return pid
  }

  /** Starts on what the blow left behind; now and then the start is killed as well, at any point of it. */
  async #restart({ blow, startKills }: RoundPlan): Promise<void> {
    const left =
      blow.kind.startsWith('kill while') || blow.kind === 'kill' ? this.#postmaster('of a killed service') : null
    for (const millis of startKills) {
      const launched = launchService(this.#options.service)
      await pause(millis)
      if (blow.kind === 'power cut') await this.#cutPower(launched)
      else await launched.kill()
    }
    const started = await startService(this.#options.service)
    if (left !== null) expect(isRunning(left), 'the old Postgres was ended').toBe(false)
    expect(this.#postmaster('of the new service')).not.toBe(left)
    const isRebuilt = started.output().includes('rebuilding it from the log')
    // The interrupted range is finished under its tokens; emptying the store is for damage, and takes for ever.
    if (blow.kind !== 'power cut') expect(isRebuilt, `the store is made again:\n${started.output()}`).toBe(false)
    if (isRebuilt) this.#rebuilt += 1
    this.#service = started
  }

  async #judge(plan: RoundPlan): Promise<void> {
    const service = this.#running
    await until(async () => (await service.ask('GET', '/readyz')).status === 200, endMillisMax, 'the service is ready')
    await expectAcknowledged(service, this.#ledger, plan.accounts)
    this.#leadTo(service)
    const proxies = [...this.#proxies.values()]
    // What was late arrives before, while and after it is sent again.
    await Promise.all([
      ...proxies.map((proxy) => proxy.release()),
      ...this.#producers.map((producer) => producer.flush()),
    ])
    for (const proxy of proxies) {
      await proxy.settled()
      await proxy.release()
      proxy.calm = true
    }
    await Promise.all(this.#producers.map((producer) => producer.state()))
    await expectTotals(service, this.#ledger, plan.accounts)
    await expectBalance(service, this.#ledger)
  }
}

async function within(ended: Promise<number | null>, what: string): Promise<number | null> {
  let code: { readonly code: number | null } | null = null
  void ended.then((found) => (code = { code: found }))
  return (await until(() => code, endMillisMax, what)).code
}
