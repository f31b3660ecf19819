import { addsUp } from '../../collect/import-file.ts'
import type { ImportReport } from '../../collect/import-file.ts'
import { formatInstant } from '../../core/time.ts'

const count = new Intl.NumberFormat('en-US')
const places = ['accepted', 'duplicates', 'quarantined', 'skipped'] as const
const aboutPlace = {
  accepted: 'counted now',
  duplicates: 'sent, and counted before',
  quarantined: 'kept aside with a reason, not counted',
  skipped: 'not counted anew, the service already had them',
} as const

/** Whether the file was taken as it was asked for. */
export function succeeded(report: ImportReport): boolean {
  return report.stopped === undefined && report.damage === undefined && addsUp(report)
}

/** Why the file was not taken as a whole, for stderr; undefined when it was. */
export function failureOf(report: ImportReport): string | undefined {
  const { damage, stopped } = report
  if (stopped !== undefined) return `${report.file}: ${stopped}`
  if (damage !== undefined)
    return `${report.file}: could be read up to line ${count.format(damage.afterLine)}, ${count.format(damage.contentBytes)} bytes into its content: ${damage.reason}. Import the whole file when you have it: no line is counted twice`
  if (!addsUp(report)) return `${report.file}: the lines read and what became of them do not add up; this is a bug`
  return undefined
}

/** The lines of a file, down and across: what was read must equal what became of it (L1). */
export function formatSummary(report: ImportReport): string {
  const width = Math.max(...[report.lines, ...places.map((place) => report[place])].map((n) => count.format(n).length))
  const row = (n: number, about: string): string => `  ${count.format(n).padStart(width)}  ${about}`
  const sum = places.reduce((total, place) => total + report[place], 0)
  return [
    report.source === undefined ? report.file : `${report.file} as ${report.source}`,
    ...places.map((place) => row(report[place], `${place.padEnd(11)}  ${aboutPlace[place]}`)),
    row(sum, `= ${addsUp(report) ? 'all' : 'NOT ALL'} of ${count.format(report.lines)} lines read`),
    ...remarks(report).map((remark) => `  ${remark}`),
    '',
  ].join('\n')
}

/** Everything that somebody should know about the import, in sentences. */
function remarks(report: ImportReport): string[] {
  const found: string[] = []
  const { unfinished } = report
  for (const { line, code, message } of report.quarantinedFirst) found.push(`line ${line}: ${code}: ${message}`)
  const more = report.quarantined - report.quarantinedFirst.length
  if (more > 0 && report.quarantinedFirst.length > 0) found.push(`and ${count.format(more)} more in quarantine`)
  if (report.directives > 0)
    found.push(`${count.format(report.directives)} lines speak about the file (#Fields:) and are no events`)
  if (report.withoutSize > 0)
    found.push(
      `${count.format(report.withoutSize)} requests carry no size; they are kept apart from requests of size 0`,
    )
  if (report.accountMissing > 0)
    found.push(
      `the account rule found nothing in ${count.format(report.accountMissing)} lines; they were sent without an account`,
    )
  if (report.accountNotKey > 0)
    found.push(
      `the account rule found something in ${count.format(report.accountNotKey)} lines that cannot be the key of an account; they were sent without one`,
    )
  if (unfinished !== undefined)
    found.push(
      `ATTENTION: line ${count.format(unfinished.line)} (${count.format(unfinished.bytes)} bytes) was LEFT OUT: it does not end with a newline, so it may be unfinished. When nothing is written to the file any more, import it again with --final`,
    )
  if (report.checkpoint?.failure !== undefined)
    found.push(
      `the checkpoint of this file did not arrive (${report.checkpoint.failure}); its lines did. Import it again to state it`,
    )
  if (report.source === undefined && unfinished === undefined && succeeded(report))
    found.push('the file is empty; there was nothing to import')
  return found
}

/** What the service has of it; null when nothing was stated. */
function checkpointJson(checkpoint: ImportReport['checkpoint']): Record<string, unknown> | null {
  if (checkpoint === undefined || checkpoint.failure !== undefined) return null
  return { seq: checkpoint.seq, time: formatInstant(checkpoint.time) }
}

/** The summary for programs. Counts of lines are JSON numbers; nothing in it is an amount. */
export function summaryJson(reports: readonly ImportReport[], notBegun: readonly string[]): string {
  const files = reports.map((report) => ({
    file: report.file,
    source: report.source ?? null,
    lines: report.lines,
    directives: report.directives,
    accepted: report.accepted,
    duplicates: report.duplicates,
    quarantined: report.quarantined,
    skipped: report.skipped,
    adds_up: addsUp(report),
    without_size: report.withoutSize,
    account_missing: report.accountMissing,
    account_not_key: report.accountNotKey,
    unfinished: report.unfinished ?? null,
    damage: report.damage ?? null,
    stopped: report.stopped ?? null,
    checkpoint: checkpointJson(report.checkpoint),
    quarantined_first: report.quarantinedFirst.map(({ line, code, message }) => ({ line, code, message })),
  }))
  return `${JSON.stringify({ ok: notBegun.length === 0 && reports.every(succeeded), files, not_begun: notBegun })}\n`
}
