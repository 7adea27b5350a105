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
import { startClockedLink } from './clocked-link.ts'
import { TrafficMeter } from './traffic-meter.ts'

/**
 * A process that starts a whole network at once, each node knowing the first alone, and tells what it took until each knew all.
 *
 * Many nodes share a processor here, each of which would have one of its own. So time is what the links between them take, on a clock that moves on when everybody has done
 * what there was to do, and deadlines that go by the machine's clock are long: a slow machine takes longer, and comes to the same figures.
 */
export interface DiscoveryNetworkOptions {
  readonly nodes: number
}

/** What one node did until all knew all. */
export interface Effort {
  /** GetKnownPeers asked and answered. */
  readonly messages: number
  /** Bytes sent, handshakes included. */
  readonly bytes: number
  /** Connections begun, in both directions. */
  readonly connections: number
}

/** How it went. */
export interface ColdStart {
  /** Milliseconds on the clock of the nodes until each knew the infos of all others. */
  readonly milliseconds: number
  /** CPU seconds of the process in that time, all threads. */
  readonly cpuSeconds: number
  readonly seed: Effort
  readonly others: readonly Effort[]
}

/** When to give up: a network that needs so long has a fault. */
const MOST_MS = 120_000
/** What a byte takes from one node to another, in milliseconds: between two continents. */
const LINK_MS = 50
/** How far the clock moves at a time, in milliseconds: so much is the error where a busy machine let somebody seem done. */
const STEP_MS = 25
/** How often one looks whether anything moves, in milliseconds, and how often in a row nothing may, until everybody counts as done. */
const LOOK_MS = 8
const QUIET_LOOKS = 5
const LONG_MS = 300_000
/** Behind its link each node listens at a loopback address of its own: no port that is free now could be taken before it does. */
const HOSTS = `127.${1 + (process.pid % 250)}.${(process.pid >> 8) % 256}`
const PORT = 4001

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
/** What happens afterwards is not counted. */
const complete = () => {
  efforts = network.map(effort)
}
/** Pairs of nodes of which one does not know the other. */
let missing = count * (count - 1)

async function create(number: number, seeds: readonly string[]) {
  const meter = new TrafficMeter()
  const target = { host: `${HOSTS}.${number}`, port: PORT }
  const link = await startClockedLink(target, clock, LINK_MS)
  const gate = createPeerGate({ clock })
  const node = await createLibp2p({
    start: false,
    logger,
    metrics: () => meter,
    addresses: { listen: [`/ip4/${target.host}/tcp/${PORT}`], announce: [`/ip4/127.0.0.1/tcp/${link.port}`] },
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
      peers: peers({ gate, clock, dialDeadlineMs: LONG_MS }),
      discovery: discovery({
        genesis,
        seeds,
        clock,
        dht: false, // it is asked a tick after the start at the earliest, and has timers that go by the machine's clock
        config: { privateNetwork: true },
        onEvent: (event) => {
          if (event.type !== 'known' || event.source !== 'gossip') return
          missing -= 1
          if (missing === 0) complete()
        },
        onFailure: (error) => {
          throw error
        }
      })
    }
  })
  return { node, meter, link }
}

type BenchNode = Awaited<ReturnType<typeof create>>

function effort({ node, meter }: BenchNode): Effort {
  const { exchanges, answered } = node.services.discovery.status()
  const asked = exchanges.succeeded + exchanges.failed + exchanges.underWay
  return { messages: asked + answered, bytes: meter.bytes, connections: meter.connections }
}

/** Resolves when everybody has done what there was to do at this time. */
async function quiet(): Promise<void> {
  let before = -1
  for (let looks = 0; looks < QUIET_LOOKS; looks++) {
    await delay(LOOK_MS)
    const moved = network.reduce((sum, { meter, link }) => sum + meter.bytes + link.bytes, 0)
    if (moved !== before) looks = 0
    before = moved
  }
}

const first = await create(1, [])
await first.node.start()
const seeds = first.node.getMultiaddrs().map(String)
const rest: BenchNode[] = []
while (rest.length < count - 1) rest.push(await create(rest.length + 2, seeds))
network = [first, ...rest]
const startedAt = clock.now()
const cpu = process.cpuUsage()
await Promise.all(rest.map(({ node }) => node.start()))
for (;;) {
  await quiet()
  if (missing === 0) break
  if (clock.now() - startedAt > MOST_MS) {
    throw new Error(`${missing} of ${count * (count - 1)} infos are not known after ${MOST_MS} ms`)
  }
  let asleep: number
  do {
    asleep = clock.sleeping
    clock.advance(STEP_MS)
  } while (clock.sleeping === asleep) // until somebody wakes
}
const used = process.cpuUsage(cpu)
const [seed, ...others] = efforts
if (seed === undefined) throw new Error('a network of nobody')
const milliseconds = clock.now() - startedAt
const result: ColdStart = { milliseconds, cpuSeconds: (used.user + used.system) / 1e6, seed, others }
process.send?.(result)
