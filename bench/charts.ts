import { type EChartsOption, init, type LineSeriesOption } from 'echarts'
import type { Figure } from './figure.ts'
import { MOST_GROWTH } from './growth.ts'

const SIZE = { width: 760, height: 420 }

/** How costs, memory and handles of a long chain compare with those of the shortest one: flat lines are good. */
export function growthChart(figures: readonly Figure[]): string {
  const ofLengths = figures.filter(({ against }) => lengthIn(against) !== undefined)
  const lengths = ofLengths.flatMap(({ case: name, against }) => [lengthIn(name) ?? 0, lengthIn(against) ?? 0])
  const [shortest, longest] = [Math.min(...lengths), Math.max(...lengths)]
  const goal: LineSeriesOption = {
    name: 'goal',
    type: 'line',
    lineStyle: { type: 'dashed', color: '#999' },
    showSymbol: false,
    data: [shortest, longest].map((length) => [length, MOST_GROWTH])
  }
  const measures = Map.groupBy(ofLengths, ({ case: name, unit }) => `${name.split(',')[0]}, ${unit}`)
  return render({
    title: { text: 'A long chain beside a short one', subtext: `ratio to ${shortest} commits` },
    xAxis: { type: 'log', name: 'commits', min: shortest, max: longest, nameLocation: 'middle', nameGap: 28 },
    yAxis: { type: 'value', name: 'ratio', min: 0 },
    series: [
      ...[...measures].map(([name, some]): LineSeriesOption => {
        const points = some.map(({ case: of, ratio }) => [lengthIn(of) ?? 0, ratio])
        return { name, type: 'line', data: [[shortest, 1], ...points] }
      }),
      goal
    ]
  })
}

/** What a node gets from so many peers, and what it is compared with. */
export function peersChart(figures: readonly Figure[]): string {
  const peers = figures.map(({ case: name }) => Number.parseInt(name, 10))
  const points = (of: (figure: Figure) => number) => figures.map((figure, index) => [peers[index] ?? 0, of(figure)])
  return render({
    title: {
      text: 'Catching up over links of 10 MiB/s and 50 ms',
      subtext: 'beside bare TCP, or the node without slow links where that is less'
    },
    xAxis: { type: 'value', name: 'peers', nameLocation: 'middle', nameGap: 28, min: 0 },
    yAxis: { type: 'value', name: 'MiB/s', min: 0 },
    series: [
      { name: 'node', type: 'line', data: points(({ value }) => value) },
      { name: 'limit', type: 'line', data: points(({ againstValue }) => againstValue) }
    ]
  })
}

/** The number before "commits". */
function lengthIn(text: string): number | undefined {
  const found = /(\d+) commits/.exec(text)
  return found === null ? undefined : Number(found[1])
}

function render(option: EChartsOption): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...SIZE })
  chart.setOption({
    animation: false,
    backgroundColor: '#fff',
    legend: { bottom: 0, type: 'plain' },
    grid: { bottom: 110, top: 70 },
    ...option
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return `${svg}\n`
}
