/**
 * Keeps hours rolled and audits them. Rolling computes rows out of rows inside the engine; what it makes counts only
 * when it is equal to a recount from the events. The audit recounts rolled hours at random, for as long as they hold.
 */
import type { Offset } from '../core/ids.ts'
import { formatInstant, hourMicros } from '../core/time.ts'
import type { Micros, Period } from '../core/time.ts'
import { listMeters } from '../meter/catalogue.ts'
import type { MeterDefinition } from '../meter/definition.ts'
import { raiseDiscrepancy } from '../meter/discrepancy.ts'
import type { Difference } from '../meter/discrepancy.ts'
import { everyEvent, hoursToRoll, isClean, rolledMeterOf, runHoursOf } from '../meter/rollups.ts'
import {
  askHourStates,
  askHoursTouchedSince,
  drawRolledHour,
  noteRolledHours,
  noteTouchedHours,
  recountHours,
  rollHours,
  sumRolledHours,
  voidGeneration,
} from '../store/rollup.ts'
import type { HourStates, HourSum, RolledHour, RolledMeter } from '../store/rollup.ts'
import type { Service } from './service.ts'

/** What rolling needs of the service. */
export interface RollPorts extends Pick<Service, 'engine' | 'projection' | 'world'> {
  readonly meters: () => Promise<readonly RolledMeter[]>
  readonly raise: (difference: Difference) => Promise<void>
  /** An hour that could not be rolled; the others are. */
  readonly report: (error: unknown) => void
}

/** What is rolled of these meters. */
export function rolledOf(meters: readonly MeterDefinition[]): readonly RolledMeter[] {
  return [everyEvent, ...meters.flatMap((meter) => rolledMeterOf(meter) ?? [])]
}

/** A whole number below `sides`. */
function drawn({ random }: Service['world'], sides: number): number {
  const [one = 0, two = 0, three = 0, four = 0] = random(4)
  return (((one * 256 + two) * 256 + three) * 256 + four) % Math.max(1, sides)
}

interface Told {
  readonly accounts: number
  readonly digest: string
}

const nothing: Told = { accounts: 0, digest: '0' }

function hourOf(sums: readonly HourSum[], hour: Micros): Told {
  return sums.find((sum) => sum.hour === hour) ?? nothing
}

function told({ accounts, digest }: Told): string {
  return `${accounts} accounts, digest ${digest}`
}

/** Raises what a recount finds other than it was rolled. True: nothing. */
async function compare(
  { raise }: RollPorts,
  { rolled, hour }: { readonly rolled: RolledMeter; readonly hour: Micros },
  { expected, found }: { readonly expected: Told; readonly found: Told },
): Promise<boolean> {
  if (expected.accounts === found.accounts && expected.digest === found.digest) return true
  const { meter, version } = rolled
  const about = `${meter} version ${version}, hour ${formatInstant(hour)}`
  await raise({
    kind: 'rolled_hour',
    subject: about,
    expected: told(expected),
    found: told(found),
    message: `a recount of ${about} from the events differs from what was rolled`,
  })
  return false
}

/** Rolls one run of hours of a meter; they count when a recount gives the same. */
async function rollRun(ports: RollPorts, rolled: RolledMeter, run: Period): Promise<number> {
  const { engine, projection, world } = ports
  const below = projection.position()
  // 48 bits at random: no other attempt at these hours has them.
  const generation = Math.max(1, Buffer.from(world.random(6)).readUIntBE(0, 6))
  const rolling = { rolled, run, below, generation }
  await rollHours(engine, rolling)
  const made = await sumRolledHours(engine, rolling)
  const recounted = await recountHours(engine, rolling)
  let isEqual = true
  for (let hour = run.from; hour < run.to; hour = (hour + hourMicros) as Micros) {
    const sums = { expected: hourOf(recounted, hour), found: hourOf(made, hour) }
    isEqual = (await compare(ports, { rolled, hour }, sums)) && isEqual
  }
  // What is not equal is noted as void, so that it is tried again after a while and not all the time.
  const noted = isEqual ? rolling : { ...rolling, generation: voidGeneration }
  await noteRolledHours(engine, noted, isEqual ? recounted : [], world.now())
  return isEqual ? (run.to - run.from) / hourMicros : 0
}

/** Rolls a run; one that needs more memory than a statement may have is rolled in halves (L12). */
async function rollOrHalve(ports: RollPorts, rolled: RolledMeter, run: Period): Promise<number> {
  try {
    return await rollRun(ports, rolled, run)
  } catch (error) {
    const hours = (run.to - run.from) / hourMicros
    if (hours === 1) {
      // One hour that cannot be rolled costs no other hour anything: it is counted from its events.
      ports.report(error)
      return 0
    }
    const middle = (run.from + Math.floor(hours / 2) * hourMicros) as Micros
    const first = await rollOrHalve(ports, rolled, { from: run.from, to: middle })
    return first + (await rollOrHalve(ports, rolled, { from: middle, to: run.to }))
  }
}

/** Hours that are looked at: all of them once, then those that were touched since or are not as they should be. */
export class Roller {
  readonly #ports: RollPorts
  #since: Offset = 0 as Offset
  #open = new Set<Micros>()
  #meters = ''

  constructor(ports: RollPorts) {
    this.#ports = ports
  }

