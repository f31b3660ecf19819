/**
 * Keeps hours rolled and audits them. Rolling computes rows out of rows inside the engine; what it makes counts only
 * when it is equal to a recount from the events. The audit recounts rolled hours at random, for as long as they hold.
 */
import { formatInstant, hourMicros, instantMin } from '../core/time.ts'
import type { Micros, Period } from '../core/time.ts'
import { listMeters } from '../meter/catalogue.ts'
import type { MeterDefinition } from '../meter/definition.ts'
import { raiseDiscrepancy } from '../meter/discrepancy.ts'
import type { Difference } from '../meter/discrepancy.ts'
import { everyEvent, hoursToRoll, rolledMeterOf } from '../meter/rollups.ts'
import {
  askHourStates,
  noteRolledHours,
  noteTouchedHours,
  recountHours,
  rollHours,
  sumRolledHours,
  voidGeneration,
  voidRolledHour,
} from '../store/rollup.ts'
import type { HourSum, RolledHour, RolledMeter } from '../store/rollup.ts'
import type { Service } from './service.ts'

/** What rolling needs of the service. */
export interface RollPorts extends Pick<Service, 'engine' | 'projection' | 'world'> {
  readonly meters: () => Promise<readonly RolledMeter[]>
  readonly raise: (difference: Difference) => Promise<void>
}

