import { serviceHelp } from './client.ts'

/** What `crossfoot ownership --help` prints. */
export const ownershipHelp = `Usage: crossfoot ownership show ENDPOINT
       crossfoot ownership set ENDPOINT --account KEY --from TIME [--to TIME | --for-good] --by NAME --reason WHY
       crossfoot ownership release ENDPOINT --at TIME --by NAME --reason WHY
       crossfoot ownership merge KEY --into KEY --at TIME --by NAME --reason WHY
       crossfoot ownership split KEY --into KEY --endpoint NAME… --at TIME --by NAME --reason WHY [--create]
       crossfoot ownership unattributed --from TIME --to TIME [--top N]
       crossfoot ownership check --from TIME --to TIME [--endpoint NAME…] [--account KEY…]
       crossfoot ownership reattribute --from TIME --to TIME [--endpoint NAME…] [--account KEY…] --by NAME --reason WHY
       crossfoot ownership history [--account KEY] [--endpoint NAME]

Who owns which endpoint from when on, and who pays for its traffic.

show          who owned an endpoint when, by its own name and by wildcards, and who decided that
set           in a time, also a past one, the endpoint belongs to the account. Without --to: until further notice;
              where somebody else owns it later, say --to TIME, or --for-good to replace that as well
release       from an instant on it belongs to nobody
merge         from an instant on an account is another one: its endpoints go over, what names it is paid by the
              other one, and its subscriptions end. What lies before stays
split         endpoints of an account belong to another one, and so does what names the account there.
              --create makes the other account, with the zone and currency of this one
unattributed  traffic that nobody owns: by endpoint, what it would cost, since when, who may own it
check         stored traffic that is paid by another account than ownership says; exit code 1 when there is some
reattribute   moves that traffic to whom it belongs, each event with name and reason
history       decisions, the newest first: what, when, by whom, why

Stored traffic keeps its account until somebody moves it: set and release say how much they contradict, and move it
with --reattribute; merge and split move it unless --no-reattribute is given. An interrupted run goes on when repeated.

  --reattribute    set, release: also move the stored traffic that the change contradicts
  --no-reattribute merge, split: leave it where it is
  --dry-run        says what would be done, and does nothing
  --by NAME        who decides
  --reason WHY     why
  --json           machine-readable output
${serviceHelp}

Examples:
  crossfoot ownership unattributed --from 2026-11-01 --to 2026-12-01
  crossfoot ownership set api.example.com --account acme --from 2026-11-01T00:00:00Z --reattribute \\
    --by "Ada Osei" --reason "contract 4711"
`
