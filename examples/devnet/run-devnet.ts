import { mkdir } from 'node:fs/promises'
import { startNetworkServer } from '../../src/operator/network-server.ts'
import { toError } from '../../src/runtime/soma-error.ts'
import { watchCatchUp } from './catch-up.ts'
import { compareNodes } from './compare-nodes.ts'
import { converge } from './converge.ts'
import { type DataDirectory, openDataDirectory } from './data-directory.ts'
import { Devnet } from './devnet.ts'
import type { DevnetOptions } from './devnet-options.ts'
import { followLive } from './follow-live.ts'
import { formatCount, formatNumber } from './format.ts'
import type { CatchUp } from './node-protocol.ts'
import { type PreparedChain, prepareChain } from './prepared-chain.ts'
import type { ProgressView } from './progress-view.ts'
import { directoryOf, startFullNodes, startValidators } from './start-nodes.ts'
import { type DevnetResult, formatChain } from './summary.ts'

/** How a devnet is watched and stopped. */
export interface RunDevnetContext {
  readonly signal: AbortSignal
  readonly view: ProgressView
}

/**
 * Runs a devnet: makes the chain, starts the validators and then the full nodes, watches them catch up and follow, compares all nodes, and
 * stops them. Nothing is left running when it is over, however it ends.
 *
 * @throws {DevnetError} when a node fails, stalls or does not stop cleanly
 * @throws {UsageError} `USAGE` for a data directory of another devnet
 * @throws the signal's reason
 */
export async function runDevnet(options: DevnetOptions, { signal, view }: RunDevnetContext): Promise<DevnetResult> {
  const { dataDir: path, chain: settings, asked } = options
  const directory = await openDataDirectory({ path, settings, asked })
  try {
    // The processes load while the chain is made.
    const devnet = new Devnet({ validators: directory.settings.validators, fullNodes: options.fullNodes, signal })
    let result: DevnetResult
    try {
      await using _page = await openPage(devnet, options.http, view)
      result = await throughPhases(devnet, directory, options, view)
    } catch (thrown) {
      view.settle()
      await devnet.stop().catch((alsoThrown: unknown) => view.say(toError(alsoThrown).message))
      throw thrown
    }
    await devnet.stop()
    return result
  } finally {
    await directory.close()
  }
}

async function throughPhases(
  devnet: Devnet,
  { path: dataDirectory, settings: chain }: DataDirectory,
  { fullNodes, follow, roundMs, linkMbit, http }: DevnetOptions,
  view: ProgressView
): Promise<DevnetResult> {
  const init = { dataDirectory, chain, linkMbit, roundMs, hasPages: http !== 'off' }
  const { totals, cloneTo } = await makeChain(devnet, dataDirectory, chain, view)
  await Promise.all(devnet.validators.map((member) => cloneTo(directoryOf(member, init))))
  await Promise.all(devnet.fullNodes.map((member) => mkdir(directoryOf(member, init), { recursive: true })))

  view.say(
    `Starting ${formatCount(chain.validators, 'validator')} and ${formatCount(fullNodes, 'full node')}, a process each`
  )
  const { seed, height } = await startValidators(devnet, init)
  devnet.startsAt(height)
  await startFullNodes(devnet, init, seed, height)
  await watchCatchUp(devnet, roundMs, view)
  const latency = await followLive(devnet, { seconds: follow, roundMs }, view)
  view.say('Comparing all nodes')
  const { height: end, reports } = await converge(devnet)

  const nodes = devnet.members.map(({ name, role, process }, at) => {
    const report = reports[at]
    if (report === undefined) throw new RangeError(`no report of ${name}`)
    return { ...report, name, role, digests: (index: number) => process.call('digests', index, devnet.signal) }
  })
  const behind = nodes.filter((node) => Math.min(node.highestSynced, node.highestExecuted) < end)
  return {
    chain: totals,
    catchUp: slowestCatchUp(devnet),
    live: latency.summary(),
    nodes,
    comparison: await compareNodes(nodes),
    behind: behind.map(
      (node) =>
        `${node.name} stands at commit ${node.highestSynced}, executed ${node.highestExecuted}, and not at ${end}`
    )
  }
}

/** One page for all nodes, which is there as long as they are. */
async function openPage(devnet: Devnet, listen: string, view: ProgressView): Promise<AsyncDisposable | undefined> {
  if (listen === 'off') return undefined
  const nodes = () => devnet.members.map(({ name, page: url }) => ({ name, url }))
  const page = await startNetworkServer({ listen, nodes })
  view.say(`The network's page: ${page.url}`)
  return { [Symbol.asyncDispose]: () => page.stop() }
}

async function makeChain(
  { signal }: Devnet,
  dataDirectory: string,
  chain: DataDirectory['settings'],
  view: ProgressView
): Promise<PreparedChain> {
  const started = performance.now()
  const prepared = await prepareChain(dataDirectory, chain, {
    signal,
    onProgress(value) {
      const perSecond = formatNumber(value / ((performance.now() - started) / 1_000))
      view.show([{ name: 'chain', value, total: chain.commits, detail: `${perSecond} commits/s` }])
    }
  })
  view.say(`A chain of ${formatChain(prepared.totals)}`)
  return prepared
}

function slowestCatchUp({ fullNodes }: Devnet): CatchUp | undefined {
  return fullNodes
    .map(({ catchUp }) => catchUp)
    .toSorted((a, b) => (b?.seconds ?? 0) - (a?.seconds ?? 0))
    .at(0)
}
