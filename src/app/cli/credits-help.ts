import { serviceHelp } from './client.ts'

/** What `crossfoot credits --help` prints. */
export const creditsHelp = `Usage: crossfoot credits list ACCOUNT [--at TIME] [--json]
       crossfoot credits grant ACCOUNT --amount MONEY --name TEXT --by NAME [--reason WHY] [--promotional | --prepaid]
                         [--paid MONEY] [--priority N] [--meter KEY…] [--from TIME] [--expires TIME]
                         [--every N-UNIT] [--anchor TIME] [--recurring MONEY] [--keep-min MONEY] [--keep-max MONEY]
       crossfoot credits show CREDIT [--at TIME] [--json]
       crossfoot credits void CREDIT --by NAME --reason WHY

What accounts have that pays their invoices: promotional credits before tax, prepaid ones after it.

list    an account's credits, oldest first, with what is left of each
grant   gives an account a credit, in its currency
show    one credit and its ledger: what was granted, burned, given back, rolled over, has expired or was voided
void    ends a credit: what is left of it goes, and it pays nothing any more

  --promotional       the default; --prepaid for what was bought
  --paid MONEY        what a prepaid credit cost
  --priority N        0 to 1000, lower burns first (default 100); then the earlier expiry, then the earlier creation
  --meter KEY         pays for lines of this meter only; may be given more than once
  --from TIME         from when on it pays (default now)
  --expires TIME      from then on it pays nothing (default never)
  --every N-UNIT      granted anew every so many days, weeks, months or years: 1-month, 2-weeks
  --anchor TIME       a start of that cycle (default --from)
  --recurring MONEY   what is granted each time (default --amount)
  --keep-max MONEY    of the rest, so much goes on to the next time; "all" for all of it (default nothing)
  --keep-min MONEY    a smaller rest is filled up to so much
  --at TIME           as of this instant (default now)
  --once KEY          an Idempotency-Key: the command again with the same key grants nothing more
  --json              machine-readable output
${serviceHelp}

Times are RFC 3339 with a zone, such as 2026-11-01T00:00:00Z.

Examples:
  crossfoot credits grant acme --amount 50.00 --name 'Sorry for the outage' --by 'Ann Lee' --reason 'ticket 4711'
  crossfoot credits grant acme --amount 20 --name 'Included usage' --every 1-month --from 2026-11-01T00:00:00Z --by Ann
  crossfoot credits list acme
`
