/**
 * The colours, as ledger paper has them: a pale green ground, ink, a green for what is counted and a red for what
 * does not agree. A test holds every pair of text and ground to WCAG AA in both schemes.
 */
export const palette = {
  light: {
    ground: '#f4f7f2',
    paper: '#ffffff',
    band: '#f1f6ef',
    ink: '#17231d',
    muted: '#55645b',
    rule: '#d5dfd5',
    strong: '#82928a',
    accent: '#17603f',
    warn: '#8a5300',
    bad: '#a62a1c',
    s0: '#1f6b4b',
    s1: '#3f7cac',
    s2: '#b07a1e',
    s3: '#81588a',
    s4: '#84928a',
    s5: '#c2452f',
  },
  dark: {
    ground: '#0e1411',
    paper: '#151d19',
    band: '#1a241f',
    ink: '#e6eee8',
    muted: '#9db0a4',
    rule: '#2a3730',
    strong: '#65776c',
    accent: '#7fd3a8',
    warn: '#e8b45a',
    bad: '#ff9584',
    s0: '#4aa57d',
    s1: '#6ba6d3',
    s2: '#d6a548',
    s3: '#b48cbe',
    s4: '#76867d',
    s5: '#ef7a63',
  },
} as const

export type Scheme = keyof typeof palette

function variables(scheme: Scheme): string {
  return Object.entries(palette[scheme])
    .map(([name, colour]) => `--${name}:${colour}`)
    .join(';')
}

const base = `
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:break-word}
.wide{max-width:1240px;margin:0 auto;padding:0 20px}
a{color:var(--accent);text-underline-offset:.18em;text-decoration-thickness:1px}
a:hover{text-decoration-thickness:2px}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:2px}
code,pre,.formula{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:.92em}
h1,h2,h3{line-height:1.2;font-weight:600;letter-spacing:-.01em;text-wrap:balance}
h1{font:500 30px/1.15 Georgia,"Iowan Old Style","Times New Roman",serif;margin:0 0 6px}
h2{font-size:16px;margin:0 0 12px}
h3{font-size:14px;margin:0 0 8px}
h2 small{font-weight:400;color:var(--muted);font-size:13px;margin-left:6px}
small,.note{font-size:12.5px}
.note{display:block;color:var(--muted);font-weight:400}
.muted,.currency{color:var(--muted)}
.currency{font-size:.82em}
.warn{color:var(--warn)}
.good{color:var(--accent)}
.zero{color:var(--muted)}
.num,.n{font-variant-numeric:tabular-nums}
.line{display:block}
.unknown{color:var(--muted);font-style:italic;border-bottom:1px dotted var(--strong);cursor:help}
data[title],time[title]{text-decoration:none;cursor:default}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
time{white-space:nowrap}
.skip{position:absolute;left:-999px}
.skip:focus{left:12px;top:12px;background:var(--paper);padding:8px 12px;z-index:2}
`

