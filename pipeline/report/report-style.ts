/** The report's whole appearance: no script, no font, no picture from elsewhere. Light and dark by the reader's preference; prints well. */
export const REPORT_STYLE = `
:root { color-scheme: light dark; --page: #f5f6f8; --card: #ffffff; --ink: #1c2128; --soft: #5b6570; --line: #dfe3e8; --wash: #f3f5f7; --link: #0a58b8;
  --good: #18794e; --good-wash: #e3f5ea; --bad: #c62a2f; --bad-wash: #fdebeb; --warn: #8f5b00; --warn-wash: #fdf1d8; --idle: #6b7580; --idle-wash: #eceff2; }
@media (prefers-color-scheme: dark) { :root { --page: #0e1216; --card: #161b21; --ink: #e4e9ee; --soft: #98a3af; --line: #2b333c; --wash: #1d232a; --link: #78b4ff;
  --good: #56cf8d; --good-wash: #12301f; --bad: #ff8086; --bad-wash: #3a1719; --warn: #e9b44c; --warn-wash: #33270d; --idle: #8d98a4; --idle-wash: #232a32; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.55 system-ui, -apple-system, "Segoe UI", "Liberation Sans", "DejaVu Sans", sans-serif; -webkit-text-size-adjust: 100%; }
main { max-width: 1000px; margin: 0 auto; padding: 32px 20px 48px; }
h1, h2, p, ul, ol, figure, table, pre { margin: 0; }
a { color: var(--link); text-decoration-thickness: 1px; text-underline-offset: 2px; }
code, pre { font: 0.875em/1.5 ui-monospace, SFMono-Regular, Menlo, "Liberation Mono", "DejaVu Sans Mono", monospace; }
code { overflow-wrap: anywhere; unicode-bidi: isolate; }
:not(a) > code { background: var(--wash); border-radius: 4px; padding: 0.1em 0.35em; }
.muted { color: var(--soft); font-weight: 400; }
.verdict { background: var(--card); border: 1px solid var(--line); border-top: 5px solid var(--tone); border-radius: 10px; padding: 22px 26px 24px; overflow-wrap: anywhere; }
.verdict .name { color: var(--soft); font-weight: 600; letter-spacing: 0.01em; }
.verdict h1 { font-size: 23px; line-height: 1.32; font-weight: 650; letter-spacing: -0.01em; margin: 6px 0 12px; text-wrap: pretty; }
.verdict h1 .mark { width: 26px; height: 26px; font-size: 16px; margin-right: 10px; vertical-align: 1px; }
.verdict .next { background: var(--tone-wash); border-radius: 7px; padding: 9px 13px; }
.verdict .next b { color: var(--tone); margin-right: 4px; }
.verdict .about { color: var(--soft); font-size: 13.5px; margin-top: 12px; }
.passed { --tone: var(--good); --tone-wash: var(--good-wash); }
.better { --tone: var(--good); --tone-wash: var(--good-wash); }
.failed { --tone: var(--bad); --tone-wash: var(--bad-wash); }
.worse { --tone: var(--bad); --tone-wash: var(--bad-wash); }
.error { --tone: var(--warn); --tone-wash: var(--warn-wash); }
.warning { --tone: var(--warn); --tone-wash: var(--warn-wash); }
.skipped { --tone: var(--idle); --tone-wash: var(--idle-wash); }
.same { --tone: var(--idle); --tone-wash: var(--idle-wash); }
.mark { display: inline-flex; align-items: center; justify-content: center; width: 19px; height: 19px; border-radius: 50%; background: var(--tone-wash); color: var(--tone);
  font-size: 12px; font-weight: 700; line-height: 1; vertical-align: text-bottom; flex: none; }
.track { display: grid; grid-template-columns: repeat(auto-fit, minmax(104px, 1fr)); gap: 8px; list-style: none; padding: 0; margin: 16px 0 0; }
.track li { background: var(--card); border: 1px solid var(--line); border-bottom: 3px solid var(--tone); border-radius: 8px; padding: 8px 11px 7px; min-width: 0; }
.track b { display: block; font-weight: 600; font-size: 14px; }
.track .mark { float: right; margin-top: 1px; }
.track span.muted { font-size: 12.5px; font-variant-numeric: tabular-nums; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 20px 26px 22px; margin-top: 16px; }
h2 { font-size: 16.5px; font-weight: 650; letter-spacing: -0.005em; margin-bottom: 10px; }
section > * + *, details > * + * { margin-top: 14px; }
.table { overflow-x: auto; margin-left: -8px; margin-right: -8px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 550; font-size: 12.5px; color: var(--soft); white-space: nowrap; }
th, td { padding: 6px 8px; border-bottom: 1px solid var(--line); vertical-align: top; unicode-bidi: isolate; }
td { overflow-wrap: break-word; max-width: 32em; }
td code { overflow-wrap: break-word; }
td:first-child:has(> .mark:only-child) { width: 35px; }
tr:last-child td { border-bottom: 0; }
.right { text-align: right; }
td.right { white-space: nowrap; }
td b { font-weight: 600; }
ul { list-style: none; padding: 0; }
ul.items > li { display: flex; gap: 10px; padding: 8px 0; border-bottom: 1px solid var(--line); }
ul.items > li:first-child { padding-top: 0; }
ul.items > li:last-child { border-bottom: 0; padding-bottom: 0; }
ul.items > li > .mark { margin-top: 2px; }
ul.items > li > div { min-width: 0; flex: 1; overflow-wrap: anywhere; }
.note { color: var(--soft); }
pre { background: var(--wash); border: 1px solid var(--line); border-radius: 7px; padding: 11px 14px; overflow: auto; max-height: 460px; white-space: pre; unicode-bidi: isolate; }
.added { color: var(--good); }
.removed { color: var(--bad); }
details { border: 1px solid var(--line); border-radius: 8px; padding: 9px 14px; }
details + details { margin-top: 8px; }
details[open] { padding-bottom: 14px; }
summary { cursor: pointer; overflow-wrap: anywhere; }
summary .mark { margin-right: 2px; }
.note + details, li details { margin-top: 8px; }
figure { overflow-x: auto; }
figure img { display: block; width: 100%; max-width: 860px; height: auto; }
footer { color: var(--soft); font-size: 13px; margin-top: 20px; text-align: center; }
@media (max-width: 600px) { main { padding: 12px 10px 32px; } .verdict, section { padding: 16px 16px 18px; } .verdict h1 { font-size: 19px; } figure img { min-width: 620px; } td { max-width: 20em; } }
@media print { body { background: none; } main { max-width: none; padding: 0; } section, .verdict { break-inside: avoid; } pre { max-height: none; white-space: pre-wrap; } }
`
