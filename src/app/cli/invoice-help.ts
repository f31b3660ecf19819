import { serviceHelp } from './client.ts'

/** What `crossfoot invoice --help` prints. */
export const invoiceHelp = `Usage: crossfoot invoice list [--account KEY] [--month 2026-10]
       crossfoot invoice show (ID | NUMBER | ACCOUNT [--month 2026-10]) [--html]
       crossfoot invoice issue (ACCOUNT | --all) --month 2026-10 [--waive REASON --by NAME]
       crossfoot invoice line ACCOUNT LINE --month 2026-10 [--day 2026-10-05] [--hours] [--events]
       crossfoot invoice drift (ID | NUMBER | --month 2026-10)

Shows drafts and invoices, issues them, and opens a line down to its events. An account's month
is a draft until it is issued: it is computed anew each time it is shown.

list     drafts and invoices, the newest month first
show     one invoice; with an account and a month its draft, or the invoice when it is issued
issue    gives a draft its number and freezes it for ever. It is refused while the month is not
         over in the account's time zone, and while usage may be missing; issuing again what is
         issued changes nothing. --all does it for every account that is billed.
line     one line with its price, its steps and its days
drift    what an issued invoice would be if it were issued now: late events and corrections counted
         in, at the prices of then. The invoice itself never changes. With --month those of a month
         that would be other ones

  --account KEY    list: only this account's
  --month MONTH    the calendar month in the account's time zone, such as 2026-10
  --html           show: the printable page instead of text; write it to a file with > FILE
  --waive REASON   issue although usage may be missing; the reason stands on the invoice
  --by NAME        who decided that
  --at-risk AMOUNT what may be missing, in the invoice's currency, when that is known
  --day DATE       line: only this day of the account's zone
  --hours          line: the hours behind the days
  --events         line: the events behind the hours, first those that happened first
  --limit N        line: at most so many events (default 100)
  --json           machine-readable output
${serviceHelp}

Examples:
  crossfoot invoice list --month 2026-10
  crossfoot invoice show acme --month 2026-10 --html > acme.html
  crossfoot invoice issue --all --month 2026-10
  crossfoot invoice line acme 2 --month 2026-10 --day 2026-10-05 --hours --events
`
