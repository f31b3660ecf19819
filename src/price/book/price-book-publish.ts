import { inTransaction } from '../../account/database.ts'
import type { Database, Queryable } from '../../account/database.ts'
import { Refusal } from '../../core/errors.ts'
import type { Problem } from '../../core/errors.ts'
import type { Micros } from '../../core/time.ts'
import { addOnShelf } from './add-on-catalogue.ts'
import { couponShelf } from './coupon-catalogue.ts'
import { note } from '../place.ts'
import { publishPlanIn } from './plan-catalogue.ts'
import { planImport } from './price-book-import.ts'
import type { PriceBookImport } from './price-book-import.ts'
import type { FileEntry, PriceBookFile } from './price-book-file.ts'
import { loadPriceBook } from './price-book-load.ts'
import { publishVersion } from './price-book-shelf.ts'

export interface ImportContext {
  readonly now: Micros
  /** Does everything and takes it back, so that what it says is what an import would say. */
  readonly dryRun: boolean
}

function refuse(problems: readonly Problem[]): never {
  const [first] = problems
  const others = problems.length > 1 ? `, and ${problems.length - 1} more` : ''
  throw new Refusal(
    problems.every(({ code }) => code === first?.code) ? (first?.code ?? 'REQUEST_INVALID') : 'REQUEST_INVALID',
    `nothing is imported: ${first?.field ?? ''} ${first?.message ?? ''}${others}`,
    { problems },
  )
}

/** A version that the service refuses, as problems at its place in the file. No statement failed: others can be tried. */
function problemsAt(place: string, { code, message, problems }: Refusal): readonly Problem[] {
  if (problems.length === 0) return [{ code, field: place, message }]
  return problems.map((problem) => ({ ...problem, field: `${place}.${problem.field ?? ''}` }))
}

async function publishAll<Version extends { readonly key: string }>(
  entries: readonly FileEntry<Version>[],
  publish: (version: Version) => Promise<unknown>,
): Promise<readonly Problem[]> {
  const problems: Problem[] = []
  const refused = new Set<string>()
  for (const { place, version } of entries) {
    // What follows a version that is refused has no place to follow: that would be said of each, and is no news.
    if (refused.has(version.key)) continue
    try {
      await publish(version)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      refused.add(version.key)
      for (const problem of problemsAt(place, error)) note(problems, problem)
    }
  }
  return problems
}

async function execute(client: Queryable, { publish }: PriceBookImport, now: Micros): Promise<void> {
  const input = <Version extends { readonly version: number }>(version: Version) => ({
    terms: version,
    version: version.version,
  })
  const sold = [
    ...(await publishAll(publish.plans, async (plan) => publishPlanIn(client, input(plan), now))),
    ...(await publishAll(publish.add_ons, async (addOn) =>
      publishVersion(client, addOnShelf, { input: input(addOn), now }),
    )),
  ]
  // A coupon is off prices that have to be there: while some of them are not, it would be refused for that.
  const problems =
    sold.length > 0
      ? sold
      : await publishAll(publish.coupons, async (coupon) =>
          publishVersion(client, couponShelf, { input: input(coupon), now }),
        )
  if (problems.length > 0) refuse(problems)
}

/** Publishes what a file has and the service has not: all of it, or nothing. The same file again does nothing. */
export async function importPriceBook(
  database: Database,
  file: PriceBookFile,
  { now, dryRun }: ImportContext,
): Promise<PriceBookImport> {
  return inTransaction(database, async (client) => {
    // Imports take turns, so that each says what it published itself.
    await client.query("select pg_advisory_xact_lock(hashtext('import of the price book'))")
    const planned = planImport(await loadPriceBook(client), file)
    if (!planned.ok) return refuse(planned.error)
    await client.query('savepoint before_import')
    await execute(client, planned.value, now)
    if (dryRun) await client.query('rollback to savepoint before_import')
    return planned.value
  })
}
