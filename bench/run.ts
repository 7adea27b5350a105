import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { endWhenIdle } from '../examples/end-when-idle.ts'
import { benchCommittee } from './committee.ts'
import { benchDiscovery } from './discovery.ts'
import { type BenchContext, type Figure, isMet } from './figure.ts'
import { formatFigure } from './format-figure.ts'
import { benchGrowth } from './growth.ts'
import { benchMemory } from './memory.ts'
import { benchPeers } from './peers.ts'
import { benchPropagation } from './propagation.ts'
import { loadNow, machineNow } from './recorded-figure.ts'
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

endWhenIdle()
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

/** What is only to be seen to work starts many processes for a moment each: code that one of them has compiled need not be compiled again. */
const compiled = smoke ? await mkdtemp(join(tmpdir(), 'soma-p2p-bench-code-')) : undefined
if (compiled !== undefined) process.env.NODE_COMPILE_CACHE = compiled

for (const name of names) {
  const benchmark = BENCHMARKS[name]
  if (benchmark === undefined)
    throw new RangeError(`no benchmark "${name}"; there are: ${Object.keys(BENCHMARKS).join(', ')}`)
  const directory = await mkdtemp(join(tmpdir(), 'soma-p2p-bench-'))
  try {
    log(name)
    const load = loadNow()
    const figures = await benchmark({ directory, runs: smoke ? 1 : runs, smoke, log })
    const machine = machineNow(smoke ? 1 : runs, load)
    for (const figure of figures) {
      console.log(json ? JSON.stringify({ ...figure, met: isMet(figure), machine }) : formatFigure(figure, !smoke))
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
if (compiled !== undefined) await rm(compiled, { recursive: true, force: true })
