import { serviceHelp } from './client.ts'

/** What `crossfoot backfill --help` prints. */
export const backfillHelp = `Usage: crossfoot backfill open SOURCE --from TIME --to TIME [--restore] --by NAME --reason WHY
       crossfoot backfill load JOB FILE
       crossfoot backfill preview JOB
       crossfoot backfill (close | discard | revert) JOB --by NAME --reason WHY
       crossfoot backfill show JOB
       crossfoot backfill list [--state STATE]

Brings events of any age, and shows what they would change before they count. They are held against
everything that is stored, so what was counted before is not counted again.

open     a job for the events of one source in a time
load     a file with one event per line, plain, gzip or zstd. Loading it again is harmless
preview  what closing would do: what is new, known or contradicting, the effect on usage by account,
         meter and month, and on invoices that are issued already
close    what is new is counted from now on. What contradicts goes into quarantine
discard  forget what was loaded
revert   take back exactly what a closed job brought
show     one job, and who decided what about it
list     all jobs, the newest first

  --by NAME     who decides
  --reason WHY  why; it stays with the job and what it brought
  --restore     open: closing brings back what was retracted, with the content that is loaded
  --no-wait     close and revert: do not wait until it is done; it goes on by itself
  --state S     list: only jobs that are open, closing, closed, discarded, reverting or reverted
  --json        machine-readable output
${serviceHelp}
`
