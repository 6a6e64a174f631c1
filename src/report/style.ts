/** The look of all pages: legible on a phone and on paper, in the reader's light or dark mode. */
export const style = `
:root { color-scheme: light dark; --paper: #fcfcfb; --ink: #1b1b1a; --faint: #6b6a66; --rule: #dedcd6; --best: #e7f1fb;
  --line-1: #2a6fdb; --line-2: #d9622b; --line-3: #14855c; --line-4: #8a46c4; --line-5: #8d8b84 }
@media (prefers-color-scheme: dark) { :root { --paper: #1a1a19; --ink: #ecebe6; --faint: #a3a19a; --rule: #3a3936; --best: #1f3247;
  --line-1: #6ea5f4; --line-2: #ee8a58; --line-3: #45bd90; --line-4: #b98bea; --line-5: #98968f } }
@media print { :root { color-scheme: light; --paper: #fff; --ink: #000; --faint: #555; --rule: #ccc; --best: #eee;
  --line-1: #2a6fdb; --line-2: #d9622b; --line-3: #14855c; --line-4: #8a46c4; --line-5: #8d8b84 } }
body { margin: 0 auto; max-width: 1360px; padding: 24px; background: var(--paper); color: var(--ink);
  font: 15px/1.45 system-ui, sans-serif; font-variant-numeric: tabular-nums }
h1 { font-size: 24px; margin: 0 0 12px; overflow-wrap: anywhere } h2 { font-size: 16px; margin: 24px 0 6px }
.figures { display: flex; flex-wrap: wrap; gap: 8px 28px; margin: 0 }
dt { color: var(--faint); font-size: 13px } dd { margin: 0; font-weight: 600; overflow-wrap: anywhere }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 8px 32px }
figure { margin: 0; break-inside: avoid } svg { display: block; width: 100%; height: auto }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 0 0 4px; padding: 0; list-style: none; font-size: 13px }
.legend i { display: inline-block; width: 14px; height: 3px; margin: 0 6px 4px 0; print-color-adjust: exact }
svg text { fill: var(--faint); font-size: 12px } svg line { stroke: var(--rule) } svg .mark { stroke: var(--faint); stroke-dasharray: 3 3 }
polyline { fill: none; vector-effect: non-scaling-stroke; stroke: var(--line); stroke-width: 1.8; stroke-linejoin: round } circle { fill: var(--line) }
.wide { overflow-x: auto } table { border-collapse: collapse } th, td { padding: 3px 12px; text-align: right; white-space: nowrap }
th { color: var(--faint); font-weight: 500; border-bottom: 1px solid var(--rule) } .best { background: var(--best); font-weight: 600 }
table + .legend, .wide + .legend, .lists + .legend { margin-top: 20px } .none { color: var(--faint) } p { overflow-wrap: anywhere } pre { overflow: auto; max-height: 480px; font-size: 13px }
@media print { pre { max-height: none; overflow: visible } }
.sortable button { all: unset; cursor: pointer } .sortable button:focus-visible { outline: 2px solid var(--line-1) }
.sortable [aria-sort=ascending] button::after { content: " \\2191" } .sortable [aria-sort=descending] button::after { content: " \\2193" }
td:first-child, th:first-child { text-align: left } tbody th { color: inherit; font-weight: 400; border: 0 }
.tall { max-height: 560px; overflow: auto } .tall thead th { position: sticky; top: 0; background: var(--paper) } @media print { .tall { max-height: none } }
.curve { cursor: crosshair } .curve:focus-visible { outline: 2px solid var(--line-1) } .readout { min-height: 1.45em; margin: 0; color: var(--faint); font-size: 13px }
.classes { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 240px), 1fr)); gap: 12px 24px }
.two, .lists { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); gap: 8px 48px; align-items: start } .two figure { max-width: 480px }
figure h3 { font-size: 13px; font-weight: 600; margin: 0; overflow-wrap: anywhere }
.bars { display: grid; grid-template-columns: max-content minmax(80px, 1fr) max-content; gap: 4px 12px; max-width: 720px; align-items: center; margin: 0 }
.bars i { display: block; height: 12px; background: var(--line-2); print-color-adjust: exact } .bars span:nth-child(3n) { color: var(--faint) }
.matrix th, .matrix td { padding: 0; text-align: center; min-width: 34px } .matrix thead th { vertical-align: bottom; padding: 2px 6px }
.matrix thead th span { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 140px; overflow: hidden }
.matrix tbody th { text-align: right; padding: 0 8px } .matrix td > * { display: block; padding: 5px 6px; color: inherit }
.matrix td { background: color-mix(in srgb, var(--line-1) calc(var(--share, 0) * 1%), transparent) } .matrix td.wrong { background: color-mix(in srgb, var(--line-2) calc(var(--share, 0) * 1%), transparent) }
.matrix button, .lists button { all: unset; cursor: pointer; text-decoration: underline; text-underline-offset: 2px } .matrix button:focus-visible, .lists button:focus-visible { outline: 2px solid var(--line-1) }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, var(--wide, 320px)), 1fr)); gap: 16px } .crops { --wide: 150px } .small { --wide: 240px } .sheet { --wide: 220px } [hidden] { display: none !important }
.choices { display: flex; flex-wrap: wrap; gap: 8px 24px; margin: 16px 0 } .choices select { font: inherit; max-width: 60vw }
.pictures figure { display: flex; flex-direction: column } figcaption { font-size: 13px; color: var(--faint); overflow-wrap: anywhere; margin-top: 4px }
.picture { background: var(--rule) } .pictures .picture { max-height: 420px }
svg .box { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke } svg .box.object { stroke: #4da3ff } svg .box.right { stroke: #2fd47f } svg .box.wrong { stroke: #ff5a4d }
svg .box.missed { stroke: #ffb020; stroke-dasharray: 6 4 } svg .box.found { stroke: #b9f3d5; stroke-dasharray: 2 4; stroke-width: 1.5 } svg .box.ignored { stroke: #c9c7c0; stroke-dasharray: 1 4 }
svg text.label { fill: #fff; font-weight: 600; paint-order: stroke; stroke: #000; stroke-width: .22em; stroke-linejoin: round }
svg.key { display: inline-block; width: 18px; height: 12px; margin-right: 6px; background: #6b6a66 }
.notices { padding-left: 1.2em } details summary { cursor: pointer; font-weight: 600; margin: 24px 0 6px } dialog { max-width: min(640px, 90vw); background: var(--paper); color: var(--ink); border: 1px solid var(--rule) }
`
