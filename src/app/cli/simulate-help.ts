/** A part of what `crossfoot prices --help` prints. */
export const simulateHelp = `Usage: crossfoot prices simulate [FILE] --month MONTH … [--assign FROM=TO …]

What a changed price book would do to all accounts: their past months, on the usage that was stored, under the price book
as it is and as FILE changes it. Keeps nothing. Ctrl-C ends it, here and in the service.

FILE is a price book as \`crossfoot prices export\` writes it, or a part of one. What is different in it holds in all of the
months, whenever it says that it takes effect. A version without a number is the next one of its key; a published version
may be written otherwise. Without FILE, --assign says what is different.

  --month MONTH    such as 2026-10, in the time zone of each account; again for more months
  --as-stated      what FILE changes takes effect when it says so, also in the middle of a month
  --assign A=B     accounts of plan A as if they had been under plan B; again for more
  --plan PLAN      only accounts under this plan; again for more
  --named N        so many accounts are named that pay most more, and most less (default 10, at most 100)
  --csv FILE       a row for each account
  --picture FILE   the distribution as a picture: FILE.svg, or FILE.html with the numbers as tables
  --json           the summary as data

Amounts are after coupons and before taxes, without credits.

  crossfoot prices export prices.json   # change a price in it, then:
  crossfoot prices simulate prices.json --month 2026-10 --picture october.html
`
