import { readFile, writeFile } from 'node:fs/promises'
import { growthChart, peersChart } from './charts.ts'
import { isMet } from './figure.ts'
import { digits } from './format-figure.ts'
import type { RecordedFigure } from './recorded-figure.ts'

/** What stands between these lines of the README is written from the figures. */
const BEGIN = '<!-- figures: begin, written by npm run bench:report -->'
const END = '<!-- figures: end -->'

const here = (name: string) => new URL(name, import.meta.url)

/** The latest of each figure, in the order of the benchmarks' names. */
async function readFigures(): Promise<RecordedFigure[]> {
  const latest = new Map<string, RecordedFigure>()
  for (const line of (await readFile(here('figures.jsonl'), 'utf8')).split('\n')) {
    if (line === '') continue
    const figure = JSON.parse(line) as RecordedFigure
    latest.set([figure.benchmark, figure.case, figure.unit, figure.against].join(), figure)
  }
  return [...latest.values()].toSorted((a, b) => a.benchmark.localeCompare(b.benchmark))
}

function tableOf(benchmark: string, figures: readonly RecordedFigure[]): string {
  const loads = figures.map(({ machine }) => machine.load)
  const [{ machine }] = figures as [RecordedFigure]
  const rows = figures.map((figure) => {
    const { case: name, value, unit, spread, against, againstValue, ratio, goal } = figure
    const [low, high] = spread.map(digits)
    const bound = goal && ('least' in goal ? `at least ${goal.least}` : `at most ${goal.most}`)
    const verdict = bound === undefined ? '' : `${bound}: ${isMet(figure) ? 'met' : '**not met**'}`
    return `| ${name} | ${digits(value)} ${unit} (${low} to ${high}) | ${against}: ${digits(againstValue)} | ${ratio.toFixed(2)} | ${verdict} |`
  })
  return [
    `### ${benchmark}`,
    '',
    `${machine.date}, Node ${machine.node}, ${machine.cores} cores, ${machine.processor}, ${machine.memoryGiB} GiB; load of the machine ${Math.max(...loads.map(([before]) => before))} before, ${Math.max(...loads.map(([, after]) => after))} after; ${machine.runs} runs.`,
    '',
    '| case | median (lowest to highest) | beside | ratio | goal |',
    '| --- | --- | --- | --- | --- |',
    ...rows
  ].join('\n')
}

const figures = await readFigures()
const benchmarks = Map.groupBy(figures, ({ benchmark }) => benchmark)
const tables = [...benchmarks].map(([benchmark, some]) => tableOf(benchmark, some)).join('\n\n')
const readme = await readFile(here('README.md'), 'utf8')
const [before, after] = [readme.indexOf(BEGIN), readme.indexOf(END)]
if (before < 0 || after < before) throw new Error('bench/README.md has no place for the figures')
await writeFile(here('README.md'), `${readme.slice(0, before + BEGIN.length)}\n\n${tables}\n\n${readme.slice(after)}`)
for (const [name, chart] of [
  ['growth', growthChart],
  ['peers', peersChart]
] as const) {
  const some = benchmarks.get(name)
  if (some !== undefined) await writeFile(here(`${name}.svg`), chart(some))
}
