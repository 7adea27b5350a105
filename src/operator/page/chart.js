import { byId, make } from './dom.js'
import { timeOf } from './format.js'
import UPlot from './uplot.js'

const FONT = '12px system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif'

/** A colour of the page, as it is now. */
const colour = (name) => () => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

/** @typedef {{ name: string, tone: string, dashed?: boolean, filled?: boolean }} Line */

/** Lines over time, with a legend that says the last values, or those under the pointer. */
export class Chart {
  #plot
  #frame
  #legend
  #format
  #data = [[]]

  /**
   * @param {string} id of the frame; the legend has `-legend` at its end
   * @param {readonly Line[]} lines
   * @param {(value: number | null) => string} format a value with its unit
   */
  constructor(id, lines, format) {
    this.#frame = byId(id)
    this.#format = format
    this.#legend = lines.map((line) => this.#entry(byId(`${id}-legend`), line))
    this.#plot = new UPlot(this.#options(lines), [[], ...lines.map(() => [])], this.#frame)
    new ResizeObserver(() => this.#plot.setSize(this.#size())).observe(this.#frame)
    document.addEventListener('theme', () => this.#plot.redraw(false, true))
  }

  /** @param {number[][]} data seconds, and the values of each line at them */
  show(data) {
    this.#data = data
    this.#plot.setData(data)
    this.#tell()
  }

  #options(lines) {
    const axis = {
      stroke: colour('--muted'),
      font: FONT,
      ticks: { show: false },
      grid: { stroke: colour('--line'), width: 1 }
    }
    return {
      ...this.#size(),
      legend: { show: false },
      cursor: { y: false, drag: { setScale: false }, points: { size: 7 } },
      padding: [8, 8, 0, 0],
      scales: { y: { range: (_, least, most) => rangeOf(least, most) } },
      axes: [
        {
          ...axis,
          size: 26,
          gap: 8,
          grid: { show: false },
          values: (_, times) =>
            times.map((time) => timeOf(time * 1000).slice(0, times.at(-1) - times[0] < 150 ? 8 : 5)),
          space: 80
        },
        { ...axis, size: 62, values: (_, ticks) => ticks.map((tick) => compact.format(tick)) }
      ],
      series: [
        {},
        ...lines.map(({ tone, dashed, filled }) => ({
          stroke: colour(tone),
          width: dashed ? 1.5 : 2,
          ...(dashed && { dash: [5, 4] }),
          ...(filled && { fill: () => `color-mix(in srgb, ${colour(tone)()} 12%, transparent)` }),
          points: { show: false }
        }))
      ],
      hooks: { setCursor: [() => this.#tell()] }
    }
  }

  #size() {
    const { clientWidth, clientHeight } = this.#frame
    return { width: clientWidth, height: clientHeight }
  }

  #entry(legend, { name, tone, dashed }) {
    const value = make('b')
    const line = make('i', dashed ? 'dashed' : '')
    line.style.setProperty('--stroke', `var(${tone})`)
    legend.append(make('span', '', line, `${name} `, value))
    return { name, value }
  }

  #tell() {
    const at = this.#plot.cursor?.idx ?? this.#data[0].length - 1
    const said = this.#legend.map(({ name, value }, index) => {
      value.textContent = this.#format(this.#data[index + 1]?.[at] ?? null)
      return `${name} ${value.textContent}`
    })
    this.#frame.setAttribute('aria-label', said.join(', '))
  }
}

const compact = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

/** Never so narrow that a single commit fills the height. */
function rangeOf(least, most) {
  if (least === null || most === null) return [0, 10]
  const room = Math.max(4, (most - least) * 0.08)
  return [Math.max(0, Math.floor(least - room)), Math.ceil(most + room)]
}
