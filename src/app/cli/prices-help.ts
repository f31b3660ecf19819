import { serviceHelp } from './client.ts'

/** What `crossfoot prices --help` prints. */
export const pricesHelp = `Usage: crossfoot prices export [FILE]
       crossfoot prices check FILE
       crossfoot prices diff FILE [--exit-code]
       crossfoot prices diff OLD NEW [--exit-code]
       crossfoot prices import FILE [--dry-run]
       crossfoot prices simulate [FILE] --month MONTH (see below)

The price book as a file, to be kept under version control and reviewed like code: all versions of plans, add-ons and
coupons. A published version never changes; a change of price is a new version.

export     writes the service's price book to FILE, or to the terminal, in one order and one form
check      reads FILE and tells everything that is wrong with it. Needs no service
diff       what importing FILE would change in the service; or what is different between two files, without a service.
           Each new version is shown against the one before it
import     publishes the versions of FILE that the service has not: all of them, or none. A published version with other
           terms is refused with its place. The same file again does nothing
simulate   what a change would do to all accounts, on the usage of past months

FILE is JSON, or a TypeScript file whose default export is the document (see definePriceBook in
src/price/book/define-plan.ts). docs/data/price-book.md explains the document.

  --exit-code      diff: exit with 1 when there are differences, as git diff does; without it, differences are no failure
  --dry-run        import: does everything, tells what it did, and takes it back
  --color WHEN     diff: always, never, or auto, which is where a person is watching (default; NO_COLOR is heard)
  --json           diff, check, import: as data
${serviceHelp}

Examples:
  crossfoot prices export prices.json && git add prices.json
  crossfoot prices check prices.json && crossfoot prices diff prices.json
  crossfoot prices import prices.json --dry-run
`
