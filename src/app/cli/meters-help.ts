import { serviceHelp } from './client.ts'

/** What `crossfoot meters --help` prints. */
export const metersHelp = `Usage: crossfoot meters list [--all]
       crossfoot meters show KEY
       crossfoot meters preview (FILE | KEY [VERSION]) --from TIME --to TIME [--account KEY] [--window W] [--group-by NAMES]
       crossfoot meters add FILE [--draft]
       crossfoot meters activate KEY VERSION [--sha256 HASH] [--by NAME]
       crossfoot meters delete KEY VERSION
       crossfoot meters library [KEY]
       crossfoot meters library add KEY [--draft]
       crossfoot meters (archive | restore) KEY --reason TEXT [--by NAME]

A meter turns events into a quantity. A version of one is a draft, which counts nothing, or active, and then never changes.

list       meters in use; --all with those that are archived
show       a meter's versions: drafts, who activated which when, and the current definition
preview    what a definition counts on past data, beside what the meter counts now. Changes nothing
add        adds meters, or next versions of them: active at once, or as drafts
activate   makes a version the current one
delete     removes a draft
library    meters that are ready to be added: what each counts, which events it needs, and one of them
archive    takes a meter that no plan bills out of the lists; what it counts can be asked for as before

FILE is JSON with one definition or a list of them, or a TypeScript file whose default export is that (see
src/meter/define.ts and examples/03-define-meters.ts). docs/data/meters.md explains definitions.

  --from, --to     a time or a date; the first is inside, the second is not
  --account KEY    preview: of one account; without it, all accounts and those that change most
  --window W       preview: rows by minute, 5minutes, hour, day or month
  --timezone ZONE  preview: where days and months begin
  --group-by NAMES preview: dimensions separated by commas, of one account
  --draft          add as a draft
  --sha256 HASH    activate: only if the version has this definition_sha256, as preview and show print it
  --by NAME        who decides; by default the name of the API key
  --reason TEXT    why
  --json           the API's answers as they are
${serviceHelp}

Examples:
  crossfoot meters preview tokens.json --from 2026-10-01 --to 2026-11-01
  crossfoot meters add tokens.json --draft && crossfoot meters activate tokens 1 --by "Ada Osei"
  crossfoot meters library add certificate_hours
`
