import { serviceHelp } from './client.ts'

/** What `crossfoot quarantine --help` prints. */
export const quarantineHelp = `Usage: crossfoot quarantine list [CONDITIONS] [--state STATE] [--limit N]
       crossfoot quarantine show NUMBER
       crossfoot quarantine release (NUMBER … | CONDITIONS | --all) --by NAME --reason TEXT [--dry-run]
       crossfoot quarantine repair NUMBER (EVENT | @FILE) --by NAME --reason TEXT [--dry-run]
       crossfoot quarantine write-off (NUMBER … | CONDITIONS) --by NAME --reason TEXT [--dry-run]

What could not be counted is kept here until a person has decided what becomes of it. Nothing leaves by itself.

list       what is held, the newest first
show       one held input, as it arrived, and how it was resolved
release    sends held inputs through the door again: what is good by now is counted under its own identity and time.
           It can be repeated and broken off: nothing is counted twice. Exit code 1 when something stays held.
repair     puts a repaired event (JSON) in the place of a held input, under the same source, epoch and number or id
write-off  decides for good that held inputs will never be counted

CONDITIONS, all of which have to be met:
  --source NAME    the source that sent it
  --code CODE      why it is held, such as EVENT_FIELD_INVALID
  --text TEXT      a part of what arrived
  --from, --to     arrived in this time (RFC 3339)

  --state STATE    list: open (default), released, duplicate, written_off or all
  --limit N        list: at most so many (default 50)
  --all            release: everything that is open
  --by NAME        who decides
  --reason TEXT    why
  --dry-run        says what would become of each, and changes nothing
  --json           machine-readable output
${serviceHelp}

Examples:
  crossfoot quarantine list --code EVENT_TIME_FUTURE
  crossfoot quarantine release --code EVENT_TIME_FUTURE --source edge-3 --by "Ada Osei" --reason "its clock was ahead"
  crossfoot quarantine repair 17 @event.json --by "Ada Osei" --reason "sign dropped"
`