  /** Rolls what is due, in the order of time; `isOver` is asked between runs. Returns how many hours were rolled. */
  async turn(isOver: () => boolean = () => false): Promise<number> {
    const { engine, projection } = this.#ports
    const position = projection.position()
    await noteTouchedHours(engine, position)
    const meters = await this.#ports.meters()
    const names = meters.map(({ meter, version, definition }) => `${meter} ${version} ${definition}`).join()
    // Another meter has all its hours before it.
    if (names !== this.#meters) this.#since = 0 as Offset
    for (const hour of await askHoursTouchedSince(engine, this.#since)) this.#open.add(hour)
    let rolled = 0
    const left = new Set<Micros>()
    for (const meter of meters) {
      if (isOver()) return rolled
      const { hours, open } = await this.#rollMeter(meter, isOver)
      rolled += hours
      for (const hour of open) left.add(hour)
    }
    if (isOver()) return rolled
    this.#open = left
    this.#since = position
    this.#meters = names
    return rolled
  }

  #span(): Period | null {
    if (this.#open.size === 0) return null
    let [from, to] = [Infinity, 0]
    for (const hour of this.#open) {
      from = Math.min(from, hour)
      to = Math.max(to, hour + hourMicros)
    }
    return { from: from as Micros, to: to as Micros }
  }

  /** Rolls a meter's due hours; also says which have to be rolled sooner or later. */
  async #rollMeter(meter: RolledMeter, isOver: () => boolean): Promise<{ hours: number; open: readonly Micros[] }> {
    const { engine, projection, world } = this.#ports
    const span = this.#span()
    if (span === null) return { hours: 0, open: [] }
    const ask = (): Promise<HourStates> => askHourStates(engine, meter, span, projection.position())
    const states = await ask()
    const { touched, rolled } = states
    const runHours = runHoursOf({ events: projection.position(), hours: touched?.size ?? 1 })
    let hours = 0
    for (const run of hoursToRoll(touched ?? new Map(), rolled, { now: world.now(), runHours })) {
      if (isOver()) break
      hours += await rollOrHalve(this.#ports, meter, run)
    }
    // Most turns roll nothing, and then the states are still those.
    return { hours, open: this.#openIn(hours === 0 ? states : await ask()) }
  }

  #openIn({ touched, rolled }: HourStates): readonly Micros[] {
    if (touched === null) return [...this.#open]
    const versions = new Map(rolled.map((version) => [version.hour, version]))
    return [...touched.keys()].filter((hour) => {
      const version = versions.get(hour)
      return version === undefined || !isClean(version, touched)
    })
  }
}

/** Rolls everything that is due now. */
export function rollDue(ports: RollPorts): Promise<number> {
  return new Roller(ports).turn()
}

export interface Audited {
  readonly hours: number
  readonly differing: number
}

async function auditHour(ports: RollPorts, rolled: RolledMeter, version: RolledHour): Promise<boolean> {
  const { engine, world } = ports
  const { hour, below, generation } = version
  const rolling = { rolled, run: { from: hour, to: (hour + hourMicros) as Micros }, below, generation }
  const recounted = hourOf(await recountHours(engine, rolling), hour)
  const stored = hourOf(await sumRolledHours(engine, rolling), hour)
  const asNoted = await compare(ports, { rolled, hour }, { expected: version, found: recounted })
  const asStored = await compare(ports, { rolled, hour }, { expected: recounted, found: stored })
  if (asNoted && asStored) return true
  await noteRolledHours(engine, { ...rolling, generation: voidGeneration }, [], world.now())
  return false
}

/** Recounts so many rolled hours, drawn at random, at the offsets at which they were rolled. */
export async function auditHours(ports: RollPorts, most: number): Promise<Audited> {
  const { engine, projection, world } = ports
  const meters = await ports.meters()
  let differing = 0
  let hours = 0
  for (let turn = 0; turn < most; turn += 1) {
    const rolled = meters[drawn(world, meters.length)]
    if (rolled === undefined) break
    const hour = await drawRolledHour(engine, rolled, drawn(world, 2 ** 32))
    if (hour === null) continue
    const span = { from: hour, to: (hour + hourMicros) as Micros }
    const [version] = (await askHourStates(engine, rolled, span, projection.position())).rolled
    if (version === undefined || version.generation === voidGeneration) continue
    hours += 1
    if (!(await auditHour(ports, rolled, version))) differing += 1
  }
  return { hours, differing }
}

const rollMillis = 10_000
const auditEvery = 6
const auditHoursMax = 5

/** The ports of a service. */
export function rollPortsOf({ database, engine, logger, projection, world }: Service): RollPorts {
  return {
    engine,
    projection,
    world,
    meters: async () => rolledOf(await listMeters(database)),
    raise: (difference) => raiseDiscrepancy(database, difference, world.now()),
    report: (error) => logger.warn({ err: error }, 'an hour could not be rolled; it is counted from its events'),
  }
}

/** Rolls every few seconds and audits every minute, where this process fills the store. Returns how to stop it. */
export function startRollups(service: Service): () => Promise<void> {
  const { logger } = service
  const ports = rollPortsOf(service)
  const roller = new Roller(ports)
  let isStopping = false
  let turns = 0
  let running: Promise<void> | null = null
  const tick = async (): Promise<void> => {
    if (!service.leads()) return
    await roller.turn(() => isStopping)
    turns += 1
    if (isStopping || turns % auditEvery !== 0) return
    const { differing } = await auditHours(ports, auditHoursMax)
    if (differing > 0)
      logger.error({ differing }, 'rolled hours differ from a recount; GET /v1/discrepancies tells which')
  }
  const timer = setInterval(() => {
    running ??= tick()
      .catch((error: unknown) => logger.warn({ err: error }, 'hours could not be rolled; it is tried again'))
      .finally(() => {
        running = null
      })
  }, rollMillis)
  timer.unref()
  return async () => {
    isStopping = true
    clearInterval(timer)
    await running
  }
}