/** The meters that are rolled, of these: the newest version of each whose hours can be put together. */
export function rolledMetersOf(meters: readonly MeterDefinition[]): readonly RolledMeter[] {
  return [
    everyEvent,
    ...meters.flatMap((meter) => {
      const rolled = rolledMeterOf(meter)
      return rolled === null ? [] : [rolled]
    }),
  ]
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

function isSame(one: Told, two: Told): boolean {
  return one.accounts === two.accounts && one.digest === two.digest
}

function told({ accounts, digest }: Told): string {
  return `${accounts} accounts, digest ${digest}`
}

/** Raises what a recount finds other than it was rolled. True: nothing. */
async function compare(
  { raise }: RollPorts,
  { rolled, hour, version }: { readonly rolled: RolledMeter; readonly hour: Micros; readonly version: string },
  { expected, found }: { readonly expected: Told; readonly found: Told },
): Promise<boolean> {
  if (isSame(expected, found)) return true
  const { meter, version: meterVersion } = rolled
  const about = `${meter} version ${meterVersion}, hour ${formatInstant(hour)}`
  await raise({
    kind: 'rolled_hour',
    subject: `${about}, ${version}`,
    expected: told(expected),
    found: told(found),
    message: `a recount of ${about} from the events differs from what was rolled (${version})`,
  })
  return false
}

/** Rolls one run of hours of a meter; they count when a recount gives the same. */
async function rollRun(ports: RollPorts, rolled: RolledMeter, run: Period): Promise<number> {
  const { engine, projection, world } = ports
  const below = projection.position()
  // 48 bits at random: no other attempt at these hours has them.
  const generation = Buffer.from(world.random(6)).readUIntBE(0, 6)
  const rolling = { rolled, run, below, generation }
  await rollHours(engine, rolling)
  const hours = (run.to - run.from) / hourMicros
  const made = await sumRolledHours(engine, rolling, Array<number>(hours).fill(generation))
  const recounted = await recountHours(engine, rolling)
  let equal = true
  for (let hour = run.from; hour < run.to; hour = (hour + hourMicros) as Micros) {
    const sums = { expected: hourOf(recounted, hour), found: hourOf(made, hour) }
    equal = (await compare(ports, { rolled, hour, version: `generation ${generation}` }, sums)) && equal
  }
  if (equal) await noteRolledHours(engine, rolling, recounted, world.now())
  return equal ? hours : 0
}

/** Rolls a run; one that needs more memory than a statement may have is rolled in halves (L12). */
async function rollOrHalve(ports: RollPorts, rolled: RolledMeter, run: Period): Promise<number> {
  try {
    return await rollRun(ports, rolled, run)
  } catch (error) {
    const hours = (run.to - run.from) / hourMicros
    if (hours === 1) throw error
    const middle = (run.from + Math.floor(hours / 2) * hourMicros) as Micros
    const first = await rollOrHalve(ports, rolled, { from: run.from, to: middle })
    return first + (await rollOrHalve(ports, rolled, { from: middle, to: run.to }))
  }
}

export interface Rolls {
  /** Hours that were rolled, and that were found equal when they were recounted. */
  readonly hours: number
}

/** Rolls what is due, in the order of time; `isOver` is asked between runs. */
export async function rollDue(ports: RollPorts, isOver: () => boolean = () => false): Promise<Rolls> {
  const { engine, projection, world } = ports
  await noteTouchedHours(engine, projection.position())
  const always: Period = { from: instantMin, to: world.now() }
  let hours = 0
  for (const rolled of await ports.meters()) {
    const { touched, rolled: versions } = await askHourStates(engine, rolled, always, projection.position())
    if (touched === null || isOver()) break
    for (const run of hoursToRoll(touched, versions, world.now())) {
      if (isOver()) break
      hours += await rollOrHalve(ports, rolled, run)
    }
  }
  return { hours }
}

export interface Audited {
  readonly hours: number
  readonly differing: number
}

async function auditHour(ports: RollPorts, rolled: RolledMeter, version: RolledHour): Promise<boolean> {
  const { engine } = ports
  const { hour, below, generation } = version
  const run = { from: hour, to: (hour + hourMicros) as Micros }
  const recounted = hourOf(await recountHours(engine, { rolled, run, below }), hour)
  const stored = hourOf(await sumRolledHours(engine, { rolled, run, below }, [generation]), hour)
  const about = { rolled, hour, version: `generation ${generation}` }
  const asNoted = await compare(ports, about, { expected: version, found: recounted })
  const asStored = await compare(ports, about, { expected: recounted, found: stored })
  if (!asNoted || !asStored) await voidRolledHour(engine, rolled, version, ports.world.now())
  return asNoted && asStored
}

/** Recounts so many rolled hours, drawn at random, at the offsets at which they were rolled. */
export async function auditHours(ports: RollPorts, most: number): Promise<Audited> {
  const { engine, projection, world } = ports
  const always: Period = { from: instantMin, to: world.now() }
  const meters = await ports.meters()
  let differing = 0
  let hours = 0
  for (let turn = 0; turn < most; turn += 1) {
    const rolled = meters[drawn(world, meters.length)]
    if (rolled === undefined) break
    const { rolled: all } = await askHourStates(engine, rolled, always, projection.position())
    const versions = all.filter(({ generation }) => generation !== voidGeneration)
    const version = versions[drawn(world, versions.length)]
    if (version === undefined) continue
    hours += 1
    if (!(await auditHour(ports, rolled, version))) differing += 1
  }
  return { hours, differing }
}

const rollMillis = 10_000
const auditEvery = 6
const auditHoursMax = 5

/** The ports of a service. */
export function rollPortsOf({ database, engine, projection, world }: Service): RollPorts {
  return {
    engine,
    projection,
    world,
    meters: async () => rolledMetersOf(await listMeters(database)),
    raise: (difference) => raiseDiscrepancy(database, difference, world.now()),
  }
}

/** Rolls every few seconds and audits every minute, where this process fills the store. Returns how to stop it. */
export function startRollups(service: Service): () => Promise<void> {
  const { logger } = service
  const ports = rollPortsOf(service)
  let isStopping = false
  let ticks = 0
  let running: Promise<void> | null = null
  const tick = async (): Promise<void> => {
    if (!service.leads()) return
    await rollDue(ports, () => isStopping)
    ticks += 1
    if (isStopping || ticks % auditEvery !== 0) return
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
