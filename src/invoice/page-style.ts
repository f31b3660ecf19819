import { Html } from './html.ts'

/**
 * The look of a printed invoice. Screens may be light or dark; paper is always white. No font and no picture
 * comes from elsewhere, so the page can be mailed and kept as one file.
 */
export const pageStyle = new Html(`
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ground: #eceef1; --ink: #16191d; --quiet: #5a636e; --line: #d5d9de;
  --accent: #2456a6; --pale: #dfe6f1; --warn-ink: #7a3b00; --warn: #fff4e0; --warn-line: #e8b768;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16191d; --ground: #0c0e11; --ink: #e9ebee; --quiet: #9aa4b0; --line: #333a43;
    --accent: #7aa7ec; --pale: #2a3340; --warn-ink: #f3c98b; --warn: #2b2214; --warn-line: #7d5a22;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 10.5pt/1.45 "Inter", "Helvetica Neue", "Segoe UI", Arial, sans-serif;
  font-variant-numeric: tabular-nums lining-nums;
}
.sheet {
  position: relative; max-width: 210mm; margin: 8mm auto; padding: 16mm 17mm;
  background: var(--paper); box-shadow: 0 1px 3px rgb(0 0 0 / 18%);
}
header { display: flex; justify-content: space-between; gap: 12mm; margin-bottom: 9mm; }
.issuer { white-space: pre-line; color: var(--quiet); font-size: 9pt; }
.issuer strong { display: block; color: var(--ink); font-size: 12pt; }
.title { text-align: right; }
h1 { margin: 0; font-size: 19pt; white-space: nowrap; line-height: 1.1; font-weight: 600; letter-spacing: -.01em; }
.status { margin-top: 1.5mm; color: var(--quiet); }
.stamp {
  display: inline-block; padding: .3mm 2.5mm; border: 1.2pt solid currentColor; border-radius: 1mm;
  color: var(--warn-ink); font-weight: 700; letter-spacing: .12em; text-transform: uppercase; font-size: 9pt;
}
.facts { display: grid; grid-template-columns: 1fr 1fr; gap: 2.5mm 10mm; margin: 0 0 8mm; }
.facts div { border-top: .5pt solid var(--line); padding-top: 1.2mm; }
.facts dt { color: var(--quiet); font-size: 8.5pt; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.notice {
  margin: 0 0 3mm; padding: 2.2mm 3.5mm; border: .6pt solid var(--warn-line); border-radius: 1mm;
  background: var(--warn); color: var(--warn-ink); font-size: 9.5pt; overflow-wrap: anywhere;
}
table { width: 100%; border-collapse: collapse; }
th { text-align: left; font-weight: 600; }
.lines { margin-top: 6mm; }
.lines th, .lines td { padding: 2mm 0 2mm 4mm; vertical-align: top; }
.lines th:first-child, .lines td:first-child { padding-left: 0; }
.lines tbody td:first-child { color: var(--quiet); }
.lines thead th { white-space: nowrap; }
.lines thead th { border-bottom: 1pt solid var(--ink); font-size: 8.5pt; color: var(--quiet); padding-bottom: 1mm; }
.lines tbody td { border-bottom: .5pt solid var(--line); }
.lines .name { font-weight: 600; }
.lines .about { color: var(--quiet); font-size: 9pt; }
.n { text-align: right; }
.lines td.n { max-width: 46mm; }
.lines tfoot th, .lines tfoot td { padding-top: 3.5mm; font-size: 14pt; font-weight: 700; }
.lines tfoot td.n { max-width: none; }
.lines tfoot .step th, .lines tfoot .step td { padding-top: 1mm; font-size: inherit; font-weight: 400; }
.missing-note { color: var(--warn-ink); }
h2 { margin: 12mm 0 1mm; font-size: 14pt; font-weight: 600; }
.lead { margin: 0 0 4mm; color: var(--quiet); font-size: 9.5pt; }
.why { margin: 0; padding: 5mm 0; border-top: .5pt solid var(--line); break-inside: avoid; }
.why h3 { display: flex; justify-content: space-between; gap: 6mm; margin: 0; font-size: 11pt; font-weight: 600; }
.why p { margin: .5mm 0 2.5mm; color: var(--quiet); font-size: 9pt; overflow-wrap: anywhere; }
.steps { font-size: 9pt; }
.steps td { padding: .9mm 0 .9mm 5mm; vertical-align: baseline; border-bottom: .4pt dotted var(--line); }
.steps td:first-child { padding-left: 0; width: 42%; }
.steps td:first-child::first-letter { text-transform: uppercase; }
.steps .part { display: inline-block; }
.steps tr:last-child td { font-weight: 600; border-bottom: 0; }
.days { margin: 3.5mm 0 0; }
.days svg { display: block; width: 100%; height: auto; overflow: visible; }
.days .bar { fill: var(--accent); }
.days .ahead { fill: var(--pale); }
.days .base { stroke: var(--quiet); stroke-width: .8; }
.days .missing { fill: var(--warn-ink); }
.days text { fill: var(--quiet); font-size: 9px; text-anchor: middle; }
.days figcaption { color: var(--quiet); font-size: 8.5pt; overflow-wrap: anywhere; }
.missing-key { display: inline-block; width: 1.6mm; height: 1.6mm; margin: 0 1mm 0 1mm; border-radius: 50%; background: var(--warn-ink); }
footer { margin-top: 8mm; padding-top: 2mm; border-top: .5pt solid var(--line); color: var(--quiet); font-size: 8.5pt; overflow-wrap: anywhere; }
.watermark {
  position: absolute; inset: 0; overflow: hidden; pointer-events: none;
  display: flex; align-items: flex-start; justify-content: center;
}
.watermark span {
  margin-top: 95mm; transform: rotate(-28deg); font-size: 110pt; font-weight: 800; letter-spacing: .06em;
  color: var(--warn-ink); opacity: .08;
}
@media screen and (max-width: 640px) {
  .sheet { margin: 0; padding: 6mm 5mm; }
  header { flex-direction: column; gap: 4mm; }
  .title { text-align: left; }
  .facts { grid-template-columns: 1fr; }
  .lines td.n { max-width: 26mm; }
  .lines th, .lines td { padding-left: 2mm; font-size: 9pt; }
  .steps td { display: block; width: auto !important; padding-left: 0; border-bottom: 0; text-align: left; }
}
@page { size: A4; margin: 15mm 16mm 16mm; }
@media print {
  :root {
    color-scheme: light;
    --paper: #ffffff; --ground: #ffffff; --ink: #000000; --quiet: #444b54; --line: #c3c8ce;
    --accent: #2456a6; --pale: #e6ebf3; --warn-ink: #6b3400; --warn: #ffffff; --warn-line: #b98232;
  }
  body { font-size: 9.5pt; }
  .sheet { max-width: none; margin: 0; padding: 0; box-shadow: none; }
  .notice, .days .bar, .days .ahead, .missing-key, .days .missing { print-color-adjust: exact; }
  thead { display: table-header-group; }
  tr, .notice { break-inside: avoid; }
  h2 { break-after: avoid; }
  .annex { break-before: page; margin-top: 0; }
}
`)