const frame = `
.top{background:var(--paper);border-bottom:1px solid var(--rule);border-top:3px solid var(--accent)}
.top .wide{display:flex;align-items:center;gap:16px;min-height:52px;flex-wrap:wrap}
.brand{display:flex;align-items:center;gap:9px;font-weight:650;color:var(--ink);text-decoration:none;letter-spacing:-.01em}
.mark{display:block}
.mark .thin{fill:var(--strong);opacity:.55}.mark .mid{fill:var(--strong)}.mark .sum{fill:var(--accent)}
.company{color:var(--muted);padding-left:16px;border-left:1px solid var(--rule)}
.top nav{margin-left:auto;display:flex;gap:4px}
.top nav a{padding:6px 10px;border-radius:4px;color:var(--ink);text-decoration:none}
.top nav a:hover{background:var(--band)}
.top nav a[aria-current]{background:var(--band);box-shadow:inset 0 -2px var(--accent)}
main.wide{padding-top:28px;padding-bottom:40px}
footer{color:var(--muted);font-size:12.5px;padding-bottom:30px}
.lead{margin-bottom:22px}
.lead>p{margin:0 0 8px;max-width:75ch}
.facts{display:flex;flex-wrap:wrap;gap:2px 14px;color:var(--muted)}
.state{display:flex;flex-wrap:wrap;gap:2px 18px;font-size:13.5px;color:var(--muted)}
.state b{color:var(--ink);font-weight:600}
.waiting{color:var(--warn);font-weight:600}
.months{display:flex;gap:14px;align-items:baseline;font-size:14px;margin-top:6px}
.months b{font-weight:600}
.crumbs{font-size:13px;color:var(--muted);margin-bottom:10px}
section{background:var(--paper);border:1px solid var(--rule);border-radius:6px;padding:18px 20px;margin-bottom:20px}
section section{border:0;padding:0;margin:0;background:none}
.pair{display:grid;gap:20px;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));margin-bottom:20px}
section .pair{gap:26px 32px}
.pair>section{min-width:0;margin-bottom:0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));margin:0;gap:14px 0}
.tile{padding:0 20px;border-left:1px solid var(--rule)}
.tile:first-child{padding-left:0;border-left:0}
.tile dt{color:var(--muted);font-size:13px}
.tile dd{margin:0;font-size:25px;line-height:1.3;font-weight:550;letter-spacing:-.015em}
.tile dd .unknown,.tile dd .line+.line.unknown{width:fit-content;font-size:13.5px;letter-spacing:0;font-weight:400}
.tile dd .line+.line{font-size:17px}
.button{display:inline-block;padding:7px 14px;border:1px solid var(--strong);border-radius:4px;text-decoration:none;color:var(--ink)}
.button:hover{background:var(--band)}
pre{background:var(--band);border:1px solid var(--rule);border-radius:4px;padding:12px 14px;white-space:pre-wrap;overflow-wrap:anywhere;margin:0;user-select:all;-webkit-user-select:all}
.hint{color:var(--muted);font-size:13px;margin:10px 0 0;max-width:80ch}
.error .status{font:500 44px/1 Georgia,"Times New Roman",serif;color:var(--bad);margin:0 0 10px}
.empty{color:var(--muted);margin:0}
`

const tables = `
table{border-collapse:collapse;width:100%}
caption{text-align:left;color:var(--muted);font-size:12.5px;padding-bottom:4px}
th,td{text-align:left;padding:7px 12px;vertical-align:top;font-weight:400}
th:first-child,td:first-child{padding-left:8px}
th:last-child,td:last-child{padding-right:8px}
thead th{color:var(--muted);font-size:12.5px;border-bottom:1px solid var(--strong);white-space:nowrap;vertical-align:bottom}
thead a{color:inherit;text-decoration:none}
thead a:hover{text-decoration:underline}
thead [aria-sort] a{color:var(--ink);font-weight:600}
thead [aria-sort=descending] a::after{content:" ↓"}
thead [aria-sort=ascending] a::after{content:" ↑"}
tbody tr+tr>*{border-top:1px solid var(--rule)}
tbody tr:nth-child(even)>*,.lines tbody:nth-of-type(even)>*>*{background:var(--band)}
.lines tbody tr>*{border:0;background:none}
.lines tbody+tbody tr:first-child>*{border-top:1px solid var(--rule)}
.lines .reason{padding-top:0}
tbody th[scope=row]{font-weight:550}
.c-name,.legend,.facts,.quarantine th[scope=row],.quarantine .note{overflow-wrap:anywhere}
.accounts .c-name,.quarantine th[scope=row]{min-width:150px}
.n{text-align:right;white-space:nowrap}
.n .note{white-space:normal}
tfoot th,tfoot td{border-top:1px solid var(--ink);border-bottom:3px double var(--ink);font-weight:600}
.scroll{overflow-x:auto}
.accounts .label{display:none}
.accounts .c-spark{width:170px}
.unattributed>*{color:var(--ink)}
.accounts tbody .unattributed>*{border-top:1px solid var(--strong)}
.unattributed th a{color:var(--bad)}
.check{margin:12px 0 0;font-size:13.5px;color:var(--muted)}
.check.good{color:var(--accent)}
.check.bad{color:var(--bad);border-left:3px solid var(--bad);padding:4px 12px}
.check ul{margin:4px 0 0;padding-left:18px}
.lines th[scope=row]{padding-bottom:2px}
.lines details{font-size:13px}
summary{cursor:pointer;color:var(--accent);width:fit-content}
.why{margin:6px 0 4px;padding-left:20px;max-width:76ch}
.why li{margin-bottom:5px}
.why .about{display:block;color:var(--muted)}
.formula{overflow-wrap:anywhere}
.badge{display:inline-block;padding:0 8px;border:1px solid currentColor;border-radius:10px;font-size:12.5px;color:var(--muted)}
.badge.issued{color:var(--ink)}.badge.paid{color:var(--accent)}.badge.uncollectible,.badge.void{color:var(--bad)}
.raw{min-width:300px;max-width:520px}
.raw code{overflow-wrap:anywhere;white-space:pre-wrap}
.quarantine td .note{min-width:200px;max-width:38ch}
`

