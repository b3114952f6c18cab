"""The style sheet of our pages: light and dark, a telephone, a desk and a sheet of paper."""

STYLE = """
:root { color-scheme: light dark; --page: #fdfdfc; --text: #1d1f23; --soft: #62666e; --line: #d9dbdf;
  --band: #f3f4f5; --link: #0b62a8; }
@media (prefers-color-scheme: dark) {
  :root { --page: #15171a; --text: #e4e6ea; --soft: #a0a5ae; --line: #363a41; --band: #1e2125;
    --link: #7ab8ee; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem clamp(1rem, 4vw, 3rem) 4rem; max-width: 84rem; background: var(--page);
  color: var(--text); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 3rem 0 .7rem; overflow-wrap: anywhere; }
p { max-width: 48rem; margin: .4rem 0; }
nav { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin-top: 1rem; font-size: .9rem; }
nav a { color: var(--link); text-underline-offset: .2em; }
.soft, figcaption, .caption, dt, small { color: var(--soft); }
.scroll { overflow-x: auto; margin: .8rem 0; }
.tables { display: flex; flex-wrap: wrap; gap: 0 3rem; } .tables > * { max-width: 100%; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
.caption { font-size: .88rem; margin: 1.4rem 0 -.5rem; max-width: none; }
th, td { padding: .36rem .7rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
thead th { font-weight: 600; vertical-align: bottom; }
thead tr.groups th { font-weight: 400; color: var(--soft); text-align: center; white-space: nowrap; }
.number { text-align: right; white-space: nowrap; }
thead .number { white-space: normal; }
.first { padding-left: 1.4rem; }
tbody th { font-weight: 500; position: sticky; left: 0; background: var(--page); max-width: 18rem;
  overflow-wrap: anywhere; }
.systems tbody th { min-width: min(10rem, 33vw); }
tbody tr:hover > * { background: var(--band); }
td small { display: block; font-size: .85em; min-width: 12rem; max-width: 26rem; overflow-wrap: anywhere; }
.interval { display: block; width: 7.5rem; height: .9rem; margin: .3em 0; }
.interval line { stroke: currentColor; stroke-width: 1.5; opacity: .45; } .interval circle { fill: #0077bb; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); gap: 2rem;
  margin: 1.4rem 0; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(12.5rem, 45%), 1fr));
  gap: .6rem 1.2rem; }
.panels figure { display: flex; flex-direction: column; justify-content: end; }
.panels figure > svg { min-width: 0; max-width: 20rem; }
.panels figcaption { order: -1; margin: 0; overflow-wrap: anywhere; color: var(--text); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .1rem 1.4rem; margin: .4rem 0 0; padding: 0;
  font-size: .88rem; }
.legend li { display: flex; gap: .5rem; align-items: center; overflow-wrap: anywhere; }
.legend svg { flex: none; }
.key { white-space: nowrap; margin: 0 .8em 0 .4em; }
.swatch { display: inline-block; width: .8em; height: .8em; margin: 0 .35em 0 .2em; opacity: .6; }
figure { margin: 0; overflow-x: auto; }
figure > svg { display: block; width: 100%; min-width: 22rem; max-width: 46rem; height: auto; }
figure svg text { paint-order: stroke; stroke: var(--page); stroke-width: 2.5px; pointer-events: none; }
.map { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 0 2rem;
  align-items: center; } .map svg text { stroke-width: 1.6px; }
figcaption { font-size: .88rem; max-width: 44rem; margin-top: .6rem; }
dl { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: .2rem 1.2rem;
  font-size: .9rem; }
dd { margin: 0; overflow-wrap: anywhere; }
pre { overflow-x: auto; background: var(--band); padding: 1rem; font-size: .82rem; line-height: 1.45; }
details { margin-top: .8rem; } summary { cursor: pointer; color: var(--soft); }
summary strong { color: var(--text); }
details.system { border-top: 1px solid var(--line); padding-top: .8rem; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } }
@media print {
  :root { --page: #fff; --text: #000; --soft: #444; --line: #bbb; --band: #fff; }
  @page { size: A4 landscape; margin: 12mm; }
  body { padding: 0; max-width: none; font-size: 10pt; }
  nav, details.system:not([open]), details.extra:not([open]) { display: none; }
  table { font-size: 8pt; } th, td { padding: .2rem .4rem; }
  h2, tr, figure, .scroll { break-inside: avoid; } h2, .caption { break-after: avoid; }
  h2 { margin-top: 1.2rem; } summary { list-style: none; }
  .scroll, figure { overflow: visible; } figure svg { max-height: 68mm; margin: 0; min-width: 0; }
  .figures { grid-template-columns: 1fr 1fr; gap: 1rem; } tbody th { position: static; }
  details::details-content { content-visibility: visible; display: block; }
  .panels { grid-template-columns: repeat(auto-fill, minmax(38mm, 1fr)); }
  pre { white-space: pre-wrap; columns: 3; padding: 0; }
}
"""
