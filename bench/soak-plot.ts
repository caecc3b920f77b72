/** What a soak saw at one moment. */
export interface Sample {
  /** Since the beginning, in seconds. */
  seconds: number
  heapBytes: number
  residentBytes: number
  /** Of all tables; NaN where the database cannot be looked into. */
  rows: number
  requests: number
  failures: number
}

const width = 860
const margin = { left: 76, right: 20, top: 46, bottom: 34 }
const panelHeight = 150
const gap = 34

/** A curve of a plot, each over the same time. */
interface Panel {
  title: string
  unit: string
  values: number[]
}

/** Draws heap, resident memory and rows over time. */
export function plot(title: string, samples: readonly Sample[]): string {
  const panels: Panel[] = [
    { title: 'Heap in use', unit: 'MB', values: samples.map(({ heapBytes }) => heapBytes / 1e6) },
    { title: 'Resident memory', unit: 'MB', values: samples.map(({ residentBytes }) => residentBytes / 1e6) },
    { title: 'Rows in the database', unit: '', values: samples.map(({ rows }) => rows) },
  ].filter(({ values }) => values.every(Number.isFinite))
  const minutes = samples.map(({ seconds }) => seconds / 60)
  const height = margin.top + panels.length * (panelHeight + gap) + margin.bottom
  const parts = panels.map((panel, index) => drawn(panel, minutes, margin.top + index * (panelHeight + gap)))
  const style =
    'text { font: 12px sans-serif; fill: #333 } .title { font-size: 15px } .grid { stroke: #ddd } .curve { fill: none; stroke: #2563a8; stroke-width: 1.5 }'
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}">`,
    `<title>${escaped(title)}</title>`,
    `<style>${style}</style><rect width="100%" height="100%" fill="#fff"/>`,
    `<text class="title" x="${margin.left}" y="20">${escaped(title)}</text>`,
    ...parts,
    `<text x="${width / 2}" y="${height - 8}" text-anchor="middle">minutes</text>`,
    '</svg>',
    '',
  ].join('\n')
}

function drawn({ title, unit, values }: Panel, minutes: number[], top: number): string {
  const most = niceAbove(Math.max(...values, 1))
  const last = Math.max(minutes.at(-1) ?? 1, 1 / 60)
  const x = (minute: number) => margin.left + (minute / last) * (width - margin.left - margin.right)
  const y = (value: number) => top + panelHeight - (value / most) * panelHeight
  const points = values.map((value, index) => `${round(x(minutes[index] ?? 0))},${round(y(value))}`)
  const lines = [0, 0.25, 0.5, 0.75, 1].map(part => {
    const value = part * most
    const at = round(y(value))
    return (
      `<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${at}" y2="${at}"/>` +
      `<text x="${margin.left - 8}" y="${at + 4}" text-anchor="end">${value.toLocaleString('en')}</text>`
    )
  })
  const ticks = Array.from({ length: 6 }, (_, index) => (index / 5) * last).map(
    minute =>
      `<text x="${round(x(minute))}" y="${top + panelHeight + 16}" text-anchor="middle">${round(minute)}</text>`,
  )
  const label = unit === '' ? title : `${title}, ${unit}`
  return [
    `<text x="${margin.left}" y="${top - 8}">${escaped(label)}</text>`,
    ...lines,
    ...ticks,
    `<polyline class="curve" points="${points.join(' ')}"/>`,
  ].join('\n')
}

/** The next number of the sort 1, 2, 4, 6, 8 × 10ⁿ. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  const factor = [1, 2, 4, 6, 8, 10].find(each => each * power >= value) ?? 10
  return factor * power
}

const round = (value: number): number => Math.round(value * 10) / 10

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
