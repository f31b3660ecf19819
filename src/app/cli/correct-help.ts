import { serviceHelp } from './client.ts'

/** What `crossfoot correct --help` prints. */
export const correctHelp = `Usage: crossfoot correct amend SOURCE (--id ID | --seq N) --set FIELD=VALUE… --by NAME --reason WHY
       crossfoot correct retract SOURCE (--id ID | --seq N) --by NAME --reason WHY
       crossfoot correct reattribute SOURCE (--id ID | --seq N) --account KEY --by NAME --reason WHY
       crossfoot correct endpoint ENDPOINT --from TIME --to TIME --account KEY --by NAME --reason WHY
       crossfoot correct list [--from TIME] [--to TIME] [--account KEY]

Corrects accepted events. A correction is a new version of an event; the old one stays in the log and is
not counted any more. Issued invoices stay as they are; "crossfoot invoice drift" shows the difference.

amend        new values for fields; amending a retracted event restores it
retract      the event is not counted any more
reattribute  the event belongs to another account
endpoint     all traffic of an endpoint in a time belongs to another account; what is moved is
             unattributed traffic, or that of --from-account. An interrupted run goes on when repeated
list         corrections, the newest first: which, when, by whom, why

  --id ID, --seq N     the event's identity in its source, with --epoch NAME where there is one
  --set FIELD=VALUE    a field's new value, as often as needed; "--set FIELD=" takes it away
  --expect OFFSET      refuse when the event's newest version is another one than you saw
  --by NAME            who decides
  --reason WHY         why; it stays with the event
  --dry-run            only say what would be done
  --json               machine-readable output
${serviceHelp}

Examples:
  crossfoot correct amend edge-1 --seq 17 --set bytes_out_wire=500 --by ada --reason "logged twice"
  crossfoot correct endpoint api.example.com --from 2026-10-01T00:00:00Z --to 2026-11-01T00:00:00Z \\
    --account acme --by ada --reason "contract since October" --dry-run
`
