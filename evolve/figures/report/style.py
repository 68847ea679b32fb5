"""The page's style sheet: light and dark as the reader has it, one column on a phone, and print."""

_SHADES = "\n".join(
    f".heat .h{step} {{ background: color-mix(in srgb, var(--ours) {8 + 92 * (step - 1) // 9}%, transparent); }}"
    for step in range(1, 11)
)

STYLE = (
    """
:root { color-scheme: light dark; --paper: #ffffff; --card: #f6f8fa; --ink: #1f2328; --faint: #59636e;
  --rule: #d1d9e0; --link: #0060a8; --ours: #0072b2; --theirs: #c44f00; --second: #00785a; --third: #a1467c;
  --fourth: #8a6100; --on-ours: #ffffff; --on-middle: #1f2328;
  --warn: #7a2e00; --warn-back: #fff1e5; --warn-rule: #d55e00; }
@media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --card: #161b22; --ink: #e6edf3; --faint: #9aa4af;
  --rule: #30363d; --link: #79c0ff; --ours: #56b4e9; --theirs: #ff9248; --second: #2fc99e; --third: #e094c0;
  --fourth: #e6b450; --on-ours: #06121b; --on-middle: #06121b;
  --warn: #ffc9a3; --warn-back: #34190a; --warn-rule: #ff9248; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 1120px; padding: 20px 16px 48px; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 1.25rem; margin: 40px 0 8px; padding-bottom: 4px; border-bottom: 1px solid var(--rule); }
h3 { font-size: 1rem; margin: 20px 0 8px; }
a { color: var(--link); }
p { margin: 8px 0; max-width: 75ch; }
.about { color: var(--faint); font-size: .875rem; }
.notice { color: var(--warn); background: var(--warn-back); border-left: 4px solid var(--warn-rule);
  padding: 8px 12px; max-width: none; font-weight: 600; }
nav ul { display: flex; flex-wrap: wrap; gap: 4px 16px; list-style: none; margin: 12px 0 0; padding: 0;
  font-size: .9rem; }
.state { font-weight: 600; margin: 8px 0 4px; }
progress { width: 100%; height: 10px; accent-color: var(--ours); }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(160px, 1fr)); gap: 12px; margin: 16px 0; }
.tile { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 10px 12px; }
.tile dt { color: var(--faint); font-size: .85rem; }
.tile dd { margin: 0; }
.tile .now { font-size: 1.4rem; font-weight: 650; line-height: 1.3; font-variant-numeric: tabular-nums; }
.tile .was { color: var(--faint); font-size: .85rem; }
figure { margin: 0; min-width: 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 320px), 1fr)); gap: 24px 20px; }
.chart { display: flex; flex-direction: column; }
.chart figcaption { flex: 1; font-size: .9rem; }
.chart strong { display: block; }
.key { display: inline-block; margin-right: 14px; color: var(--faint); }
.swatch { display: inline-block; width: 16px; margin-right: 6px; vertical-align: middle;
  border-top: 3px solid currentColor; }
.swatch.paper { border-top-style: dashed; } .swatch.predicted { border-top-style: dotted; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { font-size: 11.5px; fill: var(--faint); }
svg .grid { stroke: var(--rule); stroke-width: 1; }
.line path { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; }
.line circle { fill: currentColor; }
.line.paper path { stroke-dasharray: 5 4; stroke-width: 1.5; }
.line.paper circle { fill: var(--paper); stroke: currentColor; stroke-width: 1.5; }
.line.predicted path { stroke-dasharray: 1.5 3; stroke-width: 1.5; }
.ours { color: var(--ours); } .paper { color: var(--theirs); } .second { color: var(--second); }
.third { color: var(--third); } .fourth { color: var(--fourth); } .predicted { color: var(--faint); }
.hit { fill: transparent; } .hit:hover { fill: color-mix(in srgb, var(--faint) 16%, transparent); }
.tip { position: fixed; z-index: 2; max-width: 280px; padding: 6px 10px; border-radius: 6px; background: var(--ink);
  color: var(--paper); font-size: .85rem; line-height: 1.4; white-space: pre-line; pointer-events: none; }
.scroll { overflow-x: auto; margin: 8px 0; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 10px; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--rule); }
th:first-child { text-align: left; padding-left: 0; position: sticky; left: 0; background: var(--paper); }
thead th { color: var(--faint); font-weight: 600; }
tbody th { font-weight: 400; }
.theirs { color: var(--theirs); }
.heat td { padding: 2px 6px; min-width: 38px; border: 1px solid var(--paper); text-align: center; font-size: .78rem; }
.heat thead th:not(:first-child) { text-align: center; padding: 2px; }
.heat th { border: 0; padding-top: 2px; padding-bottom: 2px; }
.heat .h0 { color: var(--faint); }
.heat .h7, .heat .h8 { color: var(--on-middle); }
.heat .h9, .heat .h10 { color: var(--on-ours); }
"""
    + _SHADES
    + """
.kernels { display: flex; flex-wrap: wrap; gap: 16px 24px; align-items: flex-start; }
.kernels figure { max-width: 100%; }
.kernels figcaption, .wide figcaption { color: var(--faint); font-size: .85rem; max-width: 260px; }
.kernels img { image-rendering: pixelated; }
.wide { margin: 12px 0; }
img { max-width: 100%; height: auto; display: block; }
details { margin: 8px 0; }
summary { cursor: pointer; color: var(--link); padding: 4px 0; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr)); gap: 6px 24px;
  font-size: .9rem; margin: 8px 0; }
.facts dt { color: var(--faint); } .facts dd { margin: 0; overflow-wrap: anywhere; }
pre { overflow-x: auto; background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 12px;
  font-size: .8rem; line-height: 1.45; max-height: 70vh; }
td.words { text-align: left; color: var(--faint); }
.files td { text-align: left; white-space: normal; color: var(--faint); }
.files span { display: inline-block; margin-right: 14px; }
.files th { vertical-align: top; }
footer { margin-top: 40px; color: var(--faint); font-size: .85rem; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
@media (max-width: 560px) { th, td { padding: 3px 6px; } thead th { white-space: normal; vertical-align: bottom; }
  tbody th { white-space: normal; min-width: 6em; max-width: 9em; overflow-wrap: anywhere; }
  .heat td { min-width: 31px; padding: 2px 3px; } .heat tbody th { font-size: .78rem; } }
@media print { nav, .tip { display: none; } section, figure { break-inside: avoid; } body { max-width: none; } }
"""
)
