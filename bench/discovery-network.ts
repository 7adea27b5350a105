import { setTimeout as delay } from 'node:timers/promises'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { ComponentLogger, Logger } from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { createPeerGate, discovery, peers, rpc, YAMUX_STREAM_OPTIONS } from '../src/index.ts'
import { buildGenesis, deriveValidatorKeys } from '../src/testing/index.ts'
import { ManualClock } from '../test/peers/manual-clock.ts'
import { childOptions } from './child.ts'
import { TrafficMeter } from './traffic-meter.ts'

/**
 * A process that starts a whole network at once, each node knowing the first alone, and tells what it took until each knew all.
 *
 * Many nodes share a processor here, each of which would have one of its own. So the clock of them all moves on, a second at a time, when everybody has done what there was
 * to do, and deadlines that go by the machine's clock are long: a slow machine takes longer, and comes to the same figures.
 */
export interface DiscoveryNetworkOptions {
  readonly nodes: number
}

/** What one node did until all knew all. */
export interface Effort {
  /** GetKnownPeers asked and answered, and requests of the DHT asked and answered. */
  readonly messages: number
  /** Bytes sent, handshakes included. */
  readonly bytes: number
  /** Connections begun, in both directions. */
  readonly connections: number
}

/** How it went. */
export interface ColdStart {
  /** Seconds begun, on the clock of the nodes, until each knew the infos of all others: 1 when what their start set off was enough. */
  readonly seconds: number
  /** CPU seconds of the process in that time, all threads. */
  readonly cpuSeconds: number
  readonly seed: Effort
  readonly others: readonly Effort[]
}

/** When to give up: a network that needs so many has a fault. */
const MOST_SECONDS = 120
/** How long nothing may happen before a network counts as quiet, and how often one looks, in milliseconds. */
const QUIET_MS = 300
const LOOK_MS = 50
const LONG_MS = 300_000
const LISTEN = '/ip4/127.0.0.1/tcp/0'

const silent: Logger = Object.assign(() => {}, {
  error: () => {},
  trace: () => {},
  enabled: false,
  newScope: () => silent
})
const logger: ComponentLogger = { forComponent: () => silent }

const { nodes: count } = childOptions<DiscoveryNetworkOptions>()
const { genesis } = buildGenesis({
  validators: [0, 1, 2, 3].map((index) => ({ keys: deriveValidatorKeys(1, index) })),
  startTimeMs: 0
})
const clock = new ManualClock(Date.now())
let network: readonly BenchNode[] = []
let efforts: readonly Effort[] = []
/** What happens later in the same tick is not counted. */
const complete = () => {
  efforts = network.map(effort)
}
/** Pairs of nodes of which one does not know the other. */
let missing = count * (count - 1)

async function create(seeds: readonly string[]) {
  const meter = new TrafficMeter()
  const gate = createPeerGate({ clock })
  const node = await createLibp2p({
    start: false,
    logger,
    metrics: () => meter,
    addresses: { listen: [LISTEN] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ streamOptions: YAMUX_STREAM_OPTIONS })],
    connectionGater: gate.connectionGater,
    // what protects a host from strangers would refuse a network on one host
    connectionManager: {
      maxConnections: 2 * count + 100,
      maxIncomingPendingConnections: 2 * count,
      inboundConnectionThreshold: Number.POSITIVE_INFINITY,
      dialTimeout: LONG_MS,
      addressDialTimeout: LONG_MS,
      inboundUpgradeTimeout: LONG_MS,
      inboundStreamProtocolNegotiationTimeout: LONG_MS,
      outboundStreamProtocolNegotiationTimeout: LONG_MS
    },
    connectionMonitor: { enabled: false },
    services: {
      identify: identify({ timeout: LONG_MS }),
      ping: ping(),
      rpc: rpc({ chainId: genesis.chainId, clock }),
      peers: peers({ gate, clock, maxParallelDials: 2, dialDeadlineMs: LONG_MS }),
      discovery: discovery({
        genesis,
        seeds,
        clock,
        config: { privateNetwork: true },
        onEvent: ({ type }) => {
          if (type === 'known') missing -= 1
          if (missing === 0) complete()
        },
        onFailure: (error) => {
          throw error
        }
      })
    }
  })
  return { node, meter }
}

type BenchNode = Awaited<ReturnType<typeof create>>

function effort({ node, meter }: BenchNode): Effort {
  const { exchanges, answered } = node.services.discovery.status()
  const asked = exchanges.succeeded + exchanges.failed + exchanges.underWay
  let messages = asked + answered
  for (const [protocol, streams] of meter.streams) if (protocol.includes('/kad/')) messages += streams
  return { messages, bytes: meter.bytes, connections: meter.connections }
}

/** Resolves when everybody is done. */
async function quiet(): Promise<void> {
  let before = -1
  for (let unchanged = 0; unchanged < QUIET_MS; unchanged += LOOK_MS) {
    await delay(LOOK_MS)
    const statuses = network.map(({ node }) => node.services.discovery.status())
    const isBusy = statuses.some(({ dialling, exchanges }) => dialling + exchanges.underWay > 0)
    const sent = network.reduce((sum, { meter }) => sum + meter.bytes, 0)
    if (isBusy || sent !== before) unchanged = 0
    before = sent
  }
}

const first = await create([])
await first.node.start()
const seeds = first.node.getMultiaddrs().map(String)
const rest = await Promise.all(Array.from({ length: count - 1 }, () => create(seeds)))
network = [first, ...rest]
const cpu = process.cpuUsage()
await Promise.all(rest.map(({ node }) => node.start()))
let seconds = 1
for (; ; seconds++) {
  await quiet()
  if (missing === 0) break
  if (seconds === MOST_SECONDS) {
    throw new Error(`${missing} of ${count * (count - 1)} infos are not known after ${seconds} s`)
  }
  clock.advance(1_000)
}
const used = process.cpuUsage(cpu)
const [seed, ...others] = efforts
if (seed === undefined) throw new Error('a network of nobody')
const result: ColdStart = { seconds, cpuSeconds: (used.user + used.system) / 1e6, seed, others }
process.send?.(result)
