import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { benchCommittee } from './committee.ts'
import { benchDiscovery } from './discovery.ts'
import { type BenchContext, type Figure, isMet } from './figure.ts'
import { benchGrowth } from './growth.ts'
import { benchMemory } from './memory.ts'
import { benchPeers } from './peers.ts'
import { benchPropagation } from './propagation.ts'
import { benchRequests } from './requests.ts'
import { benchServe } from './serve.ts'
import { benchStream } from './stream.ts'
import { benchSyncCertified, benchSyncFull } from './sync.ts'
import { benchTransactions } from './transactions.ts'

const BENCHMARKS: Readonly<Record<string, (context: BenchContext) => Promise<Figure[]>>> = {
  committee: benchCommittee,
  discovery: benchDiscovery,
  growth: benchGrowth,
  memory: benchMemory,
  peers: benchPeers,
  propagation: benchPropagation,
  requests: benchRequests,
  serve: benchServe,
  stream: benchStream,
  'sync-certified': benchSyncCertified,
  'sync-full': benchSyncFull,
  transactions: benchTransactions
}

const command = new Command('bench')
  .description('Measures soma-p2p beside the limits of this machine, in the same run.')
  .argument('[names...]', `which ones, of: ${Object.keys(BENCHMARKS).join(', ')}; all by default`)
  .addOption(new Option('--runs <count>', 'runs of each; the median is reported').default(3).argParser(Number))
  .option('--smoke', 'small and quick: shows that it works, measures nothing')
  .option('--json', 'one JSON object a line for each figure')
  .parse()

const { runs, smoke = false, json = false } = command.opts<{ runs: number; smoke?: boolean; json?: boolean }>()
const names = command.args.length > 0 ? command.args : Object.keys(BENCHMARKS)
const log = (line: string) => console.error(`  ${line}`)
if (!json)
  console.log(`Node ${process.version}, ${availableParallelism()} cores, ${cpus()[0]?.model ?? 'unknown processor'}`)

for (const name of names) {
  const benchmark = BENCHMARKS[name]
  if (benchmark === undefined)
    throw new RangeError(`no benchmark "${name}"; there are: ${Object.keys(BENCHMARKS).join(', ')}`)
  const directory = await mkdtemp(join(tmpdir(), 'soma-p2p-bench-'))
  try {
    log(name)
    for (const figure of await benchmark({ directory, runs: smoke ? 1 : runs, smoke, log })) {
      console.log(json ? JSON.stringify({ ...figure, met: isMet(figure) }) : format(figure))
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function format(figure: Figure): string {
  const { benchmark, case: name, value, unit, spread, against, againstValue, ratio, goal } = figure
  const [low, high] = spread.map(digits)
  const line = `${benchmark}, ${name}: ${digits(value)} ${unit} (${low} to ${high}); ${against}: ${digits(againstValue)}; ratio ${ratio.toFixed(2)}`
  if (goal === undefined || smoke) return line
  const bound = 'least' in goal ? `at least ${goal.least}` : `at most ${goal.most}`
  return `${line}, goal ${bound}: ${isMet(figure) ? 'met' : 'not met'}`
}

/** Three digits that count, at least. */
function digits(value: number): string {
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 1 ? 1 : 3)
}