const pictures = `
.chart{margin:0}
.plot{display:flex}
.bars{flex:1;min-width:0;display:block;overflow:visible}
.axis{flex:none;display:block}
.axis text,.bars text{fill:var(--muted);font-size:11.5px}
.axis text{text-anchor:end}
.bars text{text-anchor:middle}
.bars .end{text-anchor:end}
.grid{stroke:var(--rule)}
.base{stroke:var(--strong)}
.hit{fill:transparent}
.day:hover .hit{fill:var(--ink);fill-opacity:.06}
.bars .none{font-size:13px;font-style:normal}
.growing rect:not(.hit){opacity:.55}
.gap{fill:none;stroke:var(--strong);stroke-dasharray:2 3}
.s0{fill:var(--s0);background:var(--s0)}.s1{fill:var(--s1);background:var(--s1)}.s2{fill:var(--s2);background:var(--s2)}
.s3{fill:var(--s3);background:var(--s3)}.s4{fill:var(--s4);background:var(--s4)}.s5{fill:var(--s5);background:var(--s5)}
.legend{display:flex;flex-wrap:wrap;gap:2px 14px;margin:0 0 6px;padding:0;list-style:none;font-size:12.5px;color:var(--muted)}
.key{display:inline-block;width:9px;height:9px;border-radius:2px;margin-right:6px}
.numbers{font-size:13px;margin-top:4px}
.numbers .scroll{max-height:340px;overflow:auto;margin-top:8px}
.numbers tbody th{white-space:nowrap}
.numbers td{text-align:right;white-space:nowrap}
.numbers th,.numbers td{padding-top:3px;padding-bottom:3px}
.numbers thead th{position:sticky;top:0;background:var(--paper)}
.spark{display:block;width:100%;height:29px}
.spark .bar{fill:var(--s0)}
.spark .line{stroke:var(--rule);stroke-width:1;vector-effect:non-scaling-stroke;fill:none}
.spark .gap{fill:var(--strong);stroke:none}
`

// Below this width a row of the accounts is a card: the names of its columns stand beside its numbers.
const narrow = `
@media(max-width:720px){
.wide{padding:0 14px}
.top .wide{padding-top:8px;padding-bottom:4px;gap:4px 12px}
.top nav{margin-left:-10px;flex-basis:100%}
h1{font-size:26px}
section{padding:14px}
.tiles{grid-template-columns:minmax(0,1fr) minmax(0,1fr)}
.tile{padding:0;border:0}
.tile dd{font-size:21px}
.wide-only{display:none}
thead th{white-space:normal}
.accounts,.accounts tbody,.accounts tfoot{display:block}
.accounts thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.accounts tr{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:0 16px;padding:10px 4px;border-top:1px solid var(--rule)}
.accounts tbody tr:nth-child(even){background:var(--band)}
.accounts tr>*{display:block;padding:0;border:0!important;background:none!important}
.accounts .c-spark{width:auto}
.accounts .c-name{min-width:0}
.accounts tfoot tr{border-top:1px solid var(--ink);border-bottom:3px double var(--ink)}
.accounts tfoot .c-spark{display:none}
.accounts tfoot .c-name{grid-column:1/-1}
.accounts .label{display:inline;color:var(--muted);font-size:12.5px}
.accounts td.n{display:flex;justify-content:space-between;gap:8px;align-items:baseline;text-align:right}
.accounts .c-cost{grid-column:1/-1;font-weight:600}
.accounts .worth{font-weight:400}
th,td{padding-left:6px;padding-right:6px}
}
@media(max-width:520px){.bars .week{display:none}}
@media print{.top nav,.skip,.numbers summary{display:none}section{break-inside:avoid}}
`

/** Everything the pages look like; part of each page, so that a page needs nothing else. */
export const styleSheet = `:root{color-scheme:light dark;${variables('light')}}
@media(prefers-color-scheme:dark){:root{${variables('dark')}}}${base}${frame}${tables}${pictures}${narrow}`
