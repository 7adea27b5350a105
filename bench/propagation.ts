import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { networkPrivateKey } from '../src/testing/index.ts'
import { type Child, startChild } from './child.ts'
import { type BenchContext, type Figure, figureBeside, median, percentile } from './figure.ts'
import { lineGenesis } from './line-genesis.ts'
import type { HandIn, LineNodeOptions, Passing } from './line-node.ts'
import { linkBefore } from './link-before.ts'
import { startPinger } from './pinger.ts'

/** Nodes behind the validator. */
const HOPS = 3
/** Milliseconds that a byte takes over a link, each way. */
const DELAY_MS = 25
/** What a hop may take, in round trips of its link: what is announced, asked for and answered twice over, and looked at. */
const ROUND_TRIPS = 4
/** As often as a consensus makes a commit. */
const INTERVAL_MS = 250
/** Commits that go through first, while code is compiled. */
const FIRST = 8

interface Measured {
  /** Of each link, in milliseconds. */
  readonly roundTrips: readonly number[]
  /** From `sendCommit` to the executor of each node, in milliseconds: the validator's own first. */
  readonly latencies: readonly (readonly number[])[]
}

/** From `sendCommit` at a validator to the executor of full nodes one, two and three slow links away, each of which has it from the one before, beside pings over the same links. */
export async function benchPropagation({ runs, smoke, log }: BenchContext): Promise<Figure[]> {
  const commits = smoke ? 4 : 80
  const measured: Measured[] = []
  for (let run = 1; run <= runs; run++) {
    const found = await propagate(commits, smoke ? 100 : INTERVAL_MS)
    measured.push(found)
    const times = found.latencies.map((hop) => `${median(hop).toFixed(0)} (${percentile(hop, 0.99).toFixed(0)})`)
    log(
      `run ${run} of ${runs}: ${times.join(', ')} ms at 0 to ${HOPS} hops, median (99th percentile); round trips of ${found.roundTrips.map((ms) => ms.toFixed(1)).join(', ')} ms`
    )
  }
  return Array.from({ length: HOPS }, (_, index) => index + 1).flatMap((hops) => {
    const trips = measured.map(({ roundTrips }) => roundTrips.slice(0, hops).reduce((sum, ms) => sum + ms, 0))
    const figure = (unit: string, of: (latencies: readonly number[]) => number) => ({
      benchmark: 'propagation',
      case: hops === 1 ? '1 hop' : `${hops} hops`,
      unit,
      values: measured.map(({ latencies }) => of(latencies[hops] ?? []))
    })
    const against = `${ROUND_TRIPS} round trips a hop`
    const againstValues = trips.map((ms) => ms * ROUND_TRIPS)
    return [
      figureBeside({ ...figure('ms, median', median), against, againstValues, goal: { most: 1 } }),
      figureBeside({ ...figure('ms, median', median), against: 'a round trip a hop', againstValues: trips }),
      figureBeside({
        ...figure('ms, 99th percentile', (latencies) => percentile(latencies, 0.99)),
        against,
        againstValues
      })
    ]
  })
}

async function propagate(commits: number, intervalMs: number): Promise<Measured> {
  await using started = new AsyncDisposableStack()
  const { networkKeys } = lineGenesis()
  const pinger = started.use(await startPinger())
  const nodes: Child[] = []
  const roundTrips: number[] = []
  let dials: string[] = []
  for (let place = 0; place <= HOPS; place++) {
    const next = peerIdFromPrivateKey(await networkPrivateKey(networkKeys(place + 1)))
    const allowed = [pinger.peerId, next.toString()]
    const node = started.use(startChild('line-node.ts', { place, dials, allowed } satisfies LineNodeOptions))
    nodes.push(node)
    const { address } = await node.message<{ address: string }>()
    if (place === HOPS) break
    const link = await linkBefore(address, { delayMs: DELAY_MS })
    started.defer(() => link.proxy.stop())
    roundTrips.push(await pinger.roundTripMs(link.address))
    dials = [link.address]
  }
  await pass(nodes, 1, { commits: 1, intervalMs: 0 }) // everybody is connected
  await pass(nodes, 1 + FIRST, { commits: FIRST, intervalMs })
  return { roundTrips, latencies: await pass(nodes, 1 + FIRST + commits, { commits, intervalMs }) }
}

/** Hands in commits at the first of a line, up to a last one. @returns how long each took to each of the nodes, in milliseconds */
async function pass(line: readonly Child[], last: number, handIn: HandIn): Promise<number[][]> {
  const sent = new Map<number, number>()
  const come = line.map((node) => whenCome(node, last, sent))
  line[0]?.process.send(handIn)
  return (await Promise.all(come)).map((at) => [...at].map(([index, ms]) => ms - (sent.get(index) ?? Number.NaN)))
}

/** Waits until a node has a commit. @returns when it had each on the way there @throws when the process ends before */
function whenCome({ process: node }: Child, last: number, sent: Map<number, number>): Promise<Map<number, number>> {
  const come = new Map<number, number>()
  return new Promise((resolve, reject) => {
    const onExit = () => reject(new Error(`a node of the line has ended before commit ${last}`))
    const onMessage = ({ event, index, atMs }: Passing) => {
      if (event === 'sent') sent.set(index, atMs)
      else come.set(index, atMs)
      if (event === 'sent' || index !== last) return
      node.off('message', onMessage)
      node.off('exit', onExit)
      resolve(come)
    }
    node.on('message', onMessage)
    node.once('exit', onExit)
  })
}
